package simulated_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// open simulates a node whose state is in a directory.
func open(t *testing.T, machine, directory string, options ...simulated.Option) *simulated.Library {
	t.Helper()
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New("node-0", machineType, catalogue.Default().MIG,
		append(options, simulated.WithDirectory(directory))...)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func succeeded(t *testing.T, call string, ret nvml.Return) {
	t.Helper()
	if ret != nvml.SUCCESS {
		t.Fatalf("%s: %v", call, ret)
	}
}

// profileAt asks a GPU for its profile of a number of NVML's.
func profileAt(t *testing.T, gpu nvml.Device, enum int) nvml.GpuInstanceProfileInfo {
	t.Helper()
	info, ret := gpu.GetGpuInstanceProfileInfo(enum)
	succeeded(t, "GetGpuInstanceProfileInfo", ret)
	return info
}

// What one library did, another one over the directory finds, and so does the first.
func TestStateOutlivesTheProcess(t *testing.T) {
	directory := t.TempDir()
	first := open(t, "dgx-h100", directory)
	gpu := simulatedGPU(t, first, 0)
	_, ret := gpu.SetMigMode(nvml.DEVICE_MIG_ENABLE)
	succeeded(t, "SetMigMode", ret)
	half := profileAt(t, gpu, nvml.GPU_INSTANCE_PROFILE_3_SLICE)
	instance, ret := gpu.CreateGpuInstanceWithPlacement(&half, &nvml.GpuInstancePlacement{Start: 4, Size: 4})
	succeeded(t, "CreateGpuInstanceWithPlacement", ret)
	info, _ := instance.GetInfo()

	second := simulatedGPU(t, open(t, "dgx-h100", directory, simulated.WithMIG(false)), 0)
	if current, _, _ := second.GetMigMode(); current != nvml.DEVICE_MIG_ENABLE {
		t.Error("MIG mode is off after the restart")
	}
	found, ret := second.GetGpuInstanceById(int(info.Id))
	succeeded(t, "GetGpuInstanceById", ret)
	if got, _ := found.GetInfo(); got.Placement != info.Placement {
		t.Errorf("instance at %v, want %v", got.Placement, info.Placement)
	}
	succeeded(t, "Destroy", found.Destroy())
	if ret := instance.Destroy(); ret != nvml.ERROR_INVALID_ARGUMENT {
		t.Errorf("destroying it in the first process as well: %v", ret)
	}
	// A handle does not mean the next instance of the same number.
	again, ret := gpu.CreateGpuInstanceWithPlacement(&half, &info.Placement)
	succeeded(t, "CreateGpuInstanceWithPlacement", ret)
	if next, _ := again.GetInfo(); next.Id != info.Id {
		t.Errorf("number %d, want %d again", next.Id, info.Id)
	}
	if ret := instance.Destroy(); ret != nvml.ERROR_INVALID_ARGUMENT {
		t.Errorf("an old handle destroyed a new instance: %v", ret)
	}
}

func TestDirectoryOfAnotherNodeIsRefused(t *testing.T) {
	directory := t.TempDir()
	open(t, "4xA30-pcie", directory)
	machine, err := catalogue.Default().Machine("4xA30-pcie")
	check(t, err)
	_, err = simulated.New("node-1", machine, catalogue.Default().MIG, simulated.WithDirectory(directory))
	if err == nil || !strings.Contains(err.Error(), "every node needs a directory of its own") {
		t.Errorf("another node's directory: error %v", err)
	}
	for name, text := range map[string]string{
		"no JSON": "{", "another version": `{"version": 7}`, "empty": "",
		"instance twice": `{"version": 1, "instances": [{"id": 1}, {"id": 1}]}`,
	} {
		check(t, os.WriteFile(filepath.Join(directory, "gpu-2.json"), []byte(text), 0o600))
		_, err := simulated.New("node-0", machine, catalogue.Default().MIG, simulated.WithDirectory(directory))
		if err == nil || !strings.Contains(err.Error(), filepath.Join(directory, "gpu-2.json")) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestOpenControl(t *testing.T) {
	directory := t.TempDir()
	if _, err := simulated.OpenControl(directory); err == nil || !strings.Contains(err.Error(), "gpu-<index>.json") {
		t.Errorf("an empty directory: error %v", err)
	}
	gpu := simulatedGPU(t, open(t, "dgx-h100", directory), 6)
	control, err := simulated.OpenControl(directory)
	check(t, err)
	check(t, control.LoseGPU(6))
	if _, ret := gpu.GetMemoryInfo(); ret != nvml.ERROR_GPU_IS_LOST {
		t.Errorf("a lost GPU: %v", ret)
	}
	check(t, control.RestoreGPU(6))
	if _, ret := gpu.GetMemoryInfo(); ret != nvml.SUCCESS {
		t.Errorf("a restored GPU: %v", ret)
	}
	for what, err := range map[string]error{
		"no such GPU":          control.LoseGPU(8),
		"no such kind":         control.HangCalls(0, "reads"),
		"no time":              control.SetLatency(0, simulated.CallRead, -time.Second),
		"no number":            control.RefuseCalls(0, simulated.CallRead, nvml.ERROR_UNKNOWN, 0),
		"process of no one":    control.StartProcess(0, simulated.Process{GPUInstance: new(uint32)}),
		"instance without MIG": func() error { _, err := control.AddInstance(0, 19, mig.Placement{Size: 1}, 1); return err }(),
	} {
		if err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

// Ampere notes the mode for the next reset; Hopper switches, but not under work.
func TestModeChangesByArchitecture(t *testing.T) {
	for machine, want := range map[string]struct {
		idle, busy       nvml.Return
		current, pending int
	}{
		"dgx-a100":         {nvml.ERROR_RESET_REQUIRED, nvml.ERROR_IN_USE, 0, 1},
		"4xA30-pcie":       {nvml.ERROR_RESET_REQUIRED, nvml.ERROR_IN_USE, 0, 1},
		"dgx-h100":         {nvml.SUCCESS, nvml.ERROR_IN_USE, 1, 1},
		"8xrtxpro6000-g7e": {nvml.SUCCESS, nvml.ERROR_IN_USE, 1, 1},
	} {
		library := library(t, "node-0", machine)
		gpu := simulatedGPU(t, library, 0)
		if activation, ret := gpu.SetMigMode(nvml.DEVICE_MIG_ENABLE); activation != want.idle || ret != nvml.SUCCESS {
			t.Errorf("%s idle: %v, %v; want %v", machine, activation, ret, want.idle)
		}
		if current, pending, _ := gpu.GetMigMode(); current != want.current || pending != want.pending {
			t.Errorf("%s: mode %d, pending %d; want %d and %d", machine, current, pending, want.current, want.pending)
		}
		other := simulatedGPU(t, library, 1)
		check(t, library.Control().StartProcess(1, simulated.Process{PID: 1}))
		if activation, _ := other.SetMigMode(nvml.DEVICE_MIG_ENABLE); activation != want.busy {
			t.Errorf("%s busy: %v, want %v", machine, activation, want.busy)
		}
	}
}

func TestEventSets(t *testing.T) {
	directory := t.TempDir()
	library := open(t, "dgx-h100", directory)
	control, err := simulated.OpenControl(directory)
	check(t, err)
	check(t, control.ReportXID(0, 48, nil)) // before anybody registered
	set, ret := library.EventSetCreate()
	succeeded(t, "EventSetCreate", ret)
	gpu := simulatedGPU(t, library, 0)
	succeeded(t, "RegisterEvents", gpu.RegisterEvents(nvml.EventTypeXidCriticalError, set))
	if ret := gpu.RegisterEvents(nvml.EventTypePowerSourceChange, set); ret != nvml.ERROR_NOT_SUPPORTED {
		t.Errorf("registering for what the GPU does not have: %v", ret)
	}
	if data, ret := set.Wait(10); ret != nvml.ERROR_TIMEOUT {
		t.Errorf("an event from before: %+v, %v", data, ret)
	}
	check(t, control.AddECCErrors(0, 1)) // not registered for
	check(t, control.ReportXID(0, 63, nil))
	data, ret := set.Wait(1000)
	if ret != nvml.SUCCESS || data.EventData != 63 || data.Device != gpu || data.GpuInstanceId != 0xFFFFFFFF {
		t.Errorf("event %+v, %v", data, ret)
	}
	succeeded(t, "Free", set.Free())
	if _, ret := set.Wait(10); ret != nvml.ERROR_INVALID_ARGUMENT {
		t.Errorf("waiting for a set that is freed: %v", ret)
	}
}
