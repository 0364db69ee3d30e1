package doubleallocation

import (
	"fmt"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// usage is what is in use of a pool.
type usage struct {
	pool    *pool
	devices map[string]*deviceUsage
	drawn   map[counterID]*resource.Quantity
	// drawers are who draws on a set of counters, in the order of addition.
	drawers map[string][]drawer
}

// drawer draws on counters through a device.
type drawer struct {
	holder *holder
	device string
}

// deviceUsage is what is in use of one device.
type deviceUsage struct {
	holders  []*holder
	alone    bool // held by one that shares it with nobody
	consumed map[resourceapi.QualifiedName]*resource.Quantity
}

func newUsage(p *pool) *usage {
	return &usage{
		pool: p, devices: map[string]*deviceUsage{}, drawn: map[counterID]*resource.Quantity{}, drawers: map[string][]drawer{},
	}
}

// clash is a grant that does not fit beside others of a pool.
type clash struct {
	device string
	// rivals are the other holders of what is short.
	rivals []*holder
	// short says what there is too little of; empty if the device itself is held.
	short string
}

// addGrant adds a grant and says what it clashes with; nil if it fits.
func (u *usage) addGrant(h *holder, g *grant) *clash {
	used := u.devices[g.device]
	first := used == nil
	if first {
		used = &deviceUsage{consumed: map[resourceapi.QualifiedName]*resource.Quantity{}}
		u.devices[g.device] = used
	}
	var found *clash
	if !first && (used.alone || !g.shared) {
		found = &clash{device: g.device, rivals: used.holders}
	}
	used.alone = used.alone || !g.shared
	if short := u.addConsumed(used, g); short != "" && found == nil {
		found = &clash{device: g.device, rivals: used.holders, short: short}
	}
	if short := u.addCounters(h, g, first); found == nil {
		found = short
	}
	used.holders = append(used.holders[:len(used.holders):len(used.holders)], h)
	return found
}

// addConsumed adds what a grant consumes of its device's capacity, and says what is overdrawn.
func (u *usage) addConsumed(used *deviceUsage, g *grant) string {
	if !g.shared {
		return ""
	}
	device := u.pool.devices[g.device]
	short := ""
	for name, amount := range g.consumed {
		sum := used.consumed[name]
		if sum == nil {
			sum = &resource.Quantity{}
			used.consumed[name] = sum
		}
		sum.Add(amount)
		if device == nil {
			continue
		}
		if capacity, known := device.Capacity[name]; known && sum.Cmp(capacity.Value) > 0 {
			short = fmt.Sprintf("%s %s of %s", sum.String(), name, capacity.Value.String())
		}
	}
	return short
}

// addCounters adds what a device draws on the counters of its pool, and says what is overdrawn. A device
// draws once, however many share it; all of them clash with who else draws too much.
func (u *usage) addCounters(h *holder, g *grant, first bool) *clash {
	device := u.pool.devices[g.device]
	if device == nil {
		return nil
	}
	var found *clash
	for i := range device.ConsumesCounters {
		draw := &device.ConsumesCounters[i]
		for name, counter := range draw.Counters {
			id := counterID{draw.CounterSet, name}
			sum := u.drawn[id]
			if sum == nil {
				sum = &resource.Quantity{}
				u.drawn[id] = sum
			}
			if first {
				sum.Add(counter.Value)
			}
			if total, known := u.pool.counters[id]; known && sum.Cmp(total) > 0 && found == nil {
				found = &clash{
					device: g.device, rivals: u.rivalsFor(draw.CounterSet, g.device),
					short: fmt.Sprintf("%s of counter %s of %s where there is %s", sum.String(), name, draw.CounterSet, total.String()),
				}
			}
		}
		u.drawers[draw.CounterSet] = append(u.drawers[draw.CounterSet], drawer{h, g.device})
	}
	return found
}

// rivalsFor are who draws on a set of counters through other devices.
func (u *usage) rivalsFor(set, device string) []*holder {
	var rivals []*holder
	for _, d := range u.drawers[set] {
		if d.device != device {
			rivals = append(rivals, d.holder)
		}
	}
	return rivals
}
