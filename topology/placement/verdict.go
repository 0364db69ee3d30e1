package placement

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// Outcome is what became of a request.
type Outcome uint8

// The outcomes.
const (
	Fits Outcome = iota
	// Refused: no choice on this node serves all parts.
	Refused
	// Undecided: the search was cut short before it found a choice or proved that
	// there is none. Only requests of several entangled parts come to this.
	Undecided
)

func (o Outcome) String() string { return [...]string{"fits", "refused", "undecided"}[o] }

// DeviceAllocation gives one device to one part.
type DeviceAllocation struct {
	Part, Device int
	// Size is the size of a share.
	ShareSize
}

// Verdict is the answer to a request on one node.
type Verdict struct {
	Outcome Outcome
	// Devices holds one entry per device, in the order of the parts, if it fits.
	Devices []DeviceAllocation
	Rating  Rating
	// Reasons says why not, if it does not: one entry for each part that fails on
	// its own, or one for all of them together.
	Reasons []Reason
}

// ReasonCode is the kind of a reason, stable for machines to read.
type ReasonCode string

// The codes.
const (
	NoMatch     ReasonCode = "NoMatch"     // the node has nothing of the kind asked for
	GPUsBusy    ReasonCode = "GPUsBusy"    // too few matching GPUs are free
	SlicesTaken ReasonCode = "SlicesTaken" // no matching MIG placement is open
	MemoryShort ReasonCode = "MemoryShort" // no matching GPU has that much memory, or compute, left to share
	Unlike      ReasonCode = "Unlike"      // what is free does not satisfy a constraint between devices
	Unsupplied  ReasonCode = "Unsupplied"  // what is free does not have the values that supplies have
	Together    ReasonCode = "Together"    // each part fits alone, all of them do not
	Unresolved  ReasonCode = "Unresolved"  // the search was cut short
)

// Reason says why a part, or all parts together, cannot be served.
type Reason struct {
	Code ReasonCode
	// Part is an index into Request.Parts; -1 for all together.
	Part int
	// Want and Have are numbers of devices, or bytes with MemoryShort. Total is what Have
	// would be if nobody held anything, with GPUsBusy and MemoryShort.
	Want, Have, Total int64
	// Constraint is an index into Request.Constraints with Unlike: Want devices must agree,
	// or differ, and Have is the most that are free and do. -1 if no constraint is in the
	// way by itself.
	Constraint int
}

// String is the reason for people. It leaves out what differs from node to node,
// so that equal reasons of many nodes can be counted.
func (r Reason) String() string {
	switch r.Code {
	case NoMatch:
		return "no matching GPU"
	case GPUsBusy:
		return fmt.Sprintf("fewer than %d matching GPUs free", r.Want)
	case SlicesTaken:
		return "no matching MIG placement open"
	case MemoryShort:
		return fmt.Sprintf("no GPU with %s left to share", topology.Bytes(r.Want))
	case Unlike:
		return "free GPUs do not satisfy the constraints between them"
	case Unsupplied:
		return "no free GPUs have an attribute in common with free devices of other drivers as asked for"
	case Together:
		return "each request fits alone, not all together"
	}
	return "too many combinations to decide"
}
