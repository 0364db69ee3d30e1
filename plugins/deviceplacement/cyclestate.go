package deviceplacement

import (
	"maps"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

const (
	cycleKey   fwk.StateKey = Name
	changesKey fwk.StateKey = Name + "/changes"
)

// podCycle is what is known about the pod that is being scheduled, for the later steps of
// its cycle.
type podCycle struct {
	*dra.Cycle // does not change
	// scores holds the score of each feasible node; filled in PreScore.
	scores map[string]int64
	// devices of inventory are what the pod gets, got says so for people; filled in Reserve.
	inventory *placement.Inventory
	devices   []placement.DeviceAllocation
	got       string
}

// Clone implements fwk.StateData: what later steps change is copied.
func (c *podCycle) Clone() fwk.StateData {
	copied := *c
	copied.scores = maps.Clone(c.scores)
	return &copied
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
