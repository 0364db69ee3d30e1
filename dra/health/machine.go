package health

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// StateMachine holds the health of a node's GPUs and of the MIG instances on them. It
// knows no clock and no library: it is told what happened, and when. It is for one
// goroutine at a time. GPUs that it was not given with WatchGPU are passed over.
type StateMachine struct {
	policy  TaintPolicy
	gpus    map[string]*gpuState
	version uint64 // changes with every change of a taint
	known   uint64 // changes when the health of a GPU becomes known, or no longer is
	notices []Notice
}

// gpuState is what is known of one GPU.
type gpuState struct {
	identity  dra.GPUIdentity
	now       time.Time // of the last thing that was told
	faults    map[faultKey]*fault
	relapses  map[faultKey]relapse
	told      map[string]uint64 // how often something happened, for notices
	condition hardware.Condition
	// polled is when a poll last succeeded, failed whether the last one did not.
	polled time.Time
	failed error
	// wasReset is when there last was a sign of a reset, changed when a taint last went.
	wasReset, changed time.Time
	// rowNoted is when a row was last noted for remapping.
	rowNoted            time.Time
	thermal, powerBrake throttle
	errors              map[string]uint64 // by code, for metrics
}

// together is how long errors may be apart that are of one cause.
const together = 30 * time.Second

// NewStateMachine returns a machine without GPUs. The policy must be one that CheckPolicy
// accepts.
func NewStateMachine(policy TaintPolicy) *StateMachine {
	return &StateMachine{policy: policy, gpus: map[string]*gpuState{}}
}

// WatchGPU adds a GPU. Of one that is there already it takes over number and address.
func (m *StateMachine) WatchGPU(gpu dra.GPUIdentity) {
	if g := m.gpus[gpu.UUID]; g != nil {
		g.identity = gpu
		return
	}
	m.gpus[gpu.UUID] = &gpuState{
		identity: gpu, faults: map[faultKey]*fault{}, relapses: map[faultKey]relapse{},
		told: map[string]uint64{}, errors: map[string]uint64{},
	}
}

// TaintVersion is a number that changes when a taint of any device does.
func (m *StateMachine) TaintVersion() uint64 { return m.version }

// HealthVersion is a number that changes when the health of any device does, other than by
// time passing.
func (m *StateMachine) HealthVersion() uint64 { return m.version + m.known }

// clockOf is the time of what happens to a GPU: it does not run backwards.
func (g *gpuState) clockOf(at time.Time) time.Time {
	if at.After(g.now) {
		g.now = at
	}
	return g.now
}

// NoteEvent takes an event. The placement is that of the MIG instance that the event
// names; without it an event that names one is taken to be of the whole GPU. It reports
// whether the GPU's condition should be polled at once.
func (m *StateMachine) NoteEvent(event hardware.Event, placement *mig.Placement) (poll bool) {
	g := m.gpus[event.GPU]
	if g == nil {
		return false
	}
	at := g.clockOf(event.At)
	switch event.Kind {
	case hardware.EventXID:
		return m.noteXID(g, event, placement, at)
	case hardware.EventPoison:
		m.raiseAndTell(g, faultKey{UnhealthyTaint, causePoison, placeOf(event, RadiusInstance, placement)}, ClassReset,
			"poisoned memory was used", at)
	case hardware.EventUnavailable:
		m.raiseAndTell(g, faultKey{UnhealthyTaint, causeUnavailable, wholeGPU}, ClassReset, "the driver says that it is not available", at)
	case hardware.EventGPULost:
		m.noteLost(g, at)
	case hardware.EventNotResponding:
		m.noteSilent(g, at)
	case hardware.EventDoubleBitECC: // XIDs and the recovery action say what to do about it
		g.errors["double-bit-ecc"]++
		m.tellSometimes(g, "double-bit-ecc", Notice{Reason: "GPUMemoryError", Message: fmt.Sprintf(
			"%s: an uncorrectable memory error was reported. Nothing is to be done unless the GPU asks for a reset.", g.name())})
	}
	return true
}

