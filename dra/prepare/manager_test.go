package prepare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %q in it", err, word)
		}
	}
}

func TestPrepareAgainTouchesNothing(t *testing.T) {
	d := newTestDriver(t, 2)
	claim := newClaim("a", allocated("gpu-0-mig-1g10gb-19-6"), allocated("gpu-1"))
	first, err := d.Prepare(quietContext(t), claim)
	if err != nil {
		t.Fatal(err)
	}
	d.startAgain(t, "boot-1")
	d.node.calls = nil
	second, err := d.Prepare(quietContext(t), claim)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second, ignoreUnknown); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if len(d.node.calls) > 0 {
		t.Errorf("the second time called %v", d.node.calls)
	}
	if first.Devices[0].Instance.UUID == "" || len(first.Devices[1].CDI) != 1 {
		t.Errorf("record lacks what became known: %+v", first)
	}
	for range 2 { // unprepare, too, can be asked for again
		if err := d.Unprepare(quietContext(t), claim.UID); err != nil {
			t.Fatal(err)
		}
	}
	d.checkEmpty(t)
}

// Two schedulers allocated one GPU at the same time, and both pods are on the node.
func TestDoubleAllocationIsRefused(t *testing.T) {
	d := newTestDriver(t, 1)
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = d.Prepare(quietContext(t), newClaim(string(rune('a'+i)), allocated("gpu-0"))) })
	}
	group.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("want one of two to be refused: %v", errs)
	}
	err := errors.Join(errs...)
	wantError(t, err, "claim team/a (uid-a)", "claim team/b (uid-b)", "GPU-00", "delete the pod of one of the two claims")
	if conflict, is := errors.AsType[*ConflictError](err); !is || conflict.Held.Name != "gpu-0" {
		t.Errorf("%v is no ConflictError", err)
	}
	if claims := d.store.PreparedClaims(); len(claims) != 1 {
		t.Errorf("claims after a refusal: %v", claims)
	}
}

// Nothing is left of a claim of which one step failed, whichever it is.
func TestFailedStepIsRolledBack(t *testing.T) {
	slices := newClaim("a", allocated("gpu-0-mig-1g10gb-19-6"), allocated("gpu-0-mig-3g40gb-9-0"))
	share := withMemory(allocated("gpu-0-share"), topology.GiB)
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		claim *resourceapi.ResourceClaim
		call  string
		err   error
		want  string
	}{
		"switching the mode":     {slices, "SetMIGMode", hardware.ErrInUse, "device gpu-0-mig-1g10gb-19-6, MIG mode: it is in use"},
		"the first instance":     {slices, "CreateInstance", broken, "device gpu-0-mig-1g10gb-19-6, MIG instance: broken"},
		"a compute instance":     {slices, "CreateComputeInstance", broken, "MIG instance: broken"},
		"a call that hangs":      {slices, "CreateInstance", hardware.ErrHangs, "the driver does not answer"},
		"the CDI spec":           {slices, "WriteSpec", broken, "CDI spec: broken"},
		"the time slice":         {withConfig(newClaim("a", share), testConfig{Interval: 1}), "SetTimeSlice", broken, "time slice: broken"},
		"exclusive mode":         {withConfig(newClaim("a", share), testConfig{MPS: true}), "SetExclusive", broken, "exclusive mode: broken"},
		"the MPS daemon":         {withConfig(newClaim("a", share), testConfig{MPS: true}), "EnsureDaemon", broken, "MPS daemon: broken"},
		"spec of a share of MPS": {withConfig(newClaim("a", share), testConfig{MPS: true}), "WriteSpec", broken, "CDI spec: broken"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTestDriver(t, 1)
			d.node.fails[tc.call] = tc.err
			_, err := d.Prepare(quietContext(t), tc.claim)
			wantError(t, err, "claim team/a (uid-a), request r", tc.want)
			d.checkEmpty(t)
			d.prepareClaims(t, tc.claim)
		})
	}
}

// The second instance of a claim cannot be created: the first is destroyed again.
func TestPartialMIGCreationIsRolledBack(t *testing.T) {
	d := newTestDriver(t, 1)
	created := 0
	d.node.entering = func(call string) {
		if call == "CreateInstance" {
			if created++; created == 2 {
				d.node.fails["CreateInstance"] = errors.New("broken")
			}
		}
	}
	_, err := d.Prepare(quietContext(t), newClaim("a", allocated("gpu-0-mig-1g10gb-19-6"), allocated("gpu-0-mig-3g40gb-9-0")))
	wantError(t, err, "device gpu-0-mig-3g40gb-9-0, MIG instance: broken")
	d.checkEmpty(t)
}

