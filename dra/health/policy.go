package health

import (
	"fmt"
	"time"

	resourceapi "k8s.io/api/resource/v1"
)

// TaintPolicy says which class of fault keeps pods from a device, and for how long a
// fault must be gone before its taint is taken away. The empty effect is no taint; the
// device then stays healthy, and the fault is told and counted all the same.
type TaintPolicy struct {
	// Watch is for faults that by themselves ask for nothing, such as a row to be remapped.
	Watch resourceapi.DeviceTaintEffect
	// Reset is for those after which the GPU must be reset, DrainAndReset for those that
	// leave it usable until work on it is over, and Decode for those of NVLinks.
	Reset, DrainAndReset, Decode resourceapi.DeviceTaintEffect
	// Node is for those after which the node must be rebooted.
	Node resourceapi.DeviceTaintEffect
	// Lost is for a GPU that is off the bus, Silent for one that does not answer.
	Lost, Silent resourceapi.DeviceTaintEffect

	// ClearAfter is how long a fault must be gone. It doubles with every relapse, up to
	// LongestClear, and is as before once there was none for a day.
	ClearAfter, LongestClear time.Duration
	// WatchReturned is how long a GPU that was lost, or off the bus, is watched instead.
	WatchReturned time.Duration
	// ThrottledAfter is how long clocks must be held down before that is told.
	ThrottledAfter time.Duration
}

// DefaultPolicy keeps new pods from whatever needs a reset, a reboot or a look at an
// NVLink, and ends no pod: NoSchedule for all classes but Watch, which has no taint.
// NoExecute is for clusters whose pods are better started again elsewhere at once.
func DefaultPolicy() TaintPolicy {
	const keepAway = resourceapi.DeviceTaintEffectNoSchedule
	return TaintPolicy{
		Reset: keepAway, DrainAndReset: keepAway, Decode: keepAway, Node: keepAway, Lost: keepAway, Silent: keepAway,
		ClearAfter: time.Minute, LongestClear: time.Hour, WatchReturned: 5 * time.Minute, ThrottledAfter: time.Minute,
	}
}

// PolicyOf is the default policy with one effect for all classes that have one there: the
// empty effect taints nothing.
func PolicyOf(effect resourceapi.DeviceTaintEffect) TaintPolicy {
	p := DefaultPolicy()
	p.Reset, p.DrainAndReset, p.Decode, p.Node, p.Lost, p.Silent = effect, effect, effect, effect, effect, effect
	return p
}

// CheckPolicy names the first field of a policy that cannot be, and what can.
func CheckPolicy(p TaintPolicy) error {
	for _, field := range []struct {
		name   string
		effect resourceapi.DeviceTaintEffect
	}{
		{"Watch", p.Watch}, {"Reset", p.Reset}, {"DrainAndReset", p.DrainAndReset}, {"Decode", p.Decode},
		{"Node", p.Node}, {"Lost", p.Lost}, {"Silent", p.Silent},
	} {
		if _, known := effectStrength[field.effect]; !known {
			return fmt.Errorf("health policy: %s: unknown effect %q: use None, NoSchedule, NoExecute, or nothing for no taint",
				field.name, field.effect)
		}
	}
	for _, field := range []struct {
		name  string
		value time.Duration
	}{{"ClearAfter", p.ClearAfter}, {"WatchReturned", p.WatchReturned}, {"ThrottledAfter", p.ThrottledAfter}} {
		if field.value <= 0 {
			return fmt.Errorf("health policy: %s: %s: must be more than 0", field.name, field.value)
		}
	}
	if p.LongestClear < p.ClearAfter {
		return fmt.Errorf("health policy: LongestClear: %s: must be at least ClearAfter, %s", p.LongestClear, p.ClearAfter)
	}
	return nil
}

// effectStrength orders effects; what is in no order is unknown.
var effectStrength = map[resourceapi.DeviceTaintEffect]int{
	"": 0, resourceapi.DeviceTaintEffectNone: 1, resourceapi.DeviceTaintEffectNoSchedule: 2, resourceapi.DeviceTaintEffectNoExecute: 3,
}

// effectOf is the effect of a class of faults.
func (p *TaintPolicy) effectOf(class FaultClass) resourceapi.DeviceTaintEffect {
	switch class {
	case ClassWatch:
		return p.Watch
	case ClassReset:
		return p.Reset
	case ClassDrainAndReset:
		return p.DrainAndReset
	case ClassDecode:
		return p.Decode
	case ClassNode:
		return p.Node
	case ClassLost:
		return p.Lost
	case ClassSilent:
		return p.Silent
	}
	return "" // applications, echoes, notices and unknown XIDs never taint
}

// clearAfter is how long a fault of the class must be gone, after so many relapses.
func (p *TaintPolicy) clearAfter(class FaultClass, relapses int) time.Duration {
	hold := p.ClearAfter
	if class == ClassLost || class == ClassNode {
		hold = p.WatchReturned
	}
	longest := max(p.LongestClear, hold)
	for range relapses {
		if hold >= longest/2 {
			return longest
		}
		hold *= 2
	}
	return hold
}
