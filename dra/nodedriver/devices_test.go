package nodedriver

import (
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// testGPUs are the simulated GPUs of a machine, and what is handed out of them.
func testGPUs(t *testing.T, machine string, reserved ...int) (*offeredDevices, *simulated.Control) {
	t.Helper()
	known, err := catalogue.Default().Machine(machine)
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New("node", known, catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	node, err := discovery.ReadNode(library, library.Sys())
	if err != nil {
		t.Fatal(err)
	}
	gpus, err := hardware.Open(library, hardware.Options{Proc: library.Proc(), Command: library.RunCommand})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gpus.Close(); err != nil {
			t.Error(err)
		}
	})
	devices := &offeredDevices{node: node, reserved: map[string]bool{}, reader: gpus, foreign: gpus.Instances}
	for _, index := range reserved {
		devices.reserved[node.GPUs[index].UUID] = true
	}
	return devices, library.Control()
}

func countForms(devices []dra.Device, index int64) map[dra.DeviceForm]int {
	forms := map[dra.DeviceForm]int{}
	for _, device := range devices {
		if device.GPU.Index == index {
			forms[device.Form]++
		}
	}
	return forms
}

// A MIG instance of somebody else takes the whole GPU, the share, and what overlaps it out
// of what is offered, until it is gone. Other GPUs are not affected.
func TestForeignInstancesAreLeftAlone(t *testing.T) {
	devices, control := testGPUs(t, "dgx-h100")
	if !devices.refresh(t.Context()) {
		t.Fatal("the first look finds nothing")
	}
	before := devices.list()
	if err := devices.nvmlOf(t).SetMIGMode(t.Context(), devices.node.GPUs[0].UUID, true); err != nil {
		t.Fatal(err)
	}
	placement := mig.Placement{Start: 0, Size: 4}
	id, err := control.AddInstance(0, 9, placement, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !devices.refresh(t.Context()) {
		t.Error("an instance of somebody else changes nothing")
	}
	forms := countForms(devices.list(), 0)
	if forms[dra.FormGPU]+forms[dra.FormShare] > 0 || forms[dra.FormMIG] == 0 {
		t.Errorf("beside an instance of somebody else GPU 0 is offered as %v", forms)
	}
	for _, device := range devices.list() {
		if device.GPU.Index == 0 && device.Placement.Overlaps(placement) {
			t.Errorf("%s overlaps the instance of somebody else", device.Name())
		}
	}
	if got := countForms(devices.list(), 1); got[dra.FormGPU] != 1 {
		t.Errorf("GPU 1 is offered as %v", got)
	}
	if devices.refresh(t.Context()) {
		t.Error("nothing changed, and something is told to have")
	}
	if err := devices.nvmlOf(t).DestroyInstance(t.Context(), devices.node.GPUs[0].UUID, id); err != nil {
		t.Fatal(err)
	}
	if !devices.refresh(t.Context()) || !slices.Equal(before, devices.list()) {
		t.Error("what is offered is not as before once the instance is gone")
	}
}

// A GPU that changes MIG mode by a reset only is offered in its present mode, also while a
// change waits.
func TestModeChangeWaitsForReset(t *testing.T) {
	devices, control := testGPUs(t, "dgx-a100")
	devices.refresh(t.Context())
	if got := countForms(devices.list(), 0); got[dra.FormMIG] > 0 || got[dra.FormGPU] != 1 || got[dra.FormShare] != 1 {
		t.Errorf("with MIG off: %v", got)
	}
	_ = devices.nvmlOf(t).SetMIGMode(t.Context(), devices.node.GPUs[0].UUID, true) // it says that a reset is needed
	devices.refresh(t.Context())
	if got := countForms(devices.list(), 0); got[dra.FormMIG] > 0 || got[dra.FormGPU] != 1 {
		t.Errorf("while the change waits: %v", got)
	}
	if err := control.ResetGPU(0); err != nil {
		t.Fatal(err)
	}
	devices.refresh(t.Context())
	if got := countForms(devices.list(), 0); got[dra.FormMIG] == 0 || got[dra.FormGPU] > 0 {
		t.Errorf("after the reset: %v", got)
	}
}

func TestReservedGPUs(t *testing.T) {
	devices, _ := testGPUs(t, "dgx-h100", 3)
	devices.refresh(t.Context())
	if got := countForms(devices.list(), 3); len(got) > 0 {
		t.Errorf("a reserved GPU is offered as %v", got)
	}
	if _, err := checkReserved(devices.node, []string{devices.node.GPUs[3].UUID}); err != nil {
		t.Error(err)
	}
	const want = "GPU GPU-typo is to be reserved, and this node has no such GPU"
	if _, err := checkReserved(devices.node, []string{"GPU-typo"}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// nvmlOf is what changes the GPUs in tests.
func (o *offeredDevices) nvmlOf(t *testing.T) *hardware.NVML {
	t.Helper()
	gpus, ok := o.reader.(*hardware.NVML)
	if !ok {
		t.Fatalf("the reader is a %T", o.reader)
	}
	return gpus
}
