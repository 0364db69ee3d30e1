package dra

import (
	"context"
	"errors"
	"fmt"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
)

// schedulerFeatures are the feature gates as the scheduler has them. It is an error if
// one is off that this plugin cannot do without.
func schedulerFeatures() (feature.Features, error) {
	features := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	if !features.EnableDRAConsumableCapacity || !features.EnableDRAPartitionableDevices || !features.EnableDRADeviceTaints {
		return features, errors.New(
			"the feature gates DRAConsumableCapacity, DRAPartitionableDevices and DRADeviceTaints must be on, as they are by default",
		)
	}
	return features, nil
}

// inTreeArgs are the in-tree plugin's arguments with the defaults that a
// configuration file would give them.
func inTreeArgs(features feature.Features) *config.DynamicResourcesArgs {
	args := &config.DynamicResourcesArgs{}
	if features.EnableDRASchedulerFilterTimeout {
		args.FilterTimeout = &metav1.Duration{Duration: config.DynamicResourcesFilterTimeoutDefault}
	}
	if features.EnableDRADeviceBindingConditions {
		args.BindingTimeout = &metav1.Duration{Duration: config.DynamicResourcesBindingTimeoutDefault}
	}
	return args
}

// newInTree builds the in-tree plugin on a handle.
func newInTree(ctx context.Context, h fwk.Handle, features feature.Features) (*dynamicresources.DynamicResources, error) {
	plugin, err := dynamicresources.New(ctx, inTreeArgs(features), h, features)
	if err != nil {
		return nil, fmt.Errorf("embedding %s: %w", dynamicresources.Name, err)
	}
	inTree, ok := plugin.(*dynamicresources.DynamicResources)
	if !ok {
		return nil, fmt.Errorf("embedding %s: got a %T", dynamicresources.Name, plugin)
	}
	return inTree, nil
}

// steeredHandle and steeredManager put our own views of claims and slices in front of an
// in-tree plugin instance; everything else is the scheduler's.
type steeredHandle struct {
	fwk.Handle
	manager   fwk.SharedDRAManager
	informers informers.SharedInformerFactory
}

// SharedDRAManager implements fwk.Handle.
func (h *steeredHandle) SharedDRAManager() fwk.SharedDRAManager { return h.manager }

// SharedInformerFactory implements fwk.Handle. The factory is never started: each
// instance adds an index under the profile's name to the informer of pods, which only
// queueing hints read, and a second index of that name is refused.
func (h *steeredHandle) SharedInformerFactory() informers.SharedInformerFactory { return h.informers }

type steeredManager struct {
	fwk.SharedDRAManager
	claims fwk.ResourceClaimTracker
	slices fwk.ResourceSliceLister
}

// ResourceClaims implements fwk.SharedDRAManager.
func (m *steeredManager) ResourceClaims() fwk.ResourceClaimTracker { return m.claims }

// ResourceSlices implements fwk.SharedDRAManager.
func (m *steeredManager) ResourceSlices() fwk.ResourceSliceLister { return m.slices }

// inTreeInstance is an in-tree plugin instance whose claims and slices are what its user
// says. One user has it at a time, and sets what it needs:
type inTreeInstance struct {
	fwk.ResourceClaimTracker // the scheduler's

	plugin *dynamicresources.DynamicResources
	// allocated answers GatherAllocatedState, listSlices ListWithDeviceTaintRules.
	allocated  func() (*structured.AllocatedState, error)
	listSlices func() ([]*resourceapi.ResourceSlice, error)
	// reserved is what Reserve would have stored.
	reserved []*resourceapi.ResourceClaim
}

// GatherAllocatedState implements fwk.ResourceClaimTracker.
func (i *inTreeInstance) GatherAllocatedState() (*structured.AllocatedState, error) {
	return i.allocated()
}

// ListWithDeviceTaintRules implements fwk.ResourceSliceLister.
func (i *inTreeInstance) ListWithDeviceTaintRules() ([]*resourceapi.ResourceSlice, error) {
	return i.listSlices()
}

// SignalClaimPendingAllocation implements fwk.ResourceClaimTracker. It turns the in-tree
// Reserve into a question: the claims are noted as they would be allocated, and nothing
// is stored.
func (i *inTreeInstance) SignalClaimPendingAllocation(_ types.UID, claim *resourceapi.ResourceClaim) error {
	i.reserved = append(i.reserved, claim)
	return nil
}

// instancePool keeps in-tree instances for use again: each compiles selectors anew. It
// grows to as many as are used at once.
type instancePool struct {
	build func() (*inTreeInstance, error)
	mutex sync.Mutex
	idle  []*inTreeInstance
}

// borrowInstance returns an instance that nobody uses.
func (p *instancePool) borrowInstance() (*inTreeInstance, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		instance := p.idle[last]
		p.idle = p.idle[:last]
		return instance, nil
	}
	return p.build()
}

// returnInstance takes an instance back.
func (p *instancePool) returnInstance(instance *inTreeInstance) {
	instance.allocated, instance.listSlices, instance.reserved = nil, nil, nil
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.idle = append(p.idle, instance)
}

// newInstancePool builds instances on a handle, the first one at once.
func newInstancePool(ctx context.Context, h fwk.Handle, features feature.Features) (*instancePool, error) {
	p := &instancePool{build: func() (*inTreeInstance, error) {
		instance := &inTreeInstance{ResourceClaimTracker: h.SharedDRAManager().ResourceClaims()}
		own := &steeredHandle{
			Handle:    h,
			manager:   &steeredManager{SharedDRAManager: h.SharedDRAManager(), claims: instance, slices: instance},
			informers: informers.NewSharedInformerFactory(h.ClientSet(), 0),
		}
		var err error
		instance.plugin, err = newInTree(ctx, own, features)
		return instance, err
	}}
	first, err := p.build()
	if err != nil {
		return nil, err
	}
	p.idle = append(p.idle, first)
	return p, nil
}

// foldShares folds shares into AggregatedCapacity. The in-tree allocator otherwise scans
// the shares of the whole cluster for every device that it looks at. The state is the
// caller's own copy.
func foldShares(state *structured.AllocatedState) {
	for id := range state.AllocatedSharedDeviceIDs {
		if device := id.GetDeviceID(); state.AggregatedCapacity[device] == nil {
			state.AggregatedCapacity[device] = structured.ConsumedCapacity{}
		}
	}
	state.AllocatedSharedDeviceIDs = nil
}

// withoutPodGroup keeps a Reserve that is only asked from leaving traces in the state of
// the pod group's cycle.
type withoutPodGroup struct{ fwk.CycleState }

// GetPodGroupSchedulingCycle implements fwk.CycleState.
func (withoutPodGroup) GetPodGroupSchedulingCycle() fwk.PodGroupCycleState { return nil }
