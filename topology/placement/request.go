package placement

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// Request is what one pod asks of one node. Its parts are solved together: all
// of them get what they ask for, or none does.
type Request struct {
	Parts []Part
	// Constraints restrict what parts get together.
	Constraints []Constraint
	// Supplies[i][v] is how many things of kind i there are, beside the node's devices, whose
	// property has the value v: network adapters at one PCIe root. A value beyond the end has
	// none.
	Supplies [][]int64
}

// Part asks for Count different devices of those in Accepts.
type Part struct {
	Name  string
	Count int
	// Bytes is the memory that each share takes, 0 for all of the GPU's. It does
	// not restrict other forms: leave devices that are too small out of Accepts.
	Bytes topology.Bytes
	// Compute is the part of the GPU's compute that each share takes, 0 to leave it
	// open.
	Compute topology.MilliGPU
	// Accepts holds the devices that the part may take.
	Accepts DeviceSet
	// Asked holds what the part asks for, with the devices that Accepts leaves out because
	// they are too small for what is to run there; nil for just Accepts. Usable holds the
	// devices that would do if the part asked for them; nil for all. Both are read for
	// suggestions alone.
	Asked, Usable DeviceSet
	// Needs is what the part's GPUs must have; the zero value asks for nothing, and
	// nearness is then merely preferred.
	Needs TopologyRequirements
}

// shareSize is the size of each of the part's shares.
func (p *Part) shareSize() ShareSize { return ShareSize{Bytes: p.Bytes, Compute: p.Compute} }

// askedDevices is what the part asks for, too small or not.
func (p *Part) askedDevices() DeviceSet {
	if p.Asked != nil {
		return p.Asked
	}
	return p.Accepts
}

// canUse reports whether device i would do if the part asked for it.
func (p *Part) canUse(i int) bool { return p.Usable == nil || p.Usable.Has(i) }

// TopologyRequirements are requirements on the GPUs of one part as a set.
type TopologyRequirements struct {
	// GBps is the least bandwidth of the best ring through the GPUs, per direction.
	// MIG instances and shares have no links: they never satisfy it.
	GBps int64
	// NUMANodes is the most NUMA nodes that the GPUs may be on, 0 for any number. A
	// GPU whose NUMA node is unknown does not count.
	NUMANodes int64
	// NIC is how near each GPU must be to a NIC, SYS for any distance.
	NIC topology.LinkKind
}

// metBy reports whether whole GPUs have what the part needs.
func (n *TopologyRequirements) metBy(v *View, gpus GPUSet) bool {
	return (n.GBps == 0 || gpus.Len() == 1 || v.ring[gpus] >= n.GBps) &&
		(n.NUMANodes == 0 || v.NUMANodes(gpus) <= n.NUMANodes) &&
		v.NearestNIC(gpus) >= n.NIC
}

// Constraint says that a property of what some parts get must be the same for all of
// them, or different for each.
type Constraint struct {
	// Name says for people what must be equal or different.
	Name string
	// Parts are indexes into Request.Parts.
	Parts []int
	// Values[i] is the property of device i; NoValue for a device without it, which
	// cannot be taken by these parts.
	Values []int64
	// Distinct asks for different values instead of equal ones.
	Distinct bool
	// Draws are what else must have the value that the parts agree on. Distinct knows none.
	Draws []SupplyDraw
}

// SupplyDraw is what a constraint takes of a supply: Count things that have the value.
type SupplyDraw struct {
	Supply int // an index into Request.Supplies
	Count  int64
}

// drawsOn is how much the constraint takes of a supply.
func (c *Constraint) drawsOn(supply int) int64 {
	sum := int64(0)
	for _, draw := range c.Draws {
		if draw.Supply == supply {
			sum += draw.Count
		}
	}
	return sum
}

// withoutDraws is the request as if supplies never ran out; nil if it draws on none.
func (r *Request) withoutDraws() *Request {
	if len(r.Supplies) == 0 {
		return nil
	}
	free := &Request{Parts: r.Parts, Constraints: slices.Clone(r.Constraints)}
	for i := range free.Constraints {
		free.Constraints[i].Draws = nil
	}
	return free
}

// ExcludeValues makes values that were chosen and then turned out not to serve unusable, those
// of constraints with draws. It reports whether there were any: if not, placing the request
// again gives the same answer.
func (r *Request) ExcludeValues(chosen []DeviceAllocation) bool {
	excluded := false
	for c := range r.Constraints {
		constraint := &r.Constraints[c]
		if len(constraint.Draws) == 0 {
			continue
		}
		for _, device := range chosen {
			value := constraint.Values[device.Device]
			if value == NoValue || !slices.Contains(constraint.Parts, device.Part) {
				continue
			}
			constraint.Values = slices.Clone(constraint.Values)
			for i := range constraint.Values {
				if constraint.Values[i] == value {
					constraint.Values[i], excluded = NoValue, true
				}
			}
		}
	}
	return excluded
}

// NoValue marks a device that lacks the property of a Constraint.
const NoValue int64 = -1

// ShiftedBy is the constraint in a request that has so many parts and supplies before it.
func (c Constraint) ShiftedBy(parts, supplies int) Constraint {
	c.Parts = slices.Clone(c.Parts)
	for i := range c.Parts {
		c.Parts[i] += parts
	}
	c.Draws = slices.Clone(c.Draws)
	for i := range c.Draws {
		c.Draws[i].Supply += supplies
	}
	return c
}
