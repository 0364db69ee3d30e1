package resourceslices

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
)

// PoolKey names a resource pool.
type PoolKey struct{ Driver, Pool string }

// Pool is the newest generation of a resource pool, whatever of it is published yet.
// That is enough to name the devices of an allocation. Who wants to allocate from it
// asks Allocatable first.
type Pool struct {
	PoolKey
	Generation int64
	// Node is the node that the pool's slices name, "" if they name none.
	Node string
	// Slices are in the order in which in-tree allocation tries them: by name. So are the
	// devices.
	Slices   []*resourceapi.ResourceSlice
	Devices  []resourceapi.Device
	Counters []resourceapi.CounterSet

	// otherNode is another node that a slice names, "" if there is none.
	otherNode string
}

// GroupByPool sorts slices by their pools, each pool's by name.
func GroupByPool(published []*resourceapi.ResourceSlice) map[PoolKey][]*resourceapi.ResourceSlice {
	groups := map[PoolKey][]*resourceapi.ResourceSlice{}
	for _, slice := range published {
		key := PoolKey{slice.Spec.Driver, slice.Spec.Pool.Name}
		groups[key] = append(groups[key], slice)
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b *resourceapi.ResourceSlice) int { return cmp.Compare(a.Name, b.Name) })
	}
	return groups
}

// NewestGeneration reads a pool from its slices, which are sorted by name.
func NewestGeneration(key PoolKey, published []*resourceapi.ResourceSlice) *Pool {
	p := &Pool{PoolKey: key}
	for _, slice := range published {
		p.Generation = max(p.Generation, slice.Spec.Pool.Generation)
	}
	for _, slice := range published {
		if slice.Spec.Pool.Generation != p.Generation {
			continue
		}
		p.Slices = append(p.Slices, slice)
		p.Devices = append(p.Devices, slice.Spec.Devices...)
		p.Counters = append(p.Counters, slice.Spec.SharedCounters...)
	}
	p.Node = nodeOf(p.Slices[0])
	for _, slice := range published {
		if node := nodeOf(slice); node != p.Node {
			p.otherNode = cmp.Or(node, "every node")
		}
	}
	return p
}

// nodeOf is the node that a slice names, "" if it names none.
func nodeOf(slice *resourceapi.ResourceSlice) string {
	if slice.Spec.NodeName == nil {
		return ""
	}
	return *slice.Spec.NodeName
}

// OfOneNode reports whether all slices name the same node, or all of them none.
func (p *Pool) OfOneNode() bool { return p.otherNode == "" }

// Allocatable says why no devices can be chosen from the pool: it is not local to one
// node, not completely published yet, or invalid. nil if they can. What is wrong with a
// device that is hidden would otherwise go unnoticed by the in-tree checks.
func (p *Pool) Allocatable() error {
	if err := p.checkSlices(); err != nil {
		return err
	}
	return validateDevices(p.Devices, p.Counters)
}

// checkSlices says what is wrong with the pool's slices, nil if nothing is.
func (p *Pool) checkSlices() error {
	switch {
	case p.Node == "":
		return errors.New("the pool is not local to a node")
	case p.otherNode != "":
		return fmt.Errorf("the pool is of node %s and of %s", p.Node, p.otherNode)
	}
	for _, slice := range p.Slices {
		if want := slice.Spec.Pool.ResourceSliceCount; want != int64(len(p.Slices)) {
			return fmt.Errorf("%d slices are published, slice %s says %d", len(p.Slices), slice.Name, want)
		}
	}
	return nil
}

// validateDevices checks what the in-tree code checks of a pool: that names are unique and
// that every counter that a device consumes exists.
func validateDevices(devices []resourceapi.Device, counters []resourceapi.CounterSet) error {
	sets := make(map[string]map[string]resourceapi.Counter, len(counters))
	for _, set := range counters {
		if _, twice := sets[set.Name]; twice {
			return fmt.Errorf("counter set %s is published twice", set.Name)
		}
		sets[set.Name] = set.Counters
	}
	names := make(map[string]bool, len(devices))
	for i := range devices {
		d := &devices[i]
		if names[d.Name] {
			return fmt.Errorf("device %s is published twice", d.Name)
		}
		names[d.Name] = true
		for _, consumption := range d.ConsumesCounters {
			for name := range consumption.Counters {
				if _, exists := sets[consumption.CounterSet][name]; !exists {
					return fmt.Errorf("device %s consumes counter %s of set %s, which is not published", d.Name, name, consumption.CounterSet)
				}
			}
		}
	}
	return nil
}
