package publish_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	internalapi "k8s.io/kubernetes/pkg/apis/resource"
	conversion "k8s.io/kubernetes/pkg/apis/resource/v1"
	"k8s.io/kubernetes/pkg/apis/resource/validation"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated/simulatedtest"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func resourceSlices(t *testing.T, machine *topology.MachineType) []*resourceapi.ResourceSlice {
	t.Helper()
	return publish.ResourceSlices("node-0", resourcesOn(t, machine))
}

func TestGoldenSlices(t *testing.T) {
	for _, name := range []string{"dgx-h100", "4xA30-pcie", "dgx1-v100", "8xL40S-2socket-node"} {
		t.Run(name, func(t *testing.T) {
			machine, err := catalogue.Default().Machine(name)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, slice := range resourceSlices(t, machine) {
				text, err := yaml.Marshal(slice)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n")
				got.Write(text)
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s differs; if that is meant, run: go test ./dra -run TestGoldenSlices -update\n(-want +got):\n%s", golden, diff)
			}
		})
	}
}

// The API server's own validation accepts every slice of every machine.
func TestSlicesAreValid(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		validateSlices(t, resourceSlices(t, machine))
	})
}

// validateSlices asks the API server's own validation.
func validateSlices(t *testing.T, objects []*resourceapi.ResourceSlice) {
	t.Helper()
	for i, slice := range objects {
		// As the API server names it, which cuts long names off.
		name := slice.GenerateName
		slice.Name, slice.GenerateName = name[:min(len(name), 58)]+"x1y2z", ""
		var internal internalapi.ResourceSlice
		if err := conversion.Convert_v1_ResourceSlice_To_resource_ResourceSlice(slice, &internal, nil); err != nil {
			t.Fatal(err)
		}
		for _, problem := range validation.ValidateResourceSlice(&internal) {
			t.Errorf("slice %d: %v", i, problem)
		}
	}
}

// The limits again, written out, so that a change of the API's is noticed.
func TestSlicesKeepToTheLimits(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		names := map[string]bool{}
		sets := map[string]resourceapi.CounterSet{}
		devicesSeen := false
		for i, slice := range resourceSlices(t, machine) {
			if len(slice.Spec.SharedCounters) > 8 || len(slice.Spec.Devices) > 64 {
				t.Errorf("slice %d: %d counter sets, %d devices", i, len(slice.Spec.SharedCounters), len(slice.Spec.Devices))
			}
			devicesSeen = devicesSeen || len(slice.Spec.Devices) > 0
			if devicesSeen == (len(slice.Spec.SharedCounters) > 0) {
				t.Errorf("slice %d: counter sets must come before all devices, in slices of their own", i)
			}
			for _, set := range slice.Spec.SharedCounters {
				sets[set.Name] = set
				if len(set.Counters) > 32 {
					t.Errorf("%s: %d counters", set.Name, len(set.Counters))
				}
			}
			for _, device := range slice.Spec.Devices {
				checkDevice(t, device, sets)
				if names[device.Name] {
					t.Errorf("two devices %s", device.Name)
				}
				names[device.Name] = true
			}
		}
		if len(sets) != len(machine.Node.GPUs) {
			t.Errorf("%d counter sets for %d GPUs", len(sets), len(machine.Node.GPUs))
		}
	})
}

func checkDevice(t *testing.T, device resourceapi.Device, sets map[string]resourceapi.CounterSet) {
	t.Helper()
	if facts := len(device.Attributes) + len(device.Capacity); facts > 32 {
		t.Errorf("%s: %d attributes and capacities", device.Name, facts)
	}
	if len(device.ConsumesCounters) != 1 {
		t.Fatalf("%s: draws on %d counter sets, want 1", device.Name, len(device.ConsumesCounters))
	}
	set := sets[device.ConsumesCounters[0].CounterSet]
	for name, counter := range device.ConsumesCounters[0].Counters {
		if total, found := set.Counters[name]; !found || counter.Value.Cmp(total.Value) > 0 {
			t.Errorf("%s: takes %s of counter %s, which has %s", device.Name, &counter.Value, name, &total.Value)
		}
	}
	mig := *device.Attributes[deviceapi.Type].StringValue == deviceapi.TypeMIG
	for _, name := range []resourceapi.QualifiedName{
		deviceapi.NVLinkIsland, deviceapi.NVLinkClique, deviceapi.NVLinkLaneBandwidth, deviceapi.Links, deviceapi.P2P,
		deviceapi.NIC, deviceapi.NICLink, deviceapi.NICPCIBusID, deviceapi.NICPCIeRoot, deviceapi.NICNUMANode,
	} {
		if _, found := device.Attributes[name]; found && mig {
			t.Errorf("%s: MIG instances have no peer-to-peer, neither to GPUs nor to adapters, yet there is %s", device.Name, name)
		}
	}
}

// What readers rebuild a node from is there, and says what the machine is.
func TestSlicesTellTheNode(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		node := machine.Node
		islands := node.Islands()
		for _, slice := range resourceSlices(t, machine) {
			for _, device := range slice.Spec.Devices {
				a := device.Attributes
				gpu := int(*a[deviceapi.Index].IntValue)
				if got := *a[deviceapi.ProductName].StringValue; got != node.GPUs[gpu].Model.Product {
					t.Errorf("%s: product %q", device.Name, got)
				}
				if got := *a[deviceapi.PCIBusID].StringValue; got != node.GPUs[gpu].BusID {
					t.Errorf("%s: PCI address %q", device.Name, got)
				}
				if got, found := a[deviceapi.NUMANode]; found != (node.GPUs[gpu].NUMA >= 0) || found && *got.IntValue != node.GPUs[gpu].NUMA {
					t.Errorf("%s: NUMA node %v, want %d", device.Name, got.IntValue, node.GPUs[gpu].NUMA)
				}
				if *a[deviceapi.Type].StringValue == deviceapi.TypeMIG {
					continue
				}
				if got, found := a[deviceapi.NVLinkIsland]; found != (islands[gpu] >= 0) || found && *got.IntValue != islands[gpu] {
					t.Errorf("%s: island %v, want %d", device.Name, got.IntValue, islands[gpu])
				}
				if links, found := a[deviceapi.Links]; found {
					row, err := deviceapi.DecodeLinks(*links.StringValue, len(node.GPUs))
					if err != nil || !slices.Equal(row, node.Links[gpu]) {
						t.Errorf("%s: links %q: %v", device.Name, *links.StringValue, err)
					}
				} else {
					t.Errorf("%s: the links do not fit an attribute", device.Name)
				}
				nearest := topology.SYS
				for _, nic := range node.NICs {
					nearest = max(nearest, nic.Links[gpu].Kind)
				}
				want := (topology.Link{Kind: nearest}).String()
				if got, found := a[deviceapi.NICLink]; found != (len(node.NICs) > 0) || found && *got.StringValue != want {
					t.Errorf("%s: adapter %v, want %s of %d adapters", device.Name, got.StringValue, want, len(node.NICs))
				}
				memory := device.Capacity[deviceapi.Memory]
				if want := int64(node.GPUs[gpu].Model.Usable() / topology.MiB * topology.MiB); memory.Value.Value() != want {
					t.Errorf("%s: memory %s", device.Name, &memory.Value)
				}
				if got := slices.Collect(maps.Keys(device.Capacity)); len(got) != 1 {
					t.Errorf("%s: capacities %v, want memory alone", device.Name, got)
				}
			}
		}
	})
}