// What cannot be undone is neither forgotten nor in the way for longer than it must be.
func TestFailedRollbackIsTriedAgain(t *testing.T) {
	for name, next := range map[string]func(d *testDriver) error{
		"by the same claim":    func(d *testDriver) error { return d.retry(t, "a", "gpu-0-mig-1g10gb-19-6") },
		"by another claim":     func(d *testDriver) error { return d.retry(t, "b", "gpu-0") },
		"by unpreparing":       func(d *testDriver) error { return d.Unprepare(quietContext(t), "uid-a") },
		"by starting again":    func(d *testDriver) error { d.startAgain(t, "boot-1"); return nil },
		"by pruning":           func(d *testDriver) error { return d.Prune(quietContext(t), existsNot) },
		"by one of more GPUs":  func(d *testDriver) error { return d.retry(t, "b", "gpu-1", "gpu-0") },
		"by one beside it":     func(d *testDriver) error { return d.retry(t, "b", "gpu-0-mig-1g10gb-19-5") },
		"by one on other GPUs": func(d *testDriver) error { return errors.Join(d.retry(t, "b", "gpu-1"), d.Recover(quietContext(t))) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newTestDriver(t, 2)
			d.node.fails["WriteSpec"] = errors.New("disk is full")
			d.node.fails["DestroyInstance"] = hardware.ErrInUse
			_, err := d.Prepare(quietContext(t), newClaim("a", allocated("gpu-0-mig-1g10gb-19-6")))
			wantError(t, err, "disk is full", "undoing the claim failed as well", "it is in use")
			if claim, known := d.store.PreparedClaim("uid-a"); !known || claim.State != checkpoint.StatePrepareStarted {
				t.Errorf("the claim is forgotten: %v", claim)
			}
			if err := next(d); err != nil {
				t.Fatal(err)
			}
			for _, problem := range leftoversOf(d.node.state, d.store.PreparedClaims()) {
				t.Error(problem)
			}
		})
	}
}

func (d *testDriver) retry(t *testing.T, name string, devices ...string) error {
	claim := newClaim(name)
	for _, device := range devices {
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, allocated(device))
	}
	_, err := d.Prepare(quietContext(t), claim)
	return err
}

func existsNot(string, string, types.UID) (bool, error) { return false, nil }

