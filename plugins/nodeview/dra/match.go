package dra

import (
	"context"
	"fmt"
	"strings"

	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// matchCacheSize bounds the cache of one make or pool; pods made from templates repeat a
// few selectors over and over.
const matchCacheSize = 64

// selectorMatch is the result of a list of selectors on a pool.
type selectorMatch struct {
	// devices are those of the pool that satisfy all selectors, by their indexes there.
	devices placement.DeviceSet
	// err is the first evaluation error; such a device does not match. The in-tree
	// code gives up on the whole pod instead.
	err error
}

// matchesOf is where is remembered what selectors find among the pool's devices: once for all
// pools of its make, unless they read which of them it is.
func (p *Pool) matchesOf(expressions *expressionCache, selectors []string) *matchCache {
	if expressions.readIdentity(selectors) {
		return &p.matches
	}
	return &p.kind.matches
}

// selectorKey joins expressions by a character that CEL does not allow.
func selectorKey(selectors []string) string { return strings.Join(selectors, "\x00") }

// matchSelectors finds the devices of the pool, understood or not, that satisfy all
// selectors.
func (p *Pool) matchSelectors(ctx context.Context, expressions *expressionCache, selectors []string) selectorMatch {
	cache := p.matchesOf(expressions, selectors)
	key := selectorKey(selectors)
	cache.mutex.Lock()
	defer cache.mutex.Unlock()
	if found, cached := cache.entries[key]; cached {
		return found
	}
	result := selectorMatch{devices: placement.NewDeviceSet(len(p.Devices))}
	for i := range p.Devices {
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
		cache.entries = make(map[string]selectorMatch)
	}
	cache.entries[key] = result
	return result
}

// matchesAny reports whether some device of the pool satisfies all selectors. It looks no
// further than the first.
func (p *Pool) matchesAny(ctx context.Context, expressions *expressionCache, selectors []string) bool {
	cache := p.matchesOf(expressions, selectors)
	key := selectorKey(selectors)
	cache.mutex.Lock()
	defer cache.mutex.Unlock()
	if found, cached := cache.entries[key]; cached {
		return !found.devices.Empty()
	}
	if first, cached := cache.first[key]; cached {
		return first >= 0
	}
	first := -1
	for i := range p.Devices {
		if matches, _ := p.matchesAll(ctx, expressions, selectors, i); matches {
			first = i
			break
		}
	}
	if first < 0 && ctx.Err() != nil {
		return false
	}
	if len(cache.first) >= matchCacheSize {
		clear(cache.first)
	}
	if cache.first == nil {
		cache.first = make(map[string]int)
	}
	cache.first[key] = first
	return first >= 0
}

// matchesAll evaluates selectors on device i and stops at the first that does not hold.
func (p *Pool) matchesAll(ctx context.Context, expressions *expressionCache, selectors []string, i int) (bool, error) {
	d := &p.Devices[i]
	input := dracel.Device{
		Driver: p.Driver, AllowMultipleAllocations: d.AllowMultipleAllocations, Attributes: d.Attributes, Capacity: d.Capacity,
	}
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
