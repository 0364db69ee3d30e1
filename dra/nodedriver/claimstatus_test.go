package nodedriver

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const shareOfOne = "6f1c1c3e-50c8-4a3c-9f4e-0d7f5f7a1f10"

// statusBench writes the status of claims to an API server that knows field managers.
type statusBench struct {
	*claimStatuses
	client *fake.Clientset
	clock  *testingclock.FakeClock
	// outcome is the status and reason of each GPU's health, "True Healthy" for example.
	outcome map[string]string
}

// newStatusBench has claim train, uid "uid", with gpu-0 and a share of GPU 1.
func newStatusBench(t *testing.T, claim *resourceapi.ResourceClaim) *statusBench {
	t.Helper()
	store, _, err := checkpoint.OpenStore(checkpoint.StoreOptions{Path: filepath.Join(t.TempDir(), "checkpoint"), BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	b := &statusBench{
		client: fake.NewClientset(), clock: testingclock.NewFakeClock(begin),
		outcome: map[string]string{"GPU-0": "True Healthy", "GPU-1": "True Healthy"},
	}
	if claim != nil {
		if err := b.client.Tracker().Add(claim); err != nil {
			t.Fatal(err)
		}
	}
	b.claimStatuses = newClaimStatuses(claimStatusOptions{
		Claims: b.client.ResourceV1(), Store: store, Pool: "node", Clock: b.clock,
		Conditions: func(device dra.Device) []metav1.Condition {
			status, reason, _ := strings.Cut(b.outcome[device.GPU.UUID], " ")
			return []metav1.Condition{{
				Type: health.HealthyCondition, Status: metav1.ConditionStatus(status), Reason: reason, Message: b.clock.Now().String(),
			}}
		},
	})
	b.prepare(t, checkpoint.Claim{
		UID: "uid", Namespace: "team", Name: "train", State: checkpoint.StatePrepareCompleted,
		Devices: []checkpoint.Device{
			{Name: "gpu-0", Form: dra.FormGPU, GPU: "GPU-0"},
			{Name: "gpu-1-share", Form: dra.FormShare, GPU: "GPU-1", Index: 1, ShareID: shareOfOne},
		},
	})
	return b
}

func (b *statusBench) prepare(t *testing.T, claim checkpoint.Claim) {
	t.Helper()
	if err := b.Store.PutClaim(claim); err != nil {
		t.Fatal(err)
	}
}

func (b *statusBench) writes() int {
	writes := 0
	for _, action := range b.client.Actions() {
		if action.Matches("patch", "resourceclaims/status") {
			writes++
		}
	}
	return writes
}

// entries are all of the claim's status, those of other drivers too.
func (b *statusBench) entries(t *testing.T) string {
	t.Helper()
	claim, err := b.client.ResourceV1().ResourceClaims("team").Get(t.Context(), "train", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, device := range claim.Status.Devices {
		word := device.Driver + "/" + device.Pool + "/" + device.Device
		if device.ShareID != nil {
			word += "/" + *device.ShareID
		}
		for _, c := range device.Conditions {
			word += fmt.Sprintf(" %s=%s %s since %s", c.Type, c.Status, c.Reason, c.LastTransitionTime.Sub(begin))
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}

// claimWith is claim train with entries in its status.
func claimWith(uid types.UID, devices ...resourceapi.AllocatedDeviceStatus) *resourceapi.ResourceClaim {
	return &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "train", UID: uid},
		Status:     resourceapi.ResourceClaimStatus{Devices: devices},
	}
}

func entryOf(driver, device string, conditions ...metav1.Condition) resourceapi.AllocatedDeviceStatus {
	return resourceapi.AllocatedDeviceStatus{Driver: driver, Pool: "node", Device: device, Conditions: conditions}
}

func healthSince(status metav1.ConditionStatus, reason string, ago time.Duration) metav1.Condition {
	return metav1.Condition{Type: health.HealthyCondition, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(begin.Add(-ago))}
}

// A device is in its claim's status from when it is unhealthy for the first time, and is
// written once for each change. What others wrote stays.
func TestClaimStatusFollowsHealth(t *testing.T) {
	b := newStatusBench(t, claimWith("uid", entryOf("nic.example.com", "nic-0", healthSince("True", "Up", time.Hour))))
	fails := false
	b.client.PrependReactor("patch", "resourceclaims", func(clienttesting.Action) (bool, runtime.Object, error) {
		return fails, nil, errors.New("the API server is away")
	})
	const nic = "nic.example.com/node/nic-0 Healthy=True Up since -1h0m0s"
	const share = "; gpu.ashlar.dev/node/gpu-1-share/" + shareOfOne
	for _, step := range []struct {
		what       string
		gpu0, gpu1 string
		fails      bool
		wantWrites int
		want       string
	}{
		{"nothing is known yet", "Unknown NotRead", "Unknown NotRead", false, 0, nic},
		{"healthy", "True Healthy", "True Healthy", false, 0, nic},
		{"the API server is away", "True Healthy", "False Xid79", true, 1, nic},
		{"it is back", "True Healthy", "False Xid79", false, 2, nic + share + " Healthy=False Xid79 since 3m0s"},
		{"no news", "True Healthy", "False Xid79", false, 2, nic + share + " Healthy=False Xid79 since 3m0s"},
		{"not read for a while", "Unknown NotRead", "Unknown NotRead", false, 2, nic + share + " Healthy=False Xid79 since 3m0s"},
		{"another cause", "True Healthy", "False Reset", false, 3, nic + share + " Healthy=False Reset since 3m0s"},
		{"healthy again", "True Healthy", "True Healthy", false, 4, nic + share + " Healthy=True Healthy since 7m0s"},
		{"no news again", "True Healthy", "True Healthy", false, 4, nic + share + " Healthy=True Healthy since 7m0s"},
		{"the other", "False Xid48", "True Healthy", false, 5,
			nic + share + " Healthy=True Healthy since 7m0s; gpu.ashlar.dev/node/gpu-0 Healthy=False Xid48 since 9m0s"},
	} {
		b.outcome["GPU-0"], b.outcome["GPU-1"], fails = step.gpu0, step.gpu1, step.fails
		if err := b.writeStatus(t.Context(), "uid"); (err != nil) != step.fails {
			t.Errorf("%s: error %v, want one: %v", step.what, err, step.fails)
		}
		if writes := b.writes(); writes != step.wantWrites {
			t.Errorf("%s: %d writes so far, want %d", step.what, writes, step.wantWrites)
		}
		if diff := cmp.Diff(entriesSorted(step.want), entriesSorted(b.entries(t))); diff != "" {
			t.Errorf("%s: status (-want +got):\n%s", step.what, diff)
		}
		b.clock.Step(time.Minute)
	}
	if err := b.Store.DeleteClaim("uid"); err != nil {
		t.Fatal(err)
	}
	b.queueClaims()
	if len(b.known) > 0 {
		t.Errorf("of claims that are gone is kept %v", b.known)
	}
}

func entriesSorted(text string) map[string]bool {
	set := map[string]bool{}
	for entry := range strings.SplitSeq(text, "; ") {
		set[entry] = true
	}
	return set
}

// A driver that was started again takes up what is in the status, and looks at no claim that
// is not the one that was prepared.
func TestClaimStatusAfterRestart(t *testing.T) {
	failed := entryOf(deviceapi.Driver, "gpu-0", healthSince("False", "Xid79", time.Hour))
	const asFailed = "gpu.ashlar.dev/node/gpu-0 Healthy=False Xid79 since -1h0m0s"
	for name, tc := range map[string]struct {
		claim      *resourceapi.ResourceClaim
		state      checkpoint.ClaimState
		gpu0       string
		wantWrites int
		want       string
	}{
		"well again":          {claimWith("uid", failed), "", "True Healthy", 1, "gpu.ashlar.dev/node/gpu-0 Healthy=True Healthy since 0s"},
		"not read yet":        {claimWith("uid", failed), "", "Unknown NotRead", 0, asFailed},
		"as before":           {claimWith("uid", failed), "", "False Xid79", 0, asFailed},
		"for another cause":   {claimWith("uid", failed), "", "False Reset", 1, "gpu.ashlar.dev/node/gpu-0 Healthy=False Reset since -1h0m0s"},
		"never failed":        {claimWith("uid"), "", "True Healthy", 0, ""},
		"not prepared yet":    {claimWith("uid"), checkpoint.StatePrepareStarted, "False Xid79", 0, ""},
		"unprepared":          {claimWith("uid", failed), checkpoint.StateUnprepareStarted, "True Healthy", 0, asFailed},
		"gone":                {nil, "", "False Xid79", 0, ""},
		"made anew":           {claimWith("other"), "", "False Xid79", 0, ""},
		"of another driver":   {claimWith("uid", entryOf("nic.example.com", "gpu-0")), "", "True Healthy", 0, "nic.example.com/node/gpu-0"},
		"nothing was written": {claimWith("uid"), "", "False Xid79", 1, "gpu.ashlar.dev/node/gpu-0 Healthy=False Xid79 since 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newStatusBench(t, tc.claim)
			b.outcome["GPU-0"] = tc.gpu0
			if tc.state != "" {
				record, _ := b.Store.PreparedClaim("uid")
				record.State = tc.state
				b.prepare(t, record)
			}
			for range 2 {
				if err := b.writeStatus(t.Context(), "uid"); err != nil {
					t.Fatal(err)
				}
			}
			if writes := b.writes(); writes != tc.wantWrites {
				t.Errorf("%d writes, want %d", writes, tc.wantWrites)
			}
			if tc.claim == nil {
				return
			}
			if got := b.entries(t); got != tc.want {
				t.Errorf("status %q, want %q", got, tc.want)
			}
		})
	}
}

// From an error to the end of its taint a claim is written twice, however often it is polled.
func TestClaimStatusIsWrittenOncePerChange(t *testing.T) {
	b := newStatusBench(t, claimWith("uid"))
	machine := health.NewStateMachine(health.DefaultPolicy())
	for _, gpu := range []string{"GPU-0", "GPU-1"} {
		machine.WatchGPU(dra.GPUIdentity{UUID: gpu})
	}
	b.Conditions = func(device dra.Device) []metav1.Condition {
		return machine.DeviceConditions(device, b.clock.Now(), 30*time.Second)
	}
	for poll := range 20 {
		if poll == 3 {
			machine.NoteEvent(hardware.Event{GPU: "GPU-0", Kind: hardware.EventXID, XID: 48, At: b.clock.Now()}, nil)
		}
		for _, gpu := range []string{"GPU-0", "GPU-1"} {
			machine.NoteCondition(gpu, hardware.Condition{HasRecovery: true}, b.clock.Now())
		}
		if err := b.writeStatus(t.Context(), "uid"); err != nil {
			t.Fatal(err)
		}
		b.clock.Step(10 * time.Second)
	}
	want := "gpu.ashlar.dev/node/gpu-0 Healthy=True Healthy since 1m30s Throttled=False FullSpeed since 30s"
	if got := b.entries(t); got != want || b.writes() != 2 {
		t.Errorf("%d writes and %q, want 2 and %q", b.writes(), got, want)
	}
}

// A write that fails is made again, later each time, and holds up no other claim.
func TestClaimStatusIsRetried(t *testing.T) {
	b := newStatusBench(t, claimWith("uid"))
	b.prepare(t, checkpoint.Claim{UID: "second", Namespace: "team", Name: "serve", State: checkpoint.StatePrepareCompleted,
		Devices: []checkpoint.Device{{Name: "gpu-0", Form: dra.FormGPU, GPU: "GPU-0"}}})
	err := b.client.Tracker().Add(&resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "serve", UID: "second"}})
	if err != nil {
		t.Fatal(err)
	}
	var first, second atomic.Int64
	b.client.PrependReactor("patch", "resourceclaims", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.(clienttesting.PatchAction).GetName() == "serve" {
			second.Add(1)
			return false, nil, nil
		}
		return first.Add(1) <= 3, nil, errors.New("the API server is away")
	})
	b.outcome["GPU-0"] = "False Xid79"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.writeStatuses(ctx)
	}()
	b.queueClaims()
	wait := func(what string, done func() bool) {
		t.Helper()
		for range 2000 {
			if done() {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatalf("%s: %d writes of the first claim, %d of the second", what, first.Load(), second.Load())
	}
	wait("at once", func() bool { return first.Load() == 1 && second.Load() == 1 })
	for retry, after := range []time.Duration{firstRetry, 2 * firstRetry, 4 * firstRetry} {
		wait("the retry is planned", func() bool { return b.queue.NumRequeues("uid") == retry+1 && b.clock.HasWaiters() })
		time.Sleep(20 * time.Millisecond) // for the queue to take it up
		b.clock.Step(after - time.Millisecond)
		time.Sleep(20 * time.Millisecond)
		if got := first.Load(); got != int64(retry+1) {
			t.Errorf("before %s have passed there were %d writes, want %d", after, got, retry+1)
		}
		b.clock.Step(time.Millisecond)
		wait("after "+after.String(), func() bool { return first.Load() == int64(retry+2) })
	}
	wait("written", func() bool { return b.queue.NumRequeues("uid") == 0 })
	if second.Load() != 1 {
		t.Errorf("the second claim was written %d times, want once", second.Load())
	}
	cancel()
	<-ended
}

// A record gives back the device that it was made of.
func TestDeviceOf(t *testing.T) {
	for _, device := range []dra.Device{
		{Form: dra.FormGPU, GPU: dra.GPUIdentity{UUID: "GPU-3", Index: 3, Minor: 3}, Memory: 80 * topology.GiB},
		{Form: dra.FormShare, GPU: dra.GPUIdentity{UUID: "GPU-3", Index: 3, Minor: 3}, Memory: 80 * topology.GiB},
		{
			Form: dra.FormMIG, GPU: dra.GPUIdentity{UUID: "GPU-3", BusID: "0000:1b:00.0", Index: 3}, Memory: 10 * topology.GiB,
			Profile: &mig.Profile{ID: 19, Name: "1g.10gb"}, Placement: mig.Placement{Start: 6, Size: 1},
		},
	} {
		record := checkpoint.NewDevice(device)
		if diff := cmp.Diff(device, deviceOf(&record)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", device.Name(), diff)
		}
	}
}
