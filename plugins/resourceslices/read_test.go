package resourceslices

import (
	"testing"

	"github.com/stretchr/testify/require"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func text(value string) resourceapi.DeviceAttribute {
	return resourceapi.DeviceAttribute{StringValue: &value}
}

func memory(amount string) map[resourceapi.QualifiedName]resourceapi.DeviceCapacity {
	return map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{"memory": {Value: resource.MustParse(amount)}}
}

// nvidiaGPUDevice is a whole GPU as NVIDIA's driver v0.5 publishes it.
func nvidiaGPUDevice(name, root string, numa int64) resourceapi.Device {
	return resourceapi.Device{
		Name: name,
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"type": text("gpu"), "productName": text("NVIDIA A100-SXM4-40GB"), "architecture": text("Ampere"),
			"resource.kubernetes.io/pcieRoot": text(root),
			"resource.kubernetes.io/numaNode": {IntValue: &numa},
		},
		Capacity: memory("40Gi"),
	}
}

// NVIDIA's driver writes the GPU's index and the MIG placement into device names
// only, and publishes no links: PCIe roots and NUMA nodes must do.
func TestReadsNVIDIASlices(t *testing.T) {
	slice := resourceapi.Device{
		Name: "gpu-1-mig-1g5gb-19-6",
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"type": text("mig"), "profile": text("1g.5gb"), "productName": text("NVIDIA A100-SXM4-40GB"),
		},
		Capacity: memory("4864Mi"),
		ConsumesCounters: []resourceapi.DeviceCounterConsumption{{
			CounterSet: "gpu-1-counter-set",
			Counters:   map[string]resourceapi.Counter{"memory-slice-6": {Value: resource.MustParse("1")}, "copy-engines": {Value: resource.MustParse("1")}},
		}},
	}
	node, offers, err := Read(deviceapi.NVIDIADriver, []resourceapi.Device{
		nvidiaGPUDevice("gpu-1", "pci0000:10", 0), slice, nvidiaGPUDevice("gpu-0", "pci0000:10", 0), nvidiaGPUDevice("gpu-2", "pci0000:80", 1),
	})
	require.NoError(t, err)
	require.Len(t, node.GPUs, 3)
	require.Equal(t, []topology.Link{{Kind: topology.Self}, {Kind: topology.PHB}, {Kind: topology.SYS}}, node.Links[0])
	require.Equal(t, []placement.Device{
		{Form: placement.Whole, GPU: 1, Memory: 40 * topology.GiB},
		{Form: placement.MIG, GPU: 1, Memory: 4864 * topology.MiB, Profile: 19, Placement: mig.Placement{Start: 6, Size: 1}},
		{Form: placement.Whole, GPU: 0, Memory: 40 * topology.GiB},
		{Form: placement.Whole, GPU: 2, Memory: 40 * topology.GiB},
	}, offers)
}

// What cannot be understood is refused with the device's name, never guessed.
func TestReadRefuses(t *testing.T) {
	good := nvidiaGPUDevice("gpu-0", "pci0000:10", 0)
	for name, tc := range map[string]struct {
		change func(*resourceapi.Device)
		want   string
	}{
		"no index":       {func(d *resourceapi.Device) { d.Name = "card" }, "device card: its GPU cannot be told"},
		"bad memory":     {func(d *resourceapi.Device) { d.Capacity = memory("-1Gi") }, "device gpu-0: negative memory"},
		"unknown type":   {func(d *resourceapi.Device) { d.Attributes["type"] = text("vfio") }, "0 whole GPUs"},
		"shareable GPU":  {func(d *resourceapi.Device) { d.AllowMultipleAllocations = ptr.To(true) }, `device gpu-0: type "gpu" is not understood`},
		"orphaned slice": {func(d *resourceapi.Device) { d.Name, d.Attributes["type"] = "gpu-0-mig-1g5gb-19-0", text("mig") }, "0 whole GPUs"},
	} {
		t.Run(name, func(t *testing.T) {
			device := *good.DeepCopy()
			tc.change(&device)
			_, _, err := Read(deviceapi.NVIDIADriver, []resourceapi.Device{device})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// A GPU with unified memory publishes none: it is still a GPU, to be had whole.
func TestReadsUnifiedMemory(t *testing.T) {
	device := nvidiaGPUDevice("gpu-0", "pci0000:10", 0)
	device.Capacity = nil
	_, offers, err := Read(deviceapi.NVIDIADriver, []resourceapi.Device{device})
	require.NoError(t, err)
	require.Equal(t, []placement.Device{{Form: placement.Whole}}, offers)
}
