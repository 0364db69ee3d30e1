package publish

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"
)

// stepTimeout is how long approach waits for the API server to show one slice.
const stepTimeout = 2 * time.Second

// approach gives the sink what is wanted, one slice after the other where that spares the
// pool a new generation. It returns early when ctx ends. A step that does not arrive in time
// is not waited for: the sink is then given everything.
func (p *Publication) approach(ctx context.Context, wanted resourceslice.DriverResources) {
	for patient := true; ctx.Err() == nil; {
		step, last := wanted, true
		if patient {
			step, last = nextStep(*p.wanted.Load(), wanted)
		}
		if err := p.hand(ctx, step); err != nil {
			klog.FromContext(ctx).Error(err, "Publishing ResourceSlices failed; the next change is another try")
			return
		}
		if last {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, stepTimeout)
		const first, longest = 5 * time.Millisecond, 200 * time.Millisecond
		patient = p.pollPublished(bounded, first, longest) == nil
		cancel()
	}
}

// nextStep is what to publish next on the way from one state to another, and whether that
// is the end of it.
//
// resourceslice.Controller writes a single slice that changed as it is. As soon as two
// changed, or one came, the pool gets a new generation: all slices are written anew, one
// after the other, and until the last is there schedulers find the pool incomplete and use
// none of its devices. So slices that stand for themselves are changed one at a time. Where
// slices come or go, counter sets change, or a device moves, the slices are only right
// together, and a new generation is what is wanted.
func nextStep(from, to resourceslice.DriverResources) (step resourceslice.DriverResources, last bool) {
	for name, pool := range to.Pools {
		if !changeSingly(from.Pools[name], pool) {
			return to, true
		}
	}
	if len(from.Pools) != len(to.Pools) {
		return to, true
	}
	step = resourceslice.DriverResources{Pools: maps.Clone(from.Pools)}
	left := 0
	for _, name := range slices.Sorted(maps.Keys(to.Pools)) {
		before, after := from.Pools[name], to.Pools[name]
		for i := range after.Slices {
			if resourceslice.DevicesDeepEqual(before.Slices[i].Devices, after.Slices[i].Devices) {
				continue
			}
			if left++; left == 1 {
				changed := before
				changed.Slices = slices.Clone(before.Slices)
				changed.Slices[i] = after.Slices[i]
				step.Pools[name] = changed
			}
		}
	}
	if left <= 1 {
		return to, true
	}
	return step, false
}

// changeSingly reports whether the slices of a pool can be changed one at a time.
func changeSingly(from, to resourceslice.Pool) bool {
	if len(from.Slices) != len(to.Slices) || from.Generation != to.Generation {
		return false
	}
	places := map[string]int{}
	for i, slice := range from.Slices {
		if !equality.Semantic.DeepEqual(slice.SharedCounters, to.Slices[i].SharedCounters) {
			return false
		}
		for _, device := range slice.Devices {
			places[device.Name] = i
		}
	}
	for i, slice := range to.Slices {
		for _, device := range slice.Devices {
			if place, known := places[device.Name]; known && place != i {
				return false
			}
		}
	}
	return true
}
