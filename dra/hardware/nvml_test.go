package hardware_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

const (
	h100 = "dgx-h100"
	a100 = "dgx-a100"
	a30  = "4xA30-pcie"
	l40s = "8xL40S-2socket-node"
)

// The smallest and the half profile of 7-slice GPUs.
const (
	oneSlice    mig.ProfileID = 19
	threeSlices mig.ProfileID = 9
)

// openNode opens a simulated node, with short timeouts.
func openNode(t *testing.T, machine string, options ...simulated.Option) (*hardware.NVML, *simulated.Control) {
	t.Helper()
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New("node-0", machineType, catalogue.Default().MIG, options...)
	if err != nil {
		t.Fatal(err)
	}
	node, err := hardware.Open(library, hardware.Options{
		Proc: library.Proc(), Command: library.RunCommand,
		ReadTimeout: 500 * time.Millisecond, WriteTimeout: 2 * time.Second, ProbeInterval: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	return node, library.Control()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantInstances(t *testing.T, node *hardware.NVML, gpu string, want ...hardware.Instance) {
	t.Helper()
	got, err := node.Instances(t.Context(), gpu)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
}

func TestCreateAndDestroyInstance(t *testing.T) {
	node, _ := openNode(t, h100)
	gpu := node.GPUs()[1]
	check(t, node.SetMIGMode(t.Context(), gpu, true))
	last, err := node.CreateInstance(t.Context(), gpu, oneSlice, mig.Placement{Start: 6, Size: 1})
	check(t, err)
	half, err := node.CreateInstance(t.Context(), gpu, threeSlices, mig.Placement{Start: 0, Size: 4})
	check(t, err)
	if last.UUID == half.UUID || hardware.CheckUUID(last.UUID) != nil || hardware.CheckUUID(half.UUID) != nil {
		t.Errorf("UUIDs %q and %q", last.UUID, half.UUID)
	}
	// GPU 1, instance 7: 3 + 135 for GPU 0, 9 for each of the instances before.
	if last.ID != 7 || last.Minor != 3+135+7*9 || last.ComputeMinor != last.Minor+1 {
		t.Errorf("instance %d with minors %d and %d", last.ID, last.Minor, last.ComputeMinor)
	}
	wantInstances(t, node, gpu, last, half)
	for _, instance := range []uint32{last.ID, last.ID, half.ID} { // twice is no error
		check(t, node.DestroyInstance(t.Context(), gpu, instance))
	}
	wantInstances(t, node, gpu)
	check(t, node.SetMIGMode(t.Context(), gpu, false))
	check(t, node.DestroyInstance(t.Context(), gpu, last.ID))
}

// What is refused can be told apart, and leaves everything as it was.
func TestRefusals(t *testing.T) {
	node, control := openNode(t, h100, simulated.WithMIG(true))
	gpus := node.GPUs()
	first, err := node.CreateInstance(t.Context(), gpus[0], threeSlices, mig.Placement{Start: 4, Size: 4})
	check(t, err)
	instance, compute := first.ID, first.ComputeID
	check(t, control.StartProcess(0, simulated.Process{PID: 7, GPUInstance: &instance, ComputeInstance: &compute}))
	check(t, control.StartProcess(1, simulated.Process{PID: 8}))
	create := func(gpu string, profile mig.ProfileID, start, size int64) func() error {
		return func() error {
			_, err := node.CreateInstance(t.Context(), gpu, profile, mig.Placement{Start: start, Size: size})
			return err
		}
	}
	destroy := func() error { return node.DestroyInstance(t.Context(), gpus[0], first.ID) }
	for name, tc := range map[string]struct {
		do   func() error
		kind error
		code nvml.Return
	}{
		"overlap":            {create(gpus[0], oneSlice, 5, 1), hardware.ErrNoRoom, nvml.ERROR_INSUFFICIENT_RESOURCES},
		"wrong start":        {create(gpus[0], threeSlices, 1, 4), nil, nvml.ERROR_INVALID_ARGUMENT},
		"unknown profile":    {create(gpus[0], 1234, 0, 1), nil, nvml.ERROR_NOT_SUPPORTED},
		"MIG mode is off":    {create(gpus[1], oneSlice, 0, 1), nil, nvml.ERROR_NOT_SUPPORTED},
		"instance in use":    {destroy, hardware.ErrInUse, nvml.ERROR_IN_USE},
		"mode with instance": {func() error { return node.SetMIGMode(t.Context(), gpus[0], false) }, hardware.ErrInUse, nvml.ERROR_IN_USE},
		"mode with process":  {func() error { return node.SetMIGMode(t.Context(), gpus[1], true) }, hardware.ErrInUse, nvml.ERROR_IN_USE},
		"no such GPU":        {create("GPU-00", oneSlice, 0, 1), nil, nvml.ERROR_NOT_FOUND},
	} {
		err := tc.do()
		var call *hardware.CallError
		if !errors.As(err, &call) || call.Code != tc.code || !errors.Is(call.Kind, tc.kind) {
			t.Errorf("%s: %v, want %v and code %v", name, err, tc.kind, tc.code)
		}
	}
	wantInstances(t, node, gpus[0], first)
	if on, pending, err := node.MIGMode(t.Context(), gpus[1]); on || pending || err != nil {
		t.Errorf("GPU 1: MIG mode %t, pending %t, %v", on, pending, err)
	}
}

// A GPU instance without its compute instance would hold slices that nobody knows of.
func TestPartialCreationIsRolledBack(t *testing.T) {
	for name, tc := range map[string]struct {
		kind simulated.CallKind
		code nvml.Return
	}{
		"no compute instance":     {simulated.CallCreateCompute, nvml.ERROR_INSUFFICIENT_RESOURCES},
		"an error of the driver":  {simulated.CallCreateCompute, nvml.ERROR_UNKNOWN},
		"no GPU instance at all":  {simulated.CallCreateInstance, nvml.ERROR_UNKNOWN},
		"the GPU must be drained": {simulated.CallCreateCompute, nvml.ERROR_IN_USE},
	} {
		t.Run(name, func(t *testing.T) {
			node, control := openNode(t, h100, simulated.WithMIG(true))
			gpu := node.GPUs()[0]
			check(t, control.RefuseCalls(0, tc.kind, tc.code, 1))
			_, err := node.CreateInstance(t.Context(), gpu, threeSlices, mig.Placement{Size: 4})
			var call *hardware.CallError
			if !errors.As(err, &call) || call.Code != tc.code {
				t.Errorf("error %v, want code %v", err, tc.code)
			}
			wantInstances(t, node, gpu)
			_, err = node.CreateInstance(t.Context(), gpu, threeSlices, mig.Placement{Size: 4})
			check(t, err)
		})
	}
}

// Instances of others are seen as they are, and stay.
func TestForeignInstances(t *testing.T) {
	node, control := openNode(t, a100, simulated.WithMIG(true))
	gpu := node.GPUs()[0]
	split, err := control.AddInstance(0, threeSlices, mig.Placement{Start: 4, Size: 4}, 2)
	check(t, err)
	bare, err := control.AddInstance(0, oneSlice, mig.Placement{Start: 0, Size: 1}, 0)
	check(t, err)
	got, err := node.Instances(t.Context(), gpu)
	check(t, err)
	type part struct {
		id, compute uint32
		named       bool
	}
	var parts []part
	for _, instance := range got {
		parts = append(parts, part{instance.ID, instance.ComputeID, instance.UUID != ""})
	}
	want := []part{{bare, 0, false}, {split, 0, true}, {split, 1, true}}
	if diff := cmp.Diff(want, parts, cmp.AllowUnexported(part{})); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	check(t, node.DestroyInstance(t.Context(), gpu, split))
	if got, err = node.Instances(t.Context(), gpu); err != nil || len(got) != 1 {
		t.Errorf("after destroying one: %v, %v", got, err)
	}
}

// On Ampere the mode takes effect with a reset; who asked for it is told, and nothing
// else happens.
func TestModeChangeOnAmpereIsTold(t *testing.T) {
	node, control := openNode(t, a100)
	gpu := node.GPUs()[0]
	if err := node.SetMIGMode(t.Context(), gpu, true); !errors.Is(err, hardware.ErrNeedsReset) {
		t.Fatalf("error %v, want %v", err, hardware.ErrNeedsReset)
	}
	if on, pending, err := node.MIGMode(t.Context(), gpu); on || !pending || err != nil {
		t.Errorf("before the reset: MIG mode %t, pending %t, %v", on, pending, err)
	}
	check(t, control.ResetGPU(0))
	if on, pending, err := node.MIGMode(t.Context(), gpu); !on || !pending || err != nil {
		t.Errorf("after the reset: MIG mode %t, pending %t, %v", on, pending, err)
	}
	check(t, node.SetMIGMode(t.Context(), gpu, true)) // it is on
	// Under running work it is refused, and not noted for later either.
	check(t, control.StartProcess(0, simulated.Process{PID: 9}))
	if err := node.SetMIGMode(t.Context(), gpu, false); !errors.Is(err, hardware.ErrInUse) {
		t.Errorf("under running work: error %v, want %v", err, hardware.ErrInUse)
	}
	if on, pending, err := node.MIGMode(t.Context(), gpu); !on || !pending || err != nil {
		t.Errorf("after it was refused: MIG mode %t, pending %t, %v", on, pending, err)
	}
}

// A node whose GPUs have no MIG is served like any other.
func TestNodesWithoutMIGAreUnaffected(t *testing.T) {
	node, control := openNode(t, l40s)
	for index, gpu := range node.GPUs() {
		if on, pending, err := node.MIGMode(t.Context(), gpu); on || pending || err != nil {
			t.Errorf("MIG mode %t, pending %t, %v", on, pending, err)
		}
		wantInstances(t, node, gpu)
		check(t, node.SetMIGMode(t.Context(), gpu, false))
		if err := node.SetMIGMode(t.Context(), gpu, true); err == nil {
			t.Error("MIG mode was switched on")
		}
		check(t, node.DestroyInstance(t.Context(), gpu, 3))
		check(t, node.SetExclusive(t.Context(), gpu, true))
		check(t, node.SetTimeSlice(t.Context(), gpu, hardware.LongTimeSlice))
		if interval, err := control.TimeSlice(index); interval != int(hardware.LongTimeSlice) || err != nil {
			t.Errorf("time slice %d, %v", interval, err)
		}
		if _, err := node.Condition(t.Context(), gpu); err != nil {
			t.Error(err)
		}
	}
}

func TestProcessesAreCounted(t *testing.T) {
	node, control := openNode(t, h100)
	gpu := node.GPUs()[2]
	for _, process := range []simulated.Process{{PID: 1}, {PID: 2, MPS: true}, {PID: 2}} {
		check(t, control.StartProcess(2, process))
	}
	if count, err := node.Processes(t.Context(), gpu); count != 2 || err != nil {
		t.Errorf("%d processes, %v; want 2", count, err)
	}
	check(t, control.EndProcess(2, 2))
	if count, err := node.Processes(t.Context(), gpu); count != 1 || err != nil {
		t.Errorf("%d processes, %v; want 1", count, err)
	}
}

func TestCondition(t *testing.T) {
	node, control := openNode(t, h100)
	gpu := node.GPUs()[0]
	want := hardware.Condition{HasRecovery: true}
	step := func(what string, change func(*hardware.Condition), err error) {
		t.Helper()
		check(t, err)
		change(&want)
		got, err := node.Condition(context.Background(), gpu)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	step("healthy", func(*hardware.Condition) {}, nil)
	step("ECC", func(c *hardware.Condition) { c.UncorrectableECC = 2 }, control.AddECCErrors(0, 2))
	step("rows", func(c *hardware.Condition) { c.RowsPending = true }, control.SetRemappedRows(0, true, false))
	step("hot", func(c *hardware.Condition) { c.ThermalSlowdown = true },
		control.SetThrottle(0, nvml.ClocksThrottleReasonHwThermalSlowdown|nvml.ClocksThrottleReasonGpuIdle))
	step("recovery", func(c *hardware.Condition) { c.Recovery = hardware.RecoverDrainAndReset },
		control.SetRecovery(0, nvml.GPU_RECOVERY_ACTION_DRAIN_AND_RESET))
	step("reset", func(c *hardware.Condition) { *c = hardware.Condition{HasRecovery: true} }, control.ResetGPU(0))
}

func TestSetTimeSliceNamesTheCommand(t *testing.T) {
	node, control := openNode(t, h100)
	gpu := node.GPUs()[0]
	if err := node.SetTimeSlice(t.Context(), gpu, 4); err == nil {
		t.Error("interval 4 is accepted")
	}
	if err := node.SetTimeSlice(t.Context(), "GPU-1 --reset", hardware.ShortTimeSlice); err == nil {
		t.Error("a UUID with an option in it is accepted")
	}
	check(t, control.LoseGPU(0))
	err := node.SetTimeSlice(t.Context(), gpu, hardware.ShortTimeSlice)
	want := "GPU " + gpu + `: nvidia-smi compute-policy --set-timeslice 1: nvidia-smi compute-policy -i ` + gpu +
		` --set-timeslice 1: exit status 15: it printed "ERROR_GPU_IS_LOST"`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
