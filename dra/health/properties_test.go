package health

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var places = []*mig.Placement{nil, {Start: 0, Size: 4}, {Start: 4, Size: 4}, {Start: 4, Size: 2}, {}}

var kinds = []hardware.EventKind{
	hardware.EventXID, hardware.EventXID, hardware.EventXID, hardware.EventXID, hardware.EventDoubleBitECC, hardware.EventPoison,
	hardware.EventUnavailable, hardware.EventRecoveryAction, hardware.EventGPULost, hardware.EventNotResponding,
	hardware.EventRespondingAgain, "Invented",
}

var failures = []error{hardware.ErrGPULost, hardware.ErrHangs, errors.New("unknown error")}

// happenAtRandom lets one thing happen that pick chooses.
func (n *node) happenAtRandom(pick func(int) int, after time.Duration) {
	gpu := gpuNumber(pick(3)).UUID // the third is not watched
	switch pick(4) {
	case 0:
		n.NoteCondition(gpu, hardware.Condition{
			HasRecovery: pick(2) == 0, Recovery: hardware.RecoveryAction(max(0, pick(12)-6)), UncorrectableECC: uint64(pick(3)),
			RowsPending: pick(2) == 0, RowsFailed: pick(8) == 0, ThermalSlowdown: pick(2) == 0, PowerBrake: pick(2) == 0,
		}, start.Add(after))
	case 1:
		n.NoteFailure(gpu, failures[pick(len(failures))], start.Add(after))
	default:
		event := hardware.Event{GPU: gpu, Kind: kinds[pick(len(kinds))], XID: uint64(pick(180)), At: start.Add(after)}
		placement := places[pick(len(places))]
		if pick(2) == 0 {
			instance := uint32(pick(8))
			event.GPUInstance = &instance
		}
		n.NoteEvent(event, placement)
	}
}

// checkOutcome checks what holds of taints and health whatever happened.
func (n *node) checkOutcome(t *testing.T, after time.Duration) {
	t.Helper()
	for _, device := range n.devices {
		taints := n.DeviceTaints(device)
		if len(taints) > maxTaints || len(taints) > resourceapi.DeviceTaintsMaxLength {
			t.Fatalf("%s has %d taints", device.Name(), len(taints))
		}
		seen := map[string]bool{}
		for _, taint := range taints {
			name := taint.Key + "=" + taint.Value
			if seen[name] {
				t.Fatalf("%s has %s twice", device.Name(), name)
			}
			seen[name] = true
			if wrong := validation.IsValidLabelValue(taint.Value); wrong != nil {
				t.Fatalf("%s: %q: %v", device.Name(), taint.Value, wrong)
			}
			if taint.TimeAdded.IsZero() || taint.TimeAdded.After(n.latest()) {
				t.Fatalf("%s has no time", name)
			}
		}
		for _, condition := range n.DeviceConditions(device, start.Add(after), 30*time.Second) {
			if len(condition.Message) > maxMessage || condition.LastTransitionTime.IsZero() || condition.Reason == "" {
				t.Fatalf("%s: condition %+v", device.Name(), condition)
			}
		}
	}
}

// Whatever happens within the time that a fault must be gone, taints come and none goes,
// and those that are there keep their times.
func TestTaintsNeverGoWithinHold(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		n := newNode(DefaultPolicy(), 2)
		before := map[string]time.Time{}
		at := time.Duration(0)
		for range 60 {
			at += time.Duration(random.Int64N(int64(time.Second)))
			n.happenAtRandom(random.IntN, min(at, DefaultPolicy().ClearAfter-1))
			now := map[string]time.Time{}
			for _, device := range n.devices {
				for _, f := range n.faultsOf(device) {
					if f.effect != "" {
						now[device.Name()+f.taint+f.cause+f.place.String()] = f.since
					}
				}
			}
			for name, since := range before {
				if !now[name].Equal(since) {
					t.Fatalf("%s, set at %s, is %s after %s", name, since, now[name], at)
				}
			}
			before = now
		}
	}
}

// Applications may fail as they like, between polls that find nothing: nothing changes.
func TestApplicationErrorsChangeNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	n := newNode(DefaultPolicy(), 1)
	n.poll(0, settled, 0)
	device := n.devices[0]
	version := n.TaintVersion()
	want := n.DeviceConditions(device, start, time.Hour)
	var codes []uint64
	for code, entry := range xidTable {
		if entry.Class == ClassApplication || entry.Class == ClassEcho || entry.Class == ClassNotice {
			codes = append(codes, code)
		}
	}
	for i := range 5000 {
		at := time.Duration(i) * 100 * time.Millisecond
		if code := codes[random.IntN(len(codes))]; random.IntN(2) == 0 {
			n.xid(0, code, at)
		} else {
			n.xidIn(0, code, at, *places[1])
		}
		if random.IntN(50) == 0 {
			n.poll(0, settled, at)
		}
		if diff := cmp.Diff(want, n.DeviceConditions(device, start.Add(at), time.Hour)); diff != "" || n.TaintVersion() != version {
			t.Fatalf("after %d errors (-want +got):\n%s", i+1, diff)
		}
	}
	if notices := len(n.TakeNotices()); notices > 3*len(codes) {
		t.Errorf("%d notices of %d codes", notices, len(codes))
	}
}

// A fault that comes and goes is cleared less and less often.
func TestRelapsesAreHeldLonger(t *testing.T) {
	n := newNode(DefaultPolicy(), 1)
	cleared, was := 0, false
	for at := time.Duration(0); at < 6*time.Hour; at += 10 * time.Second {
		if at%(2*time.Minute) == 0 && len(n.taints()) == 0 {
			n.xid(0, 74, at)
		}
		n.poll(0, settled, at+time.Second)
		is := len(n.taints()) > 0
		if was && !is {
			cleared++
		}
		was = is
	}
	// 1, 2, 4, 8, 16, 32 and from then on 60 minutes
	if cleared < 8 || cleared > 11 {
		t.Errorf("cleared %d times in 6 hours, want 8 to 11", cleared)
	}
}

// FuzzMachine lets anything happen in any order, at times that also run backwards.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{2, 0, 79, 1, 3, 0, 9}, int64(time.Second))
	f.Add([]byte("XID after XID, and polls between them"), int64(-time.Minute))
	f.Fuzz(func(t *testing.T, choices []byte, step int64) {
		n := newNode(DefaultPolicy(), 2)
		pick := func(limit int) int {
			if len(choices) == 0 {
				return 0
			}
			chosen := int(choices[0]) % limit
			choices = choices[1:]
			return chosen
		}
		at := time.Duration(0)
		for len(choices) > 0 {
			at += time.Duration(step % int64(time.Hour))
			n.happenAtRandom(pick, at)
			n.checkOutcome(t, at)
		}
	})
}

// latest is the last time that any GPU was told.
func (n *node) latest() time.Time {
	latest := time.Time{}
	for _, g := range n.gpus {
		if g.now.After(latest) {
			latest = g.now
		}
	}
	return latest
}
