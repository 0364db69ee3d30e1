package resourceslices

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
)

// The nearest adapters of the GPUs are read back; what is not known counts as far.
func TestAddNICs(t *testing.T) {
	published := func(address, link string, numa *int64) Device {
		d := resourceapi.Device{Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"nic": textAttribute("mlx5_" + address), "nicPCIBusID": textAttribute(address), "nicLink": textAttribute(link),
		}}
		if numa != nil {
			d.Attributes["nicNUMANode"] = resourceapi.DeviceAttribute{IntValue: numa}
		}
		return Device{Device: &d, Driver: "gpu.ashlar.dev"}
	}
	sources := []Device{
		published("1", "PXB", ptr.To(int64(3))), published("2", "PHB", nil), published("1", "PIX", ptr.To(int64(3))),
		published("3", "NV18", nil), published("3", "near", nil), published("", "PIX", nil), {Device: &resourceapi.Device{}},
	}
	node := &topology.Node{GPUs: make([]topology.GPU, len(sources))}
	addNICs(node, sources)
	links := func(kinds ...topology.LinkKind) []topology.Link {
		row := make([]topology.Link, len(sources))
		for i, kind := range kinds {
			row[i].Kind = kind
		}
		return row
	}
	want := []topology.NIC{
		{Name: "mlx5_1", NUMA: 3, Links: links(topology.PXB, topology.SYS, topology.PIX)},
		{Name: "mlx5_2", NUMA: topology.NoNUMA, Links: links(topology.SYS, topology.PHB)},
	}
	if diff := cmp.Diff(want, node.NICs); diff != "" {
		t.Errorf("adapters (-want +got):\n%s", diff)
	}
}
