package simulated_test

import (
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// rubbishLibrary is a node whose first GPU says odd things of itself.
type rubbishLibrary struct {
	*simulated.Library
	name, uuid, busID, version string
}

func (l rubbishLibrary) SystemGetDriverVersion() (string, nvml.Return) {
	return l.version, nvml.SUCCESS
}

func (l rubbishLibrary) DeviceGetHandleByIndex(index int) (nvml.Device, nvml.Return) {
	device, ret := l.Library.DeviceGetHandleByIndex(index)
	if index > 0 || ret != nvml.SUCCESS {
		return device, ret
	}
	return rubbishGPU{device, l}, ret
}

type rubbishGPU struct {
	nvml.Device
	says rubbishLibrary
}

func (g rubbishGPU) GetName() (string, nvml.Return) { return g.says.name, nvml.SUCCESS }
func (g rubbishGPU) GetUUID() (string, nvml.Return) { return g.says.uuid, nvml.SUCCESS }

func (g rubbishGPU) GetPciInfo() (nvml.PciInfo, nvml.Return) {
	info, ret := g.Device.GetPciInfo()
	info.BusId = [32]int8{}
	for i := range min(len(g.says.busID), len(info.BusId)) { // without an end if it is long
		info.BusId[i] = int8(g.says.busID[i])
	}
	return info, ret
}

// Whatever strings NVML gives, discovery tells what it found or what is wrong with it.
func FuzzDiscovery(f *testing.F) {
	f.Add("NVIDIA H100 80GB HBM3", "GPU-00000000-0000-8000-8000-000000000000", "00000000:1B:00.0", "580.95.05")
	f.Add("", "", "", "")
	f.Add("a\x00b\nc\xff", "GPU-../../etc", "0000:../../../../etc/passwd", "..")
	f.Add("A100", "MIG-1", "FFFFFFFF:FF:FF.F:aaaaaaaaaaaaaaaaaaaaaaaaa", "99999999999999999999.1")
	f.Add("A100", "GPU-1", ":", "-1")
	machine, err := catalogue.Default().Machine("4xA30-pcie")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, uuid, busID, version string) {
		library, err := simulated.New("node-0", machine, catalogue.Default().MIG)
		if err != nil {
			t.Fatal(err)
		}
		found, err := discovery.ReadNode(rubbishLibrary{library, name, uuid, busID, version}, library.Sys())
		if err != nil {
			return
		}
		if len(found.GPUs)+len(found.Unusable) != 4 {
			t.Errorf("%d GPUs and %d that are unusable, want 4 together", len(found.GPUs), len(found.Unusable))
		}
		uuids := map[string]bool{}
		for i := range found.GPUs {
			if uuids[found.GPUs[i].UUID] {
				t.Errorf("two GPUs have the UUID %q", found.GPUs[i].UUID)
			}
			uuids[found.GPUs[i].UUID] = true
		}
	})
}

// A clique is refused or read; nothing else is known of it.
func FuzzCliques(f *testing.F) {
	f.Add("4b7ae1c2-0001-4d3a-9c00-00000000000a.7")
	f.Add(".")
	f.Fuzz(func(t *testing.T, clique string) {
		machine, err := catalogue.Default().Machine("gb200-nvl72-tray")
		if err != nil {
			t.Fatal(err)
		}
		node := *machine.Node
		node.GPUs = append([]topology.GPU(nil), node.GPUs...)
		node.GPUs[0].Clique = clique
		_, _ = simulated.New("node-0", &topology.MachineType{Name: "tray", Node: &node}, catalogue.Default().MIG)
	})
}
