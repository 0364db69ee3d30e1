package health

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/dra/hardware"
)

// throttle is whether clocks are held down, as told: that changes only after it was so,
// or not so, for a while.
type throttle struct {
	told  bool
	since time.Time // since when it is otherwise than told; zero if it is as told
}

// note takes what a poll says, and reports whether what is told changed.
func (t *throttle) note(held bool, at time.Time, after time.Duration) bool {
	if held == t.told {
		t.since = time.Time{}
		return false
	}
	if t.since.IsZero() {
		t.since = at
	}
	if at.Sub(t.since) < after {
		return false
	}
	t.told, t.since = held, time.Time{}
	return true
}

// recoveryCause is the value of the taint for a recovery action.
func recoveryCause(action hardware.RecoveryAction) string {
	switch action {
	case hardware.RecoverNothing:
		return ""
	case hardware.RecoverReset:
		return "reset"
	case hardware.RecoverReboot:
		return "reboot"
	case hardware.RecoverDrainP2P:
		return "drain-p2p"
	case hardware.RecoverDrainAndReset:
		return "drain-and-reset"
	case hardware.RecoverIMEXDomain:
		return "imex-domain"
	case hardware.RecoverBusReset:
		return "bus-reset"
	case hardware.RecoverSystemReboot:
		return "system-reboot"
	}
	return "other"
}

// recoveryClass is what a recovery action asks for.
func recoveryClass(action hardware.RecoveryAction) FaultClass {
	switch action {
	case hardware.RecoverReboot, hardware.RecoverSystemReboot:
		return ClassNode
	case hardware.RecoverDrainAndReset, hardware.RecoverDrainP2P:
		return ClassDrainAndReset
	}
	return ClassReset
}

// NoteCondition takes a poll that succeeded. Nothing but such a poll clears a taint.
func (m *StateMachine) NoteCondition(gpu string, c hardware.Condition, at time.Time) {
	g := m.gpus[gpu]
	if g == nil {
		return
	}
	at = g.clockOf(at)
	g.noteReset(c, at)
	if g.polled.IsZero() {
		g.changed = at
	}
	if g.polled.IsZero() || g.failed != nil {
		m.known++
	}
	g.condition, g.polled, g.failed = c, at, nil
	if c.HasRecovery && c.Recovery != hardware.RecoverNothing {
		cause := recoveryCause(c.Recovery)
		m.raiseLasting(g, faultKey{RecoveryTaint, cause, wholeGPU}, recoveryClass(c.Recovery),
			fmt.Sprintf("it asks for recovery action %d, %s", c.Recovery, cause), at)
	}
	if c.RowsFailed {
		m.raiseLasting(g, faultKey{UnhealthyTaint, causeRowsFailed, wholeGPU}, ClassReset, "memory rows could not be remapped", at)
	}
	m.settle(g, at)
	if g.thermal.note(c.ThermalSlowdown, at, m.policy.ThrottledAfter) {
		m.tell(g, throttleNotice(g, "heat", "its cooling", g.thermal.told))
	}
	if g.powerBrake.note(c.PowerBrake, at, m.policy.ThrottledAfter) {
		m.tell(g, throttleNotice(g, "its power supply", "the power of the node", g.powerBrake.told))
	}
}

// raiseLasting is raiseAndTell for what every poll says again: that does not count up.
func (m *StateMachine) raiseLasting(g *gpuState, key faultKey, class FaultClass, what string, at time.Time) {
	if f := g.faults[key]; f != nil {
		f.last, f.wellSince = at, time.Time{}
		return
	}
	m.raiseAndTell(g, key, class, what, at)
}

// noteReset looks for signs that the GPU was reset since the last poll: it was lost, its
// volatile counters begin anew, or rows that waited for a reset do not any more.
func (g *gpuState) noteReset(c hardware.Condition, at time.Time) {
	lost := g.faults[faultKey{UnhealthyTaint, causeLost, wholeGPU}]
	switch {
	case lost != nil && lost.wellSince.IsZero(),
		!g.polled.IsZero() && c.UncorrectableECC < g.condition.UncorrectableECC,
		!g.polled.IsZero() && g.condition.RowsPending && !c.RowsPending && !c.RowsFailed:
		g.wasReset = at
	}
}
