package simulated_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

func library(t *testing.T, nodeName, machine string) *simulated.Library {
	t.Helper()
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New(nodeName, machineType, catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func simulatedGPU(t *testing.T, library nvml.Interface, index int) nvml.Device {
	t.Helper()
	device, ret := library.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		t.Fatal(ret)
	}
	return device
}

// What nobody simulates is refused, and does not panic.
func TestUnsupportedCalls(t *testing.T) {
	library := library(t, "node-0", "dgx-h100")
	gpu := simulatedGPU(t, library, 0)
	if _, ret := gpu.GetTemperature(nvml.TEMPERATURE_GPU); ret != nvml.ERROR_NOT_SUPPORTED {
		t.Errorf("GetTemperature: %v", ret)
	}
	if ret := gpu.SetPersistenceMode(nvml.FEATURE_ENABLED); ret != nvml.ERROR_NOT_SUPPORTED {
		t.Errorf("SetPersistenceMode: %v", ret)
	}
	if _, ret := library.UnitGetCount(); ret != nvml.ERROR_NOT_SUPPORTED {
		t.Errorf("UnitGetCount: %v", ret)
	}
	if library.Extensions().LookupSymbol("nvmlDeviceGetRowRemapperHistogram") == nil {
		t.Error("the library claims a function that it does not have")
	}
}

func TestHandles(t *testing.T) {
	library := library(t, "node-0", "dgx-h100")
	want := simulatedGPU(t, library, 3)
	uuid, _ := want.GetUUID()
	if got, ret := library.DeviceGetHandleByUUID(uuid); ret != nvml.SUCCESS || got != want {
		t.Errorf("by UUID: %v", ret)
	}
	pci, _ := want.GetPciInfo()
	address, err := discovery.BusID(pci)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{address, "0000" + strings.ToUpper(address)} {
		if got, ret := library.DeviceGetHandleByPciBusId(text); ret != nvml.SUCCESS || got != want {
			t.Errorf("by PCI address %s: %v", text, ret)
		}
	}
	if _, ret := library.DeviceGetHandleByUUID("GPU-none"); ret != nvml.ERROR_NOT_FOUND {
		t.Errorf("unknown UUID: %v", ret)
	}
	if _, ret := library.DeviceGetHandleByIndex(8); ret != nvml.ERROR_INVALID_ARGUMENT {
		t.Errorf("index 8 of 8: %v", ret)
	}
}

// UUIDs come from the node's name and nothing else, and look like NVML's.
func TestUUIDs(t *testing.T) {
	first, _ := simulatedGPU(t, library(t, "node-0", "dgx-h100"), 0).GetUUID()
	again, _ := simulatedGPU(t, library(t, "node-0", "8xL40S-2socket-node"), 0).GetUUID()
	other, _ := simulatedGPU(t, library(t, "node-1", "dgx-h100"), 0).GetUUID()
	if first != again || first == other {
		t.Errorf("node-0 %s and %s, node-1 %s", first, again, other)
	}
	if groups := strings.Split(first, "-"); len(groups) != 6 || groups[0] != "GPU" || len(first) != 40 {
		t.Errorf("%s is not GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", first)
	}
}

// As real drivers do, the PCI domain has eight digits and letters are upper case.
func TestPCIInfo(t *testing.T) {
	pci, _ := simulatedGPU(t, library(t, "node-0", "dgx-h100"), 1).GetPciInfo()
	var text strings.Builder
	for _, char := range pci.BusId {
		if char != 0 {
			text.WriteByte(byte(char))
		}
	}
	if got := text.String(); len(got) != len("00000000:1B:00.0") || strings.ToUpper(got) != got {
		t.Errorf("PCI address %q", got)
	}
	if pci.Bus == 0 || pci.PciDeviceId != 0x233010DE {
		t.Errorf("bus %#x, device id %#x", pci.Bus, pci.PciDeviceId)
	}
}

// On a machine with NVSwitch every link ends at a switch, on a mesh at a GPU.
func TestRemoteEnds(t *testing.T) {
	for machine, tc := range map[string]struct {
		links int
		kind  nvml.IntNvLinkDeviceType
	}{
		"dgx-h100":           {18, nvml.NVLINK_DEVICE_TYPE_SWITCH},
		"dgx2-v100":          {6, nvml.NVLINK_DEVICE_TYPE_SWITCH},
		"dgx1-v100":          {6, nvml.NVLINK_DEVICE_TYPE_GPU},
		"hgx-a100-4gpu-epyc": {12, nvml.NVLINK_DEVICE_TYPE_GPU},
		"4xA30-pcie":         {0, nvml.NVLINK_DEVICE_TYPE_UNKNOWN},
	} {
		gpu, active := simulatedGPU(t, library(t, "node-0", machine), 0), 0
		for link := range nvml.NVLINK_MAX_LINKS {
			if state, ret := gpu.GetNvLinkState(link); ret != nvml.SUCCESS || state != nvml.FEATURE_ENABLED {
				continue
			}
			active++
			if kind, ret := gpu.GetNvLinkRemoteDeviceType(link); ret != nvml.SUCCESS || kind != tc.kind {
				t.Errorf("%s: link %d leads to %v, %v; want %v", machine, link, kind, ret, tc.kind)
			}
		}
		if active != tc.links {
			t.Errorf("%s: %d active links, want %d", machine, active, tc.links)
		}
	}
}

// A GPU on NVSwitches is in a fabric, but without a cluster's UUID in no domain.
func TestFabricOfOneMachine(t *testing.T) {
	fabric, ret := simulatedGPU(t, library(t, "node-0", "dgx-h100"), 0).GetGpuFabricInfo()
	if ret != nvml.SUCCESS || fabric.State != nvml.GPU_FABRIC_STATE_COMPLETED || fabric.ClusterUuid != [16]uint8{} {
		t.Errorf("DGX H100: %+v, %v; want completed, without UUID", fabric, ret)
	}
	if _, ret := simulatedGPU(t, library(t, "node-0", "dgx-a100"), 0).GetGpuFabricInfo(); ret != nvml.ERROR_NOT_SUPPORTED {
		t.Errorf("DGX A100: %v, want not supported", ret)
	}
}

func TestNewRefusesWhatNVMLCannotReport(t *testing.T) {
	model := &topology.Model{Name: "odd", LaneGBps: 25}
	node := func(links ...string) *topology.Node {
		n := &topology.Node{}
		for _, row := range links {
			n.GPUs = append(n.GPUs, topology.GPU{Model: model})
			var parsed []topology.Link
			for word := range strings.FieldsSeq(row) {
				link, err := topology.ParseLink(word)
				if err != nil {
					t.Fatal(err)
				}
				parsed = append(parsed, link)
			}
			n.Links = append(n.Links, parsed)
		}
		return n
	}
	for name, tc := range map[string]struct {
		node *topology.Node
		want string
	}{
		"too many links": {node("X NV40", "NV40 X"), "GPU 0 has 40 NVLinks, NVML knows at most 36"},
		"one-sided":      {node("X NV4", "NV2 X"), "GPUs 0 and 1 count different NVLinks between them"},
		"uneven switches": {node("X NV24 NV16", "NV24 X NV24", "NV16 NV24 X"),
			"GPUs 0 and 2 have 16 NVLinks between them, which no switch gives"},
		"no GPUs": {&topology.Node{}, "a node needs at least one GPU"},
	} {
		_, err := simulated.New("node-0", &topology.MachineType{Name: "odd", Node: tc.node}, catalogue.Default().MIG)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
	machine := &topology.MachineType{Name: "odd", Node: &topology.Node{
		GPUs:  []topology.GPU{{Model: &topology.Model{MIG: "none"}}},
		Links: [][]topology.Link{{{Kind: topology.Self}}},
	}}
	if _, err := simulated.New("node-0", machine, catalogue.Default().MIG); err == nil {
		t.Error("a model whose MIG table is missing is accepted")
	}
}

func TestSysIsLikeSysfs(t *testing.T) {
	sys := library(t, "node-0", "dgx-a100").Sys()
	target, err := fs.ReadLink(sys, "bus/pci/devices/"+busID(t, "dgx-a100", 2))
	if err != nil || !strings.HasPrefix(target, "../../../devices/pci") {
		t.Errorf("link to %q, %v", target, err)
	}
	text, err := fs.ReadFile(sys, "bus/pci/devices/"+busID(t, "dgx-a100", 2)+"/numa_node")
	if err != nil || string(text) != "1\n" { // 3,3,1,1,7,7,5,5
		t.Errorf("NUMA node %q, %v", text, err)
	}
}

func busID(t *testing.T, machine string, gpu int) string {
	t.Helper()
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		t.Fatal(err)
	}
	return machineType.Node.GPUs[gpu].BusID
}

func TestReadNodes(t *testing.T) {
	text := `# two racks' worth of trays would be longer
- name: dgx-h100-0
  machine: dgx-h100
- {name: tray-0, machine: gb200-nvl72-tray, clique: 4b7ae1c2-0001-4d3a-9c00-00000000000a.7}
`
	nodes, err := simulated.ReadNodes("nodes.yaml", []byte(text), catalogue.Default().Machine)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, node := range nodes {
		names = append(names, node.Name)
	}
	if !slices.Equal(names, []string{"dgx-h100-0", "tray-0"}) {
		t.Errorf("nodes %v", names)
	}
	inventory, err := nodes[1].Discover(catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	if got := inventory.Topology.GPUs[3].Clique; got != "4b7ae1c2-0001-4d3a-9c00-00000000000a.7" {
		t.Errorf("clique %q", got)
	}
}

func TestReadNodesNamesTheLine(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":       {"", "nodes.yaml:1:1: is empty: want a list of {name, machine}"},
		"empty list":    {"# none\n[]\n", "nodes.yaml:2:1: no nodes: want a list of {name, machine}"},
		"not a list":    {"name: a\n", "nodes.yaml:1:1: want a list: lines that start with -"},
		"not a mapping": {"- a\n", "nodes.yaml:1:3: [0]: want fields: lines like name: value"},
		"bad YAML":      {"- name: a\n  machine: [\n", "nodes.yaml:2:12: is not YAML: sequence end token ']' not found"},
		"tab":           {"- name: a\n\tmachine: b\n", "nodes.yaml:2:1: is not YAML: a tab indents the line, where only spaces may"},
		"unknown field": {"- name: a\n  machine: dgx-h100\n  gpus: 8\n",
			`nodes.yaml:3:3: [0].gpus: is not a field: want one of name, machine, clique`},
		"field twice": {"- name: a\n  name: b\n",
			"nodes.yaml:1:3: [0].machine: is missing: want a machine type\nnodes.yaml:2:3: [0].name: occurs twice"},
		"no machine":      {"- name: a\n", "nodes.yaml:1:3: [0].machine: is missing"},
		"empty machine":   {"- name: a\n  machine:\n", "nodes.yaml:2:3: [0].machine: is empty"},
		"bad name":        {"- name: A_b\n  machine: dgx-h100\n", `nodes.yaml:1:9: [0].name: node name "A_b": `},
		"unknown machine": {"- name: a\n  machine: dgx-h1000\n", `nodes.yaml:2:12: [0].machine: unknown machine "dgx-h1000"`},
		"name twice": {"- {name: a, machine: dgx-h100}\n- {name: b, machine: dgx-h100}\n- {name: a, machine: dgx-h100}\n",
			`nodes.yaml:3:10: [2].name: node "a" is already on line 1`},
		"no name": {"- {machine: dgx-h100}\n", "nodes.yaml:1:3: [0].name: a node needs a name"},
		"bad clique": {"- {name: a, machine: dgx-h100, clique: rack-1}\n",
			`nodes.yaml:1:40: [0].clique: NVLink clique "rack-1" is not <cluster UUID>.<clique id>`},
	} {
		_, err := simulated.ReadNodes("nodes.yaml", []byte(tc.text), catalogue.Default().Machine)
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

// One reading says everything that is wrong.
func TestReadNodesAllFaults(t *testing.T) {
	text := "- {name: A, machine: dgx-h100, gpus: 8}\n- {name: a, machine: dgx-h1000}\n- {name: a, machine: dgx-h100}\n"
	_, err := simulated.ReadNodes("nodes.yaml", []byte(text), catalogue.Default().Machine)
	if err == nil {
		t.Fatal("no error")
	}
	for i, want := range []string{
		`nodes.yaml:1:10: [0].name: node name "A": `,
		"nodes.yaml:1:32: [0].gpus: is not a field",
		`nodes.yaml:2:22: [1].machine: unknown machine "dgx-h1000"`,
		`nodes.yaml:3:10: [2].name: node "a" is already on line 2`,
	} {
		if lines := strings.Split(err.Error(), "\n"); i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("got %v\nwant a line %d: %s", err, i+1, want)
		}
	}
}
