package deviceplacement

import (
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

const (
	cycleKey   fwk.StateKey = Name
	changesKey fwk.StateKey = Name + "/changes"
	scoresKey  fwk.StateKey = Name + "/scores"
)

// podCycle is what is known about the pod that is being scheduled, for the later steps of
// its cycle.
type podCycle struct {
	*dra.Cycle // does not change
	// narrowed says that only some nodes were asked.
	narrowed bool
	// group is what is known of the pod that belongs to a group, nil for one that is placed by
	// itself, and held what plans and reservations hold for others, by node.
	group *groupAnswer
	held  map[string][]heldDevices
	// refusals are those of nodes so far.
	refusals *nodeRefusals
	// devices of inventory are what the pod gets, got says so for people; filled in Reserve.
	inventory *placement.Inventory
	devices   []placement.DeviceAllocation
	got       string
}

// Clone implements fwk.StateData: what later steps change is copied.
func (c *podCycle) Clone() fwk.StateData {
	copied := *c
	return &copied
}

// nodeScores are the scores of a pod's feasible nodes, by name. PreScore writes them once.
type nodeScores map[string]int64

// Clone implements fwk.StateData: nobody changes the scores.
func (s nodeScores) Clone() fwk.StateData { return s }

// scoresOf are nil before PreScore, and for a pod that needs no devices.
func scoresOf(state fwk.CycleState) nodeScores {
	if data, err := state.Read(scoresKey); err == nil {
		if scores, ok := data.(nodeScores); ok {
			return scores
		}
	}
	return nil
}

// cycleOf is nil for a pod that needs no devices.
func cycleOf(state fwk.CycleState) *podCycle {
	if data, err := state.Read(cycleKey); err == nil {
		if c, ok := data.(*podCycle); ok {
			return c
		}
	}
	return nil
}
