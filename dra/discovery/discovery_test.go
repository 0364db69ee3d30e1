package discovery_test

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/dra/simulated/simulatedtest"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// wantNode is what discovery can find of a machine: everything but the catalogue's own
// names, and the NVLink rate of models without any bridge here.
func wantNode(machine *topology.MachineType) *topology.Node {
	linked := map[*topology.Model]bool{}
	for gpu, row := range machine.Node.Links {
		for _, link := range row {
			linked[machine.Node.GPUs[gpu].Model] = linked[machine.Node.GPUs[gpu].Model] || link.Kind == topology.NVLink
		}
	}
	want := &topology.Node{Links: machine.Node.Links, NICs: machine.Node.NICs}
	for _, gpu := range machine.Node.GPUs {
		model := *gpu.Model
		model.Name, model.Confidence, model.Source = model.Product, "high", "NVML"
		if model.MIG != "" {
			model.MIG = model.Product
		}
		if !linked[gpu.Model] {
			model.LaneGBps = 0
		}
		gpu.Model = &model
		want.GPUs = append(want.GPUs, gpu)
	}
	return want
}

func TestDiscoverGivesBackTheMachine(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		got := simulatedtest.ReadNode(t, machine)
		// The NUMA nodes of some adapters do not fit how near they are, see nearNUMA in package
		// simulated.
		if diff := gocmp.Diff(wantNode(machine), got.Topology, cmpopts.IgnoreFields(topology.NIC{}, "NUMA")); diff != "" {
			t.Errorf("node (-want +got):\n%s", diff)
		}
		uuids := map[string]bool{}
		for gpu, identity := range got.GPUs {
			uuids[identity.UUID] = true
			if identity.Index != int64(gpu) || identity.Minor != int64(gpu) {
				t.Errorf("GPU %d: index %d, minor %d", gpu, identity.Index, identity.Minor)
			}
			checkTable(t, machine.Node.GPUs[gpu].Model, identity.Table)
		}
		if len(uuids) != len(machine.Node.GPUs) {
			t.Errorf("%d different UUIDs of %d GPUs", len(uuids), len(machine.Node.GPUs))
		}
	})
}

// checkTable compares a table read through NVML with the catalogue's, in any
// order of profiles, and with it the names that discovery forms.
func checkTable(t *testing.T, model *topology.Model, got *mig.Table) {
	t.Helper()
	if model.MIG == "" {
		if got != nil {
			t.Errorf("%s has a MIG table, want none", model.Name)
		}
		return
	}
	table, err := catalogue.Default().MIG(model.MIG)
	if err != nil {
		t.Fatal(err)
	}
	want := *table
	want.Name, want.Confidence, want.Source = model.Product, "high", "NVML"
	byID := func(a, b mig.Profile) int { return cmp.Compare(a.ID, b.ID) }
	want.Profiles = slices.SortedFunc(slices.Values(want.Profiles), byID)
	for i, profile := range want.Profiles {
		if profile.MemorySlices == want.MemorySlices {
			// No capture shows what 7g takes of a GB200, but it takes everything.
			want.Profiles[i].Media = want.Media
		}
	}
	sorted := *got
	sorted.Profiles = slices.SortedFunc(slices.Values(got.Profiles), byID)
	if diff := gocmp.Diff(&want, &sorted); diff != "" {
		t.Errorf("MIG table of %s (-want +got):\n%s", model.Name, diff)
	}
}

func TestDiscoverIsDeterministic(t *testing.T) {
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	first, second := simulatedtest.ReadNode(t, machine), simulatedtest.ReadNode(t, machine)
	if diff := gocmp.Diff(first, second, cmpopts.IgnoreUnexported(discovery.NIC{})); diff != "" {
		t.Errorf("two discoveries differ:\n%s", diff)
	}
}

// broken is a driver in which single answers are replaced.
type broken struct {
	discovery.Library
	init   nvml.Return
	device func(index int, device nvml.Device) nvml.Device
}

func (b *broken) Init() nvml.Return { return b.init }

func (b *broken) DeviceGetHandleByIndex(index int) (nvml.Device, nvml.Return) {
	device, ret := b.Library.DeviceGetHandleByIndex(index)
	if b.device != nil {
		device = b.device(index, device)
	}
	return device, ret
}

// The devices of broken drivers: each replaces one call of a simulated GPU.
type (
	lost       struct{ nvml.Device }
	hanging    struct{ nvml.Device }
	noVersion2 struct{ nvml.Device }
	oddAddress struct{ nvml.Device }
	refusing   struct{ nvml.Device }
	starting   struct{ nvml.Device }
	forbidden  struct{ nvml.Device }
)

func (hanging) GetName() (string, nvml.Return) { select {} }

func (lost) GetUUID() (string, nvml.Return) { return "", nvml.ERROR_GPU_IS_LOST }
func (noVersion2) GetMemoryInfo_v2() (nvml.Memory_v2, nvml.Return) { //nolint:revive // the name is go-nvml's
	return nvml.Memory_v2{}, nvml.ERROR_FUNCTION_NOT_FOUND
}
func (oddAddress) GetPciInfo() (nvml.PciInfo, nvml.Return) {
	return nvml.PciInfo{BusId: [32]int8{'o', 'd', 'd'}}, nvml.SUCCESS
}
func (refusing) GetNvLinkState(int) (nvml.EnableState, nvml.Return) { return 0, nvml.ERROR_UNKNOWN }
func (starting) GetGpuFabricInfo() (nvml.GpuFabricInfo, nvml.Return) {
	return nvml.GpuFabricInfo{State: nvml.GPU_FABRIC_STATE_IN_PROGRESS}, nvml.SUCCESS
}
func (forbidden) GetGpuInstancePossiblePlacements(*nvml.GpuInstanceProfileInfo) ([]nvml.GpuInstancePlacement, nvml.Return) {
	return nil, nvml.ERROR_NO_PERMISSION
}

