package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	dracel "k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceclaim"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// compiledExpressions is how many compiled CEL expressions are kept.
const compiledExpressions = 256

// matchCacheSize bounds the cache of one pool; pods made from templates repeat a
// few selectors over and over.
const matchCacheSize = 64

// matchCache remembers which of a pool's devices satisfy a list of selectors.
// A pool's devices never change, so entries stay true for as long as the pool.
// Safe for concurrent use.
type matchCache struct {
	mutex   sync.Mutex
	entries map[string]match
}

// match is the result of a list of selectors on a pool.
type match struct {
	devices placement.DeviceSet
	// err is the first evaluation error; such a device does not match. The in-tree
	// code gives up on the whole pod instead.
	err error
}

// selectorKey joins expressions by a character that CEL does not allow.
func selectorKey(selectors []string) string { return strings.Join(selectors, "\x00") }

func (p *pool) match(ctx context.Context, expressions *dracel.Cache, selectors []string) match {
	cache := &p.matches
	key := selectorKey(selectors)
	cache.mutex.Lock()
	defer cache.mutex.Unlock()
	if found, cached := cache.entries[key]; cached {
		return found
	}
	result := match{devices: placement.NewDeviceSet(len(p.devices))}
	for i := range p.devices {
		matches, err := p.matchesAll(ctx, expressions, selectors, i)
		if err != nil && result.err == nil {
			result.err = err
		}
		if matches {
			result.devices.Add(i)
		}
	}
	if ctx.Err() != nil {
		return result // evaluation was interrupted, so this is not the answer
	}
	if len(cache.entries) >= matchCacheSize {
		clear(cache.entries)
	}
	if cache.entries == nil {
		cache.entries = make(map[string]match)
	}
	cache.entries[key] = result
	return result
}

// matchesAll evaluates selectors on device i and stops at the first that does not hold.
func (p *pool) matchesAll(ctx context.Context, expressions *dracel.Cache, selectors []string, i int) (bool, error) {
	d := &p.devices[i]
	input := dracel.Device{Driver: p.driver, AllowMultipleAllocations: d.AllowMultipleAllocations, Attributes: d.Attributes, Capacity: d.Capacity}
	for _, selector := range selectors {
		program := expressions.GetOrCompile(selector)
		if program.Error != nil {
			return false, fmt.Errorf("selector %q: %w", selector, program.Error)
		}
		matches, _, err := program.DeviceMatches(ctx, input)
		if err != nil {
			return false, fmt.Errorf("selector %q on device %s: %w", selector, d.Name, err)
		}
		if !matches {
			return false, nil
		}
	}
	return true, nil
}

// tolerated reports whether the device's taints permit a new allocation.
func tolerated(d *resourceapi.Device, tolerations []resourceapi.DeviceToleration) bool {
	for _, taint := range d.Taints {
		if taint.Effect != resourceapi.DeviceTaintEffectNoSchedule && taint.Effect != resourceapi.DeviceTaintEffectNoExecute {
			continue // as the in-tree code ignores effects that it does not know
		}
		if !slices.ContainsFunc(tolerations, func(t resourceapi.DeviceToleration) bool { return resourceclaim.ToleratesTaint(t, taint) }) {
			return false
		}
	}
	return true
}

// capacityOf finds a capacity by its name with or without the driver's domain.
func (p *pool) capacityOf(d *resourceapi.Device, name resourceapi.QualifiedName) (resourceapi.DeviceCapacity, bool) {
	if capacity, found := d.Capacity[name]; found {
		return capacity, true
	}
	short, qualified := strings.CutPrefix(string(name), p.driver+"/")
	if !qualified {
		return resourceapi.DeviceCapacity{}, false
	}
	capacity, found := d.Capacity[resourceapi.QualifiedName(short)]
	return capacity, found
}

// maxAmount is the largest capacity that a request may ask for: an exbibyte, far
// beyond any device. Rounding larger amounts up overflows, here and in the in-tree
// code, which would then book a negative amount.
const maxAmount = int64(1) << 60

// consumed is what a request for amount takes of a shareable capacity: at least
// the minimum, rounded up to whole steps from there (resource.k8s.io/v1,
// CapacityRequestPolicyRange).
func consumed(capacity resourceapi.DeviceCapacity, amount int64) int64 {
	policy := capacity.RequestPolicy
	if policy == nil || policy.ValidRange == nil || policy.ValidRange.Min == nil {
		return amount
	}
	least := policy.ValidRange.Min.Value()
	if amount <= least {
		return least
	}
	step := int64(0)
	if policy.ValidRange.Step != nil {
		step = min(policy.ValidRange.Step.Value(), maxAmount)
	}
	if step < 1 {
		return amount
	}
	over := (amount - least) % step
	if over == 0 {
		return amount
	}
	return amount - over + step // cannot overflow: amounts are at most maxAmount
}