// placeOf is whom an event hits.
func placeOf(event hardware.Event, radius BlastRadius, placement *mig.Placement) mig.Placement {
	if radius == RadiusGPU || event.GPUInstance == nil || placement == nil || placement.Size <= 0 {
		return wholeGPU
	}
	return *placement
}

func (m *StateMachine) noteXID(g *gpuState, event hardware.Event, placement *mig.Placement, at time.Time) (poll bool) {
	entry, known := LookUpXID(event.XID)
	cause := fmt.Sprintf("xid-%d", event.XID)
	if known {
		g.errors[cause]++
	} else {
		g.errors["xid-unknown"]++
	}
	if event.XID == 63 || event.XID == 64 {
		g.rowNoted = at
		m.escalate(g, at)
	}
	class := entry.Class
	switch class {
	case ClassApplication, ClassEcho, ClassNotice, ClassUnknown:
		m.tellSometimes(g, cause, xidNotice(g, entry, g.told[cause]+1))
		return false
	case ClassAuthority: // the poll that follows says what it is
		return true
	}
	if event.XID == 48 && !g.rowNoted.IsZero() && at.Sub(g.rowNoted) <= together {
		class = ClassDrainAndReset
	}
	key := faultKey{UnhealthyTaint, cause, placeOf(event, entry.Radius, placement)}
	what := fmt.Sprintf("XID %d, %s", event.XID, entry.What)
	if event.GPUInstance != nil && key.place == wholeGPU && entry.Radius == RadiusInstance {
		what += fmt.Sprintf(" (in GPU instance %d, whose place is not known)", *event.GPUInstance)
	}
	m.raiseAndTell(g, key, class, what, at)
	return true
}

// escalate turns memory errors that a row was just noted for into ones to drain for.
func (m *StateMachine) escalate(g *gpuState, at time.Time) {
	for _, f := range g.faults {
		if f.cause == "xid-48" && at.Sub(f.last) <= together {
			m.strengthen(f, ClassDrainAndReset)
		}
	}
}

func (m *StateMachine) noteLost(g *gpuState, at time.Time) {
	m.raiseLasting(g, faultKey{UnhealthyTaint, causeLost, wholeGPU}, ClassLost, "it is off the bus", at)
	g.unconfirm(hardware.ErrGPULost)
}

func (m *StateMachine) noteSilent(g *gpuState, at time.Time) {
	m.raiseLasting(g, faultKey{UnhealthyTaint, causeSilent, wholeGPU}, ClassSilent, "the driver does not answer for it", at)
	g.unconfirm(hardware.ErrHangs)
}

// unconfirm forgets since when faults are gone: nothing says so any more.
func (g *gpuState) unconfirm(err error) {
	g.failed = err
	for _, f := range g.faults {
		f.wellSince = time.Time{}
	}
}

// NoteFailure takes a poll that failed. A lost GPU and one that does not answer are
// tainted; any other error makes the health unknown once it lasts.
func (m *StateMachine) NoteFailure(gpu string, err error, at time.Time) {
	g := m.gpus[gpu]
	if g == nil || err == nil {
		return
	}
	at = g.clockOf(at)
	switch {
	case errors.Is(err, hardware.ErrGPULost):
		m.noteLost(g, at)
	case errors.Is(err, hardware.ErrHangs):
		m.noteSilent(g, at)
	default:
		if g.failed == nil {
			m.tellSometimes(g, "unread", Notice{Warning: true, Reason: "GPUHealthUnread", Message: fmt.Sprintf(
				"%s: its health could not be read: %v. It is read again; look at the log of the driver if it stays so.", g.name(), err)})
		}
		g.unconfirm(err)
	}
}

// sortedFaults are the faults of a GPU, the strongest and then the oldest first.
func (g *gpuState) sortedFaults() []*fault {
	sorted := make([]*fault, 0, len(g.faults))
	for _, f := range g.faults {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b *fault) int {
		return cmp.Or(
			cmp.Compare(effectStrength[b.effect], effectStrength[a.effect]), a.since.Compare(b.since),
			strings.Compare(a.taint, b.taint), strings.Compare(a.cause, b.cause),
			cmp.Compare(a.place.Start, b.place.Start), cmp.Compare(a.place.Size, b.place.Size),
		)
	})
	return sorted
}