func TestDiscoverNamesWhatFailed(t *testing.T) {
	machine, err := catalogue.Default().Machine("4xA30-pcie")
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New("node-0", machine, catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	sys := library.Sys()
	badNUMA := fstest.MapFS{
		"bus/pci/devices/0000:13:00.0":              {Mode: fs.ModeSymlink, Data: []byte("../../../devices/pci0000:10/0000:13:00.0")},
		"devices/pci0000:10/0000:13:00.0/numa_node": {Data: []byte("many\n")},
	}
	// third replaces GPU 2.
	third := func(replace func(nvml.Device) nvml.Device) func(int, nvml.Device) nvml.Device {
		return func(index int, device nvml.Device) nvml.Device {
			if index == 2 {
				return replace(device)
			}
			return device
		}
	}
	t.Run("the whole node", func(t *testing.T) {
		for ret, want := range map[nvml.Return]string{
			nvml.ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver on this machine: libnvidia-ml.so.1 not found",
			nvml.ERROR_DRIVER_NOT_LOADED: "starting NVML: Init: ERROR_DRIVER_NOT_LOADED",
		} {
			if _, err := discovery.ReadNode(&broken{Library: library, init: ret}, sys); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
		starting := third(func(d nvml.Device) nvml.Device { return starting{d} })
		_, err := discovery.ReadNode(&broken{Library: library, device: starting}, sys)
		if !errors.Is(err, discovery.ErrFabricNotReady) || !strings.Contains(err.Error(), "GPU 2: GetGpuFabricInfo: ") {
			t.Errorf("error %v, want that the fabric of GPU 2 is not ready", err)
		}
	})
	for name, tc := range map[string]struct {
		device func(int, nvml.Device) nvml.Device
		sys    fs.FS
		gpu    int64
		want   string
	}{
		"lost GPU": {device: third(func(d nvml.Device) nvml.Device { return lost{d} }), gpu: 2, want: "GPU 2: GetUUID: ERROR_GPU_IS_LOST"},
		"hanging GPU": {device: third(func(d nvml.Device) nvml.Device { return hanging{d} }), gpu: 2,
			want: "GPU 2: nothing within 500ms: the driver does not answer"},
		"odd address": {device: third(func(d nvml.Device) nvml.Device { return oddAddress{d} }), gpu: 2,
			want: `GPU 2: GetPciInfo: PCI address "odd" is not`},
		"refused link": {device: third(func(d nvml.Device) nvml.Device { return refusing{d} }), gpu: 2,
			want: "GPU 2: GetNvLinkState(0): ERROR_UNKNOWN"},
		"not root": {device: third(func(d nvml.Device) nvml.Device { return forbidden{d} }), gpu: 2,
			want: "GPU 2: GetGpuInstancePossiblePlacements(profile 14): ERROR_NO_PERMISSION"},
		"odd NUMA node": {sys: badNUMA, gpu: 0,
			want: `GPU 0: reading the NUMA node from sysfs: bus/pci/devices/0000:13:00.0/numa_node holds "many\n"`},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.sys == nil {
				tc.sys = sys
			}
			node, err := discovery.ReadNodeWithin(500*time.Millisecond, &broken{Library: library, device: tc.device}, tc.sys)
			if err != nil {
				t.Fatal(err)
			}
			if len(node.Unusable) != 1 || node.Unusable[0].Index != tc.gpu || !strings.Contains(node.Unusable[0].Because.Error(), tc.want) {
				t.Errorf("unusable %v, want GPU %d: %q", node.Unusable, tc.gpu, tc.want)
			}
			if len(node.GPUs) != 3 || len(node.Topology.Links) != 3 {
				t.Errorf("%d GPUs and %d rows of links, want the other 3", len(node.GPUs), len(node.Topology.Links))
			}
		})
	}
	t.Run("no GPU is left", func(t *testing.T) {
		all := func(_ int, d nvml.Device) nvml.Device { return lost{d} }
		const want = "no GPU of 4 can be used: GPU 0: GetUUID: ERROR_GPU_IS_LOST"
		if _, err := discovery.ReadNode(&broken{Library: library, device: all}, sys); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	})
}

// A driver before 510 reserves memory without telling, and a machine may have a
// sysfs that says nothing: neither is an error.
func TestDiscoverWithoutSomeAnswers(t *testing.T) {
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New("node-0", machine, catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	old := func(_ int, device nvml.Device) nvml.Device { return noVersion2{device} }
	got, err := discovery.ReadNode(&broken{Library: library, device: old}, fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	gpu := got.Topology.GPUs[0]
	if gpu.NUMA != topology.NoNUMA || gpu.PCIeRoot != "" || gpu.Model.Reserved != 0 {
		t.Errorf("NUMA %d, root %q, reserved %s; want all unknown", gpu.NUMA, gpu.PCIeRoot, gpu.Model.Reserved)
	}
	if gpu.Model.Memory != 81559*topology.MiB {
		t.Errorf("memory %s, want 81559MiB", gpu.Model.Memory)
	}
}

func TestDiscoverOnThisMachine(t *testing.T) {
	got, err := discovery.ReadNode(nvml.New(), fstest.MapFS{})
	if errors.Is(err, discovery.ErrNoDriver) {
		t.Skip("no NVIDIA driver here")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("driver %s, %d GPUs, the first a %s", got.DriverVersion, len(got.GPUs), got.Topology.GPUs[0].Model.Product)
}