// Instances that an administrator created are never destroyed, and never handed out.
func TestForeignInstanceIsLeftAlone(t *testing.T) {
	d := newTestDriver(t, 1)
	foreign := hardware.Instance{GPU: gpuUUID(0), ID: 9, UUID: "MIG-foreign", Profile: 19, Placement: gpuProfiles[0].Placements[6]}
	gpu := d.node.state.GPUs[gpuUUID(0)]
	gpu.MIG, gpu.Pending, gpu.Instances = true, true, []hardware.Instance{foreign}
	for _, device := range []string{"gpu-0", "gpu-0-share", "gpu-0-mig-1g10gb-19-6", "gpu-0-mig-3g40gb-9-4"} {
		wantError(t, d.retry(t, "a", device), "MIG instance 9 (profile 19 at 6:1) of GPU GPU-00"[4:], "nvidia-smi mig -i GPU-00 -dci -gi 9")
	}
	d.prepareClaims(t, newClaim("b", allocated("gpu-0-mig-3g40gb-9-0")))
	got, err := d.ForeignInstances(quietContext(t), gpuUUID(0))
	if diff := cmp.Diff([]hardware.Instance{foreign}, got); diff != "" || err != nil {
		t.Errorf("ForeignInstances: error %v (-want +got):\n%s", err, diff)
	}
	if err := d.Unprepare(quietContext(t), "uid-b"); err != nil {
		t.Fatal(err)
	}
	d.startAgain(t, "boot-1")
	if diff := cmp.Diff([]hardware.Instance{foreign}, gpu.Instances); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An administrator creates the very same instance after the driver looked.
func TestForeignInstanceInTheLastMoment(t *testing.T) {
	d := newTestDriver(t, 1)
	gpu := d.node.state.GPUs[gpuUUID(0)]
	foreign := hardware.Instance{GPU: gpuUUID(0), ID: 9, UUID: "MIG-foreign", Profile: 19, Placement: gpuProfiles[0].Placements[6]}
	d.node.entering = func(call string) {
		if call == "CreateInstance" {
			gpu.Instances = []hardware.Instance{foreign}
		}
	}
	wantError(t, d.retry(t, "a", "gpu-0-mig-1g10gb-19-6"), "other MIG instances are in the way")
	if len(gpu.Instances) != 1 {
		t.Error("the foreign instance was destroyed")
	}
	d.checkEmpty(t)
}

// A GPU is whole, in slices and shared in turn, while its neighbours are otherwise, and
// with MPS, which NVIDIA's driver does not do beside dynamic MIG.
func TestDynamicMIGBesideSharesAndWholeGPUs(t *testing.T) {
	d := newTestDriver(t, 3)
	share := withMemory(allocated("gpu-1-share"), 10*topology.GiB)
	d.prepareClaims(t, newClaim("whole", allocated("gpu-2")), withConfig(newClaim("mps-1", share), testConfig{MPS: true}))
	d.prepareClaims(t, withConfig(newClaim("mps-2", share), testConfig{MPS: true}))
	for _, devices := range [][]string{
		{"gpu-0"}, {"gpu-0-mig-1g10gb-19-6", "gpu-0-mig-3g40gb-9-0"}, {"gpu-0-share"}, {"gpu-0-mig-7g80gb-0-0"}, {"gpu-0"},
	} {
		if err := d.retry(t, "turn", devices...); err != nil {
			t.Fatal(err)
		}
		wantMIG := strings.Contains(devices[0], "-mig-")
		if gpu := d.node.state.GPUs[gpuUUID(0)]; gpu.MIG != wantMIG {
			t.Errorf("with %v the GPU is in MIG mode: %v", devices, gpu.MIG)
		}
		for _, problem := range leftoversOf(d.node.state, d.store.PreparedClaims()) {
			t.Errorf("with %v: %s", devices, problem)
		}
		if err := d.Unprepare(quietContext(t), "uid-turn"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Unprepare(quietContext(t), "uid-mps-1"); err != nil {
		t.Fatal(err)
	}
	if !d.node.state.Daemons[gpuUUID(1)] {
		t.Error("the MPS daemon ended with the first of two claims")
	}
	if err := errors.Join(d.Unprepare(quietContext(t), "uid-mps-2"), d.Unprepare(quietContext(t), "uid-whole")); err != nil {
		t.Fatal(err)
	}
	d.checkEmpty(t)
}

// On Ampere MIG mode changes by a reset. The driver says so, and leaves nothing pending.
func TestModeThatNeedsAReset(t *testing.T) {
	d := newTestDriver(t, 1)
	gpu := d.node.state.GPUs[gpuUUID(0)]
	gpu.NeedsReset = true
	err := d.retry(t, "a", "gpu-0-mig-1g10gb-19-6")
	wantError(t, err, "MIG mode must be on", "by a reset only, which the driver never does", "nvidia-smi -i GPU-00 -mig 1")
	if !errors.Is(err, hardware.ErrNeedsReset) || gpu.Pending || gpu.MIG {
		t.Errorf("error %v, mode %v, pending %v", err, gpu.MIG, gpu.Pending)
	}
	gpu.Pending = true // somebody else wants it, and waits for a reset
	d.node.calls = nil
	wantError(t, d.retry(t, "a", "gpu-0-mig-1g10gb-19-6"), "nvidia-smi -i GPU-00 -mig 1")
	if !gpu.Pending || slices.Contains(d.node.calls, "SetMIGMode") {
		t.Errorf("pending %v after calls %v", gpu.Pending, d.node.calls)
	}
	d.checkEmpty(t)
}

// Claims whose pods were deleted by force while nobody listened do not hold GPUs for ever.
func TestClaimsOfDeadPodsArePruned(t *testing.T) {
	d := newTestDriver(t, 3)
	d.prepareClaims(t, newClaim("dead", allocated("gpu-0-mig-1g10gb-19-6")))
	d.prepareClaims(t, newClaim("alive", allocated("gpu-1")), newClaim("unsure", allocated("gpu-2")))
	err := d.Prune(quietContext(t), func(namespace, name string, uid types.UID) (bool, error) {
		if name == "unsure" {
			return false, errors.New("no answer")
		}
		return namespace+"/"+name+"/"+string(uid) != "team/dead/uid-dead", nil
	})
	wantError(t, err, "whether claim team/unsure (uid-unsure) exists: no answer")
	if claims := d.store.PreparedClaims(); len(claims) != 2 {
		t.Errorf("claims that are left: %v", claims)
	}
	d.prepareClaims(t, newClaim("next", allocated("gpu-0")))
}

// After a reboot nothing of a claim is left, and its devices can be another's.
func TestReboot(t *testing.T) {
	d := newTestDriver(t, 2)
	lost := newClaim("lost", allocated("gpu-0-mig-1g10gb-19-6"))
	d.prepareClaims(t, lost, withConfig(newClaim("mps", allocated("gpu-1-share")), testConfig{MPS: true}))
	specs, daemons := d.node.state.Specs, d.node.state.Daemons
	d.node.state.GPUs = map[string]*fakeGPU{gpuUUID(0): {}, gpuUUID(1): {}}
	d.startAgain(t, "boot-2")
	if len(specs)+len(daemons) > 0 {
		t.Errorf("after a reboot there are CDI specs %v, MPS daemons %v", specs, daemons)
	}
	d.prepareClaims(t, newClaim("other", allocated("gpu-1")))
	d.prepareClaims(t, lost)
	wantError(t, func() error {
		_, err := d.Prepare(quietContext(t), newClaim("mps", allocated("gpu-1-share")))
		return err
	}(), "claim team/other (uid-other) has device gpu-1")
	if err := d.Unprepare(quietContext(t), "uid-mps"); err != nil {
		t.Fatal(err)
	}
	for _, problem := range leftoversOf(d.node.state, d.store.PreparedClaims()) {
		t.Error(problem)
	}
}

// The GPU was reset under a claim: the claim lapses, and is prepared anew.
func TestInstanceThatIsGone(t *testing.T) {
	d := newTestDriver(t, 1)
	claim := newClaim("a", allocated("gpu-0-mig-1g10gb-19-6"), allocated("gpu-0-mig-3g40gb-9-0"))
	d.prepareClaims(t, claim)
	gpu := d.node.state.GPUs[gpuUUID(0)]
	gpu.Instances = gpu.Instances[:1]
	d.startAgain(t, "boot-1")
	record, _ := d.store.PreparedClaim(claim.UID)
	if record.State != checkpoint.StateLapsed || len(gpu.Instances)+len(d.node.state.Specs) > 0 {
		t.Errorf("claim is %s, with instances %v and specs %v", record.State, gpu.Instances, d.node.state.Specs)
	}
	d.prepareClaims(t, claim)
	if len(gpu.Instances) != 2 {
		t.Errorf("instances %v", gpu.Instances)
	}
}

// A GPU off the bus must not keep its pods in Terminating.
func TestUnprepareOnALostGPU(t *testing.T) {
	d := newTestDriver(t, 2)
	d.prepareClaims(t, newClaim("a", allocated("gpu-0-mig-1g10gb-19-6"), allocated("gpu-1-mig-1g10gb-19-6")))
	d.node.fails["MIGMode"] = fmt.Errorf("asked: %w", hardware.ErrGPULost)
	if err := d.Unprepare(quietContext(t), "uid-a"); err != nil {
		t.Fatal(err)
	}
	if left := len(d.node.state.GPUs[gpuUUID(1)].Instances); left != 0 {
		t.Errorf("%d instances are left on the GPU that answers", left)
	}
}

// One that hangs is another matter: it may answer later.
func TestUnprepareOnAGPUThatHangs(t *testing.T) {
	d := newTestDriver(t, 1)
	d.prepareClaims(t, newClaim("a", allocated("gpu-0-mig-1g10gb-19-6")))
	d.node.fails["DestroyInstance"] = hardware.ErrHangs
	err := d.Unprepare(quietContext(t), "uid-a")
	wantError(t, err, "claim team/a (uid-a), request r, device gpu-0-mig-1g10gb-19-6, MIG instance: the driver does not answer")
	if err := d.Unprepare(quietContext(t), "uid-a"); err != nil {
		t.Fatal(err)
	}
	d.checkEmpty(t)
}

// With a damaged checkpoint running containers keep their CDI specs, and a claim that was
// lost finds its instance again.
func TestDamagedCheckpoint(t *testing.T) {
	d := newTestDriver(t, 2)
	lost := newClaim("lost", allocated("gpu-0-mig-1g10gb-19-6"))
	d.prepareClaims(t, lost, newClaim("kept", allocated("gpu-1")))
	instance := d.node.state.GPUs[gpuUUID(0)].Instances[0]
	text, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path, []byte(strings.Replace(string(text), `"lost"`, `"last"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if damage := d.startAgain(t, "boot-1"); damage == nil || damage.Kept != 1 {
		t.Fatalf("damage %v", damage)
	}
	d.startAgain(t, "boot-1")
	if len(d.node.state.Specs) != 2 {
		t.Errorf("CDI specs that are left: %v", d.node.state.Specs)
	}
	wantError(t, d.retry(t, "thief", "gpu-0-mig-1g10gb-19-6"), "which no claim has")
	d.prepareClaims(t, lost)
	if got := d.node.state.GPUs[gpuUUID(0)].Instances; !cmp.Equal(got, []hardware.Instance{instance}) {
		t.Errorf("the claim that was lost has %v, want %v", got, instance)
	}
	d.startAgain(t, "boot-1")
	if d.store.IsIncomplete() {
		t.Error("all claims are known again, and the checkpoint does not say so")
	}
	if err := errors.Join(d.Unprepare(quietContext(t), "uid-lost"), d.Unprepare(quietContext(t), "uid-kept")); err != nil {
		t.Fatal(err)
	}
	d.checkEmpty(t)
}

// While it is not known who uses a GPU, one that has processes is not handed out.
func TestGPUInUseBesideADamagedCheckpoint(t *testing.T) {
	d := newTestDriver(t, 1)
	d.prepareClaims(t, newClaim("lost", allocated("gpu-0")))
	if err := os.WriteFile(d.path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.startAgain(t, "boot-1")
	d.node.state.GPUs[gpuUUID(0)].Processes = 2
	wantError(t, d.retry(t, "next", "gpu-0"), "2 process(es) use GPU GPU-00")
	d.prepareClaims(t, newClaim("lost", allocated("gpu-0")))
}

func TestAdminAccess(t *testing.T) {
	d := newTestDriver(t, 1)
	watch := newClaim("watch", withAdmin(allocated("gpu-0-mig-1g10gb-19-6")))
	_, err := d.Prepare(quietContext(t), watch)
	wantError(t, err, "there is no MIG instance of profile 19 at 6:1, and admin access creates none")
	d.prepareClaims(t, newClaim("owner", allocated("gpu-0-mig-1g10gb-19-6")), watch, newClaim("all", withAdmin(allocated("gpu-0"))))
	if err := errors.Join(d.Unprepare(quietContext(t), watch.UID), d.Unprepare(quietContext(t), "uid-all")); err != nil {
		t.Fatal(err)
	}
	if gpu := d.node.state.GPUs[gpuUUID(0)]; len(gpu.Instances) != 1 || !gpu.MIG {
		t.Errorf("admin access changed the GPU: %+v", gpu)
	}
	if err := d.Unprepare(quietContext(t), "uid-owner"); err != nil {
		t.Fatal(err)
	}
	d.checkEmpty(t)
}

// A claim was allocated anew without being unprepared.
func TestClaimThatWasAllocatedAnew(t *testing.T) {
	d := newTestDriver(t, 2)
	d.prepareClaims(t, newClaim("a", allocated("gpu-0-mig-1g10gb-19-6")), newClaim("a", allocated("gpu-1-mig-3g40gb-9-0")))
	for _, problem := range leftoversOf(d.node.state, d.store.PreparedClaims()) {
		t.Error(problem)
	}
	d.prepareClaims(t, newClaim("b", allocated("gpu-0")))
}

// A claim on one GPU does not wait for a slow one on another; one on the same GPU waits
// for as long as its caller does.
func TestDifferentGPUsDoNotWait(t *testing.T) {
	d := newTestDriver(t, 2)
	entered, release := make(chan struct{}), make(chan struct{})
	var created atomic.Int64
	d.node.entering = func(call string) {
		if call == "CreateInstance" && created.Add(1) == 1 {
			close(entered)
			<-release
		}
	}
	slow := make(chan error)
	go func() { slow <- d.retry(t, "slow", "gpu-0-mig-1g10gb-19-6") }()
	<-entered
	if err := d.retry(t, "fast", "gpu-1-mig-1g10gb-19-6"); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(quietContext(t), 10*time.Millisecond)
	defer cancel()
	_, err := d.Prepare(ctx, newClaim("waits", allocated("gpu-0-mig-1g10gb-19-5")))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ended with %v", err)
	}
	wantError(t, err, "claim team/waits (uid-waits)", "waiting for other claims on the same GPUs")
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
	if len(d.locks.locks) > 0 {
		t.Errorf("locks that are left: %v", d.locks.locks)
	}
}

// The kubelet gives up in the middle: what was done is undone all the same.
func TestCallThatEnds(t *testing.T) {
	d := newTestDriver(t, 1)
	ctx, cancel := context.WithCancel(quietContext(t))
	d.node.entering = func(call string) {
		if call == "WriteSpec" {
			cancel()
		}
	}
	if _, err := d.Prepare(ctx, newClaim("a", allocated("gpu-0-mig-1g10gb-19-6"))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	d.node.entering = nil
	d.checkEmpty(t)
}
