package deviceplacement

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
)

// handle and manager put our own views of claims and slices in front of an
// in-tree plugin instance; everything else is the scheduler's.
type handle struct {
	fwk.Handle
	dra       fwk.SharedDRAManager
	informers informers.SharedInformerFactory
}

func (h *handle) SharedDRAManager() fwk.SharedDRAManager { return h.dra }

func (h *handle) SharedInformerFactory() informers.SharedInformerFactory { return h.informers }

// noInformers is a factory that is never started, for instances beside the one that the
// scheduler asks: each adds an index under the profile's name to the informer of pods,
// which only queueing hints read, and a second index of that name is refused.
func noInformers(h fwk.Handle) informers.SharedInformerFactory {
	return informers.NewSharedInformerFactory(h.ClientSet(), 0)
}

type manager struct {
	fwk.SharedDRAManager
	claims fwk.ResourceClaimTracker
	slices fwk.ResourceSliceLister
}

func (m *manager) ResourceClaims() fwk.ResourceClaimTracker { return m.claims }
func (m *manager) ResourceSlices() fwk.ResourceSliceLister  { return m.slices }

// observedClaims passes everything on and shows seen the allocated state that the
// in-tree PreFilter works with.
type observedClaims struct {
	fwk.ResourceClaimTracker
	seen func(*structured.AllocatedState)
}

// GatherAllocatedState folds shares into AggregatedCapacity. The in-tree allocator
// otherwise scans the shares of the whole cluster for every device that it looks at.
// The state is the caller's own copy.
func (o *observedClaims) GatherAllocatedState() (*structured.AllocatedState, error) {
	state, err := o.ResourceClaimTracker.GatherAllocatedState()
	if err != nil || state == nil {
		return state, err
	}
	for id := range state.AllocatedSharedDeviceIDs {
		if device := id.GetDeviceID(); state.AggregatedCapacity[device] == nil {
			state.AggregatedCapacity[device] = structured.ConsumedCapacity{}
		}
	}
	state.AllocatedSharedDeviceIDs = nil
	o.seen(state)
	return state, nil
}

// recordedClaims turns the in-tree Reserve into a question: it records the claims
// as they would be allocated and stores nothing.
type recordedClaims struct {
	fwk.ResourceClaimTracker
	allocated []*resourceapi.ResourceClaim
}

func (r *recordedClaims) SignalClaimPendingAllocation(_ types.UID, claim *resourceapi.ResourceClaim) error {
	r.allocated = append(r.allocated, claim)
	return nil
}

// withoutPodGroup keeps a recorded Reserve from leaving traces in the state of
// the pod group's cycle.
type withoutPodGroup struct{ fwk.CycleState }

func (withoutPodGroup) GetPodGroupSchedulingCycle() fwk.PodGroupCycleState { return nil }
