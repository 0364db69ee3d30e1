package cluster

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ProductUsage is how the GPUs of one product are used.
type ProductUsage struct {
	// FreeGPUs are those of which nobody holds anything, FreeBytes is the memory that can
	// still be had of all GPUs, and StrandedBytes what is free and out of reach: none of the
	// devices that are still free has it.
	FreeGPUs                 int64
	FreeBytes, StrandedBytes topology.Bytes
	// Held is by form of the GPUs that somebody holds.
	Held [3]FormUsage
}

// FormUsage is the GPUs that are handed out in one form.
type FormUsage struct {
	// GPUs is how many are, and Bytes what their holders have.
	GPUs  int64
	Bytes topology.Bytes
	// capacity is the memory of these GPUs.
	capacity topology.Bytes
}

// CompactableGPUs bounds how many GPUs defragmentation can free: of those that are handed out
// in slices or shares, how many fewer would do if each was full.
func (u *ProductUsage) CompactableGPUs() int64 {
	count := int64(0)
	for _, form := range []placement.Form{placement.MIG, placement.Share} {
		held := &u.Held[form]
		if held.GPUs == 0 || held.capacity <= 0 {
			continue
		}
		each := held.capacity / topology.Bytes(held.GPUs)
		needed := int64((held.Bytes + each - 1) / max(each, 1))
		count += max(0, held.GPUs-needed)
	}
	return count
}

// addUsage counts what another has, so many times.
func (u *ProductUsage) addUsage(other *ProductUsage, times int64) {
	u.FreeGPUs += other.FreeGPUs * times
	u.FreeBytes += other.FreeBytes * topology.Bytes(times)
	u.StrandedBytes += other.StrandedBytes * topology.Bytes(times)
	for i := range u.Held {
		u.Held[i].GPUs += other.Held[i].GPUs * times
		u.Held[i].Bytes += other.Held[i].Bytes * topology.Bytes(times)
		u.Held[i].capacity += other.Held[i].capacity * topology.Bytes(times)
	}
}

// MeasureUsage is how the GPUs are used, by product. A class of nodes is looked at once.
func (s *Snapshot) MeasureUsage() map[string]*ProductUsage {
	type classNodes struct {
		first int
		count int64
	}
	classes := map[int32]*classNodes{}
	var order []*classNodes
	for i := range s.nodes {
		class := s.ClassOf(i)
		if class == noClass {
			continue
		}
		if known := classes[class]; known != nil {
			known.count++
			continue
		}
		classes[class] = &classNodes{first: i, count: 1}
		order = append(order, classes[class])
	}
	total := map[string]*ProductUsage{}
	for _, class := range order {
		for product, usage := range s.nodes[class.first].measureUsage() {
			if total[product] == nil {
				total[product] = &ProductUsage{}
			}
			total[product].addUsage(usage, class.count)
		}
	}
	return total
}

// measureUsage is how the node's GPUs are used, by product.
func (n *snapshotNode) measureUsage() map[string]*ProductUsage {
	found := map[string]*ProductUsage{}
	states := n.state.GPUs()
	for i, gpu := range n.Inventory.UsageOf(states) {
		product := n.Inventory.Node.GPUs[i].Model.Product
		usage := found[product]
		if usage == nil {
			usage = &ProductUsage{}
			found[product] = usage
		}
		usage.FreeBytes += gpu.Free
		usage.StrandedBytes += gpu.Stranded
		if states[i].Free() {
			usage.FreeGPUs++
			continue
		}
		held := &usage.Held[gpu.Form]
		held.GPUs++
		held.Bytes += gpu.Allocated
		held.capacity += gpu.Total
	}
	return found
}
