package publish_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated/simulatedtest"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// largestMachine is a machine with as many GPUs as a node may have, of the model of another
// machine, all on NVSwitches, each with an adapter of its own and a long name for it.
func largestMachine(t *testing.T, like string) *topology.MachineType {
	t.Helper()
	machine, err := catalogue.Default().Machine(like)
	if err != nil {
		t.Fatal(err)
	}
	node := &topology.Node{}
	for i := range topology.MaxGPUs {
		node.GPUs = append(node.GPUs, topology.GPU{
			Model: machine.Node.GPUs[0].Model, NUMA: int64(i / 2), PCIeRoot: fmt.Sprintf("pci0000:%02x", 0x10+i),
			BusID: fmt.Sprintf("0000:%02x:00.0", 0x80+i), Clique: "4b7ae1c2-0001-4d3a-9c00-00000000000a.4294967295",
		})
		row, near := make([]topology.Link, topology.MaxGPUs), make([]topology.Link, topology.MaxGPUs)
		for j := range row {
			row[j], near[j] = topology.Link{Kind: topology.NVLink, Lanes: 12}, topology.Link{Kind: topology.SYS}
		}
		row[i], near[i] = topology.Link{Kind: topology.Self}, topology.Link{Kind: topology.PXB}
		node.Links = append(node.Links, row)
		node.NICs = append(node.NICs, topology.NIC{Name: fmt.Sprintf("rocep%d%s", i, strings.Repeat("s0", 40)), NUMA: int64(i / 2), Links: near})
	}
	large := *machine
	large.Name, large.Node = "16 of "+like, node
	return &large
}

// A node with sixteen GPUs, each with every MIG placement and as many taints on every device
// as a device may have, is within what the API server accepts.
func TestSixteenGPUs(t *testing.T) {
	for like, wantSlices := range map[string]int{
		"dgx-a100": 2 + 8, "dgx-h100": 2 + 8, "hgx-b300": 2 + 8, "dgx2-v100": 2 + 1, "hgx-a100-4gpu-epyc/A100-SXM4-40GB": 2 + 8,
	} {
		t.Run(strings.ReplaceAll(like, "/", "+"), func(t *testing.T) {
			node := simulatedtest.ReadNode(t, largestMachine(t, like))
			devices := node.ListDevices(discovery.DeviceOptions{AnyMode: true})
			nodeName := strings.Repeat("very-long-name.", 16) + "example.com"
			taints := func(dra.Device) []resourceapi.DeviceTaint {
				var list []resourceapi.DeviceTaint
				for i := range resourceapi.DeviceTaintsMaxLength {
					list = append(list, resourceapi.DeviceTaint{
						Key: fmt.Sprintf("gpu.ashlar.dev/%s-%02d", strings.Repeat("x", 60), i), Value: strings.Repeat("v", 63),
						Effect: resourceapi.DeviceTaintEffectNoExecute, TimeAdded: &metav1.Time{Time: time.Unix(1, 0)},
					})
				}
				return list
			}
			objects := publish.ResourceSlices(nodeName, publish.DriverResources(nodeName, node, devices, taints))
			if len(objects) != wantSlices {
				t.Errorf("%d slices, want %d", len(objects), wantSlices)
			}
			count := 0
			for i, object := range objects {
				count += len(object.Spec.Devices)
				text, err := json.Marshal(object)
				if err != nil {
					t.Fatal(err)
				}
				// etcd takes 1.5 MiB in one request.
				if len(text) > 1<<20 {
					t.Errorf("slice %d has %d bytes", i, len(text))
				}
			}
			if count != len(devices) {
				t.Errorf("%d devices in slices, want %d", count, len(devices))
			}
			validateSlices(t, objects)
		})
	}
}

// Which slice a GPU is in does not change with the devices that are there.
func TestLayoutIsStable(t *testing.T) {
	node := simulatedtest.ReadNode(t, largestMachine(t, "dgx-h100"))
	all := node.ListDevices(discovery.DeviceOptions{})
	place := func(devices []dra.Device) map[string]int {
		places := map[string]int{}
		for i, slice := range publish.DriverResources("node-0", node, devices, nil).Pools["node-0"].Slices {
			for _, device := range slice.Devices {
				places[device.Name] = i
			}
			for _, set := range slice.SharedCounters {
				places[set.Name] = i
			}
		}
		return places
	}
	want := place(all)
	for name, gone := range map[string]func(dra.Device) bool{
		"half of the GPUs": func(d dra.Device) bool { return d.GPU.Index%2 == 0 },
		"no slices":        func(d dra.Device) bool { return d.Form == dra.FormMIG },
		"slices alone":     func(d dra.Device) bool { return d.Form != dra.FormMIG },
		"the last GPU":     func(d dra.Device) bool { return d.GPU.Index < topology.MaxGPUs-1 },
	} {
		for device, got := range place(slices.DeleteFunc(slices.Clone(all), gone)) {
			if got != want[device] {
				t.Errorf("%s gone: %s is in slice %d, want %d", name, device, got, want[device])
			}
		}
	}
}
