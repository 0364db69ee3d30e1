package health

import (
	"time"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// The keys of taints, and the values that are not of XIDs.
const (
	// UnhealthyTaint has the cause as its value, "xid-79" for example.
	UnhealthyTaint = "gpu.ashlar.dev/unhealthy"
	// RecoveryTaint has what the GPU needs to recover as its value, "reset" for example.
	RecoveryTaint = "gpu.ashlar.dev/recovery"

	causeLost        = "off-bus"
	causeSilent      = "not-responding"
	causePoison      = "poison"
	causeUnavailable = "unavailable"
	causeRowsFailed  = "rows-not-remapped"
)

// wholeGPU is the place of a fault that hits all of a GPU.
var wholeGPU = mig.Placement{}

// faultKey tells faults of a GPU apart.
type faultKey struct {
	taint, cause string
	place        mig.Placement
}

// fault is something that is wrong at present, or was until a moment ago.
type fault struct {
	faultKey
	class  FaultClass
	effect resourceapi.DeviceTaintEffect // never weakens
	what   string
	count  uint64
	// since is when it was set, last when it was seen for the last time.
	since, last time.Time
	// wellSince is since when polls say that it is gone; zero as long as they do not.
	wellSince time.Time
	// holds is how long it must be gone.
	holds time.Duration
}

// relapse remembers a fault that was cleared.
type relapse struct {
	count   int
	cleared time.Time
}

// relapseMemory is how long a cleared fault is remembered.
const relapseMemory = 24 * time.Hour

// raise sets a fault, or counts it up if it is set, and reports whether it is new.
func (m *StateMachine) raise(g *gpuState, key faultKey, class FaultClass, what string, at time.Time) bool {
	if f := g.faults[key]; f != nil {
		f.count++
		f.last, f.wellSince = at, time.Time{}
		m.strengthen(f, class)
		return false
	}
	past := g.relapses[key]
	if !past.cleared.IsZero() && at.Sub(past.cleared) < relapseMemory {
		past.count++
	} else {
		past.count = 0
	}
	g.relapses[key] = past
	f := &fault{faultKey: key, class: class, what: what, count: 1, since: at, last: at, effect: m.policy.effectOf(class)}
	f.holds = m.policy.clearAfter(class, past.count)
	g.faults[key] = f
	if f.effect != "" {
		m.version++
	}
	return true
}

// strengthen gives a fault the effect of another class, if that is stronger.
func (m *StateMachine) strengthen(f *fault, class FaultClass) {
	if f.class != class && class == ClassDrainAndReset {
		f.class = class
	}
	if effect := m.policy.effectOf(class); effectStrength[effect] > effectStrength[f.effect] {
		f.effect = effect
		m.version++
	}
}

// settle clears the faults that a poll finds gone for long enough. It takes evidence: a
// fault of which the poll says nothing stays as it is.
func (m *StateMachine) settle(g *gpuState, at time.Time) {
	for _, f := range g.sortedFaults() {
		if !g.saysGone(f) {
			f.wellSince = time.Time{}
			continue
		}
		if f.wellSince.IsZero() {
			f.wellSince = at
		}
		if at.Sub(f.wellSince) < f.holds {
			continue
		}
		delete(g.faults, f.faultKey)
		g.relapses[f.faultKey] = relapse{g.relapses[f.faultKey].count, at}
		if f.effect != "" {
			m.version++
			g.changed = at
			m.tell(g, clearedNotice(g, f, at))
		}
	}
}

// saysGone reports whether the last poll, which succeeded, says that the fault is gone.
func (g *gpuState) saysGone(f *fault) bool {
	c := g.condition
	switch {
	case f.taint == RecoveryTaint:
		if c.HasRecovery {
			return recoveryCause(c.Recovery) != f.cause
		}
		return g.wasReset.After(f.last)
	case f.cause == causeRowsFailed:
		return !c.RowsFailed
	case f.cause == causeLost, f.cause == causeSilent, f.class == ClassWatch:
		return true
	case c.HasRecovery: // the authority
		return c.Recovery == 0
	}
	return g.wasReset.After(f.last)
}

// isOn reports whether a fault hits what is at a place of its GPU.
func (f *fault) isOn(place mig.Placement) bool {
	return f.place == wholeGPU || place == wholeGPU || f.place.Overlaps(place)
}
