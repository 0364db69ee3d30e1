package dra

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	dracel "k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Source reads nodes and pods through DRA.
type Source struct {
	manager     fwk.SharedDRAManager
	expressions *expressionCache
	instances   *instancePool
	pools       poolIndex
	ledger      *claimLedger
	changes     *claimChanges // nil where they cannot be followed
	sliceEvents *sliceEvents
	snapshot    *NodeSnapshot
	notedAt     int64 // the generation of the pools that NewIdentityNotes has last looked at
	// findPod looks a pod up in the scheduler's cache, nil if it is not there.
	findPod func(namespace, name string) *v1.Pod
}

// NewSource builds a source on a scheduler's handle, and the in-tree plugin that it
// steers. pools is what reads pools, and may be shared with others; nil for one of its own. It is an error
// if a feature gate is off that it cannot do without.
func NewSource(
	ctx context.Context, h fwk.Handle, pools *resourceslices.PoolCache,
) (*Source, *dynamicresources.DynamicResources, error) {
	features, err := schedulerFeatures()
	if err != nil {
		return nil, nil, err
	}
	changes, err := followClaims(ctx, h)
	if err != nil {
		return nil, nil, fmt.Errorf("following ResourceClaims: %w", err)
	}
	inTree, err := newInTree(ctx, trackHandle(h, changes), features)
	if err != nil {
		return nil, nil, err
	}
	instances, err := newInstancePool(ctx, h, features)
	if err != nil {
		return nil, nil, err
	}
	podLister := h.SharedInformerFactory().Core().V1().Pods().Lister()
	events, err := followSlices(h, changes != nil, utilfeature.DefaultFeatureGate.Enabled(kubefeatures.DRADeviceTaintRules))
	if err != nil {
		return nil, nil, fmt.Errorf("following ResourceSlices: %w", err)
	}
	s := &Source{
		changes: changes, sliceEvents: events,
		findPod: func(namespace, name string) *v1.Pod {
			pod, err := podLister.Pods(namespace).Get(name)
			if err != nil {
				return nil
			}
			return pod
		},
		manager:     h.SharedDRAManager(),
		expressions: newExpressionCache(dracel.Features{EnableConsumableCapacity: features.EnableDRAConsumableCapacity}),
		instances:   instances,
		pools:       poolIndex{cache: pools},
	}
	var listener *claimListener
	if changes != nil {
		listener = changes.newListener()
	}
	s.ledger = newClaimLedger(listener, s.manager.ResourceClaims(), &s.pools)
	return s, inTree, nil
}

// NoteClaimEvent takes a claim of which the scheduler's own cache has heard something: before
// and after, nil for one that is new or gone.
func (s *Source) NoteClaimEvent(before, after any) {
	if s.changes == nil {
		return
	}
	if after != nil {
		s.changes.noteObject(after)
	} else if before != nil {
		s.changes.noteDeleted(before)
	}
}

// IsLanding reports whether devices were given back of which it is not known yet whether the API server
// has them allocated. Until it is, nobody gets them.
func (s *Source) IsLanding() bool { return s.changes != nil && s.changes.flights.isLanding() }

// FollowLandings has a function called after that is known of some devices.
func (s *Source) FollowLandings(landed func()) {
	if s.changes != nil {
		s.changes.flights.followLandings(landed)
	}
}

// Refresh takes the slices that are published now.
func (s *Source) Refresh() error {
	if s.sliceEvents.settled() {
		return nil
	}
	published, err := s.manager.ResourceSlices().ListWithDeviceTaintRules()
	if err != nil {
		return err
	}
	s.pools.updatePools(published)
	return nil
}

// Generation changes whenever the published pools do.
func (s *Source) Generation() int64 { return s.pools.generation }

// NodeNames are the nodes that have pools, sorted.
func (s *Source) NodeNames() []string {
	names := make([]string, 0, len(s.pools.byNode))
	for name := range s.pools.byNode {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// NodesWithGPUs are the nodes that have GPUs that are understood, in no order.
func (s *Source) NodesWithGPUs() []string {
	var names []string
	for name := range s.pools.byNode {
		if s.pools.gpuPool(name) != nil {
			names = append(names, name)
		}
	}
	return names
}

// PublishesNothing reports whether no device is published at all.
func (s *Source) PublishesNothing() bool {
	return len(s.pools.byKey) == 0
}

// HasUnmanagedPools reports whether pools are published that reach the in-tree code as
// they are.
func (s *Source) HasUnmanagedPools() bool { return s.pools.unmanagedPools > 0 }

// Inventory is what GPUs a node hands out, nil if it has none that are understood.
func (s *Source) Inventory(node string) *placement.Inventory {
	if p := s.pools.gpuPool(node); p != nil {
		return p.gpus.inventory
	}
	return nil
}

// DevicesOn are the GPUs of a node that claims are allocated, one part for each request.
func (s *Source) DevicesOn(node string, claims []*resourceapi.ResourceClaim) []placement.DeviceAllocation {
	if p := s.pools.gpuPool(node); p != nil {
		return p.devicesOf(claims)
	}
	return nil
}

// ReadPod reads what a pod asks for. An error is about the pod: a class that is not
// there, an amount that cannot be, an annotation that cannot be read.
func (s *Source) ReadPod(pod *v1.Pod) (*PodRequest, error) {
	claims, err := s.claimsToAllocate(pod)
	if err != nil {
		return nil, err
	}
	return newPodRequest(pod, claims, s.manager)
}

// claimsToAllocate returns the pod's claims that have no allocation yet.
func (s *Source) claimsToAllocate(pod *v1.Pod) ([]*resourceapi.ResourceClaim, error) {
	var claims []*resourceapi.ResourceClaim
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return nil, err
		}
		if name == nil {
			continue // none was generated for this one
		}
		claim, err := s.manager.ResourceClaims().Get(pod.Namespace, *name)
		if err != nil {
			return nil, err
		}
		if claim.Status.Allocation == nil && s.manager.ResourceClaims().GetPendingAllocation(claim.UID) == nil {
			claims = append(claims, claim)
		}
	}
	return claims, nil
}

// AskReserve asks the in-tree plugin which claims its Reserve would allocate, and how,
// for a pod whose Filter has passed on the node.
func (s *Source) AskReserve(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string,
) ([]*resourceapi.ResourceClaim, *fwk.Status) {
	instance, err := s.instances.borrowInstance()
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	defer s.instances.returnInstance(instance)
	status := instance.plugin.Reserve(ctx, withoutPodGroup{state}, pod, node)
	return instance.reserved, status
}

// ForgetAsked makes the in-tree plugin forget what it was asked by AskReserve about a pod
// that needs nothing of it on the node where it goes: its device plugin has what is an
// extended resource elsewhere. The in-tree Reserve leaves such a pod as it is, so that its
// PreBind would allocate what was last asked about, on another node.
func (s *Source) ForgetAsked(ctx context.Context, state fwk.CycleState, pod *v1.Pod) *fwk.Status {
	instance, err := s.instances.borrowInstance()
	if err != nil {
		return fwk.AsStatus(err)
	}
	defer s.instances.returnInstance(instance)
	instance.allocated = func() (*structured.AllocatedState, error) {
		return &structured.AllocatedState{
			AllocatedDevices:   sets.New[structured.DeviceID](),
			AggregatedCapacity: structured.NewConsumedCapacityCollection(),
		}, nil
	}
	instance.listSlices = func() ([]*resourceapi.ResourceSlice, error) { return nil, nil }
	_, status := instance.plugin.PreFilter(ctx, state, pod, nil)
	return status
}

// HasClaims reports whether the scheduler's cache has all claims that there were at first.
func (s *Source) HasClaims() bool { return s.changes == nil || s.changes.synced() }

// FindClaim is a claim as the scheduler's cache has it.
func (s *Source) FindClaim(namespace, name string) (*resourceapi.ResourceClaim, error) {
	return s.manager.ResourceClaims().Get(namespace, name)
}

// HoldersByUID are the users of allocated claims, as namespace/name, by the claim's UID.
func (s *Source) HoldersByUID() (map[placement.HolderID][]string, error) {
	claims, err := s.manager.ResourceClaims().List()
	if err != nil {
		return nil, err
	}
	holders := map[placement.HolderID][]string{}
	for _, claim := range claims {
		if claim.Status.Allocation == nil {
			continue
		}
		for _, user := range claim.Status.ReservedFor {
			id := placement.HolderID(claim.UID)
			holders[id] = append(holders[id], claim.Namespace+"/"+user.Name)
		}
	}
	return holders, nil
}

// PreFilter runs the in-tree PreFilter on placeholders and reads the pod. The cycle is
// nil if there is nothing to allocate, or not now. narrow is called with it before the
// in-tree code is shown anything, and returns the only nodes that will be asked about, nil
// for all.
func (s *Source) PreFilter(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo, narrow func(*Cycle) []string,
) (*Cycle, *fwk.PreFilterResult, *fwk.Status) {
	instance, err := s.instances.borrowInstance()
	if err != nil {
		return nil, nil, fwk.AsStatus(err)
	}
	defer s.instances.returnInstance(instance)
	instance.allocated = func() (*structured.AllocatedState, error) {
		if err := s.Refresh(); err != nil {
			return nil, err
		}
		if err := s.ledger.refresh(); err != nil {
			return nil, err
		}
		return s.ledger.state, nil
	}
	var cycle *Cycle
	var unread *fwk.Status
	instance.listSlices = func() ([]*resourceapi.ResourceSlice, error) {
		var only []string
		if cycle, unread = s.readCycle(pod, nodes); cycle != nil {
			only = narrow(cycle)
		}
		return s.pools.hidePools(only), nil
	}
	result, status := instance.plugin.PreFilter(ctx, state, pod, nodes)
	if status.IsSuccess() && unread != nil {
		return nil, nil, unread
	}
	if !status.IsSuccess() {
		cycle = nil
	}
	return cycle, result, status
}

// readCycle begins a cycle for a pod; the status says what of the pod cannot be read.
func (s *Source) readCycle(pod *v1.Pod, nodes []fwk.NodeInfo) (*Cycle, *fwk.Status) {
	claims, err := s.claimsToAllocate(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if err := s.checkSelectors(claims, s.manager.DeviceClasses()); err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	request, err := newPodRequest(pod, claims, s.manager)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	if err := s.checkClasses(request); err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	return &Cycle{
		source: s, request: request, state: s.ledger.state, allocated: s.ledger.allocated,
		claims: &claimIndex{}, nodes: &nodeIndex{nodes: nodes},
	}, nil
}

// ClassFor reports whether a device class stands behind an extended resource.
func (s *Source) ClassFor(name v1.ResourceName) bool {
	return s.manager.DeviceClassResolver().GetDeviceClass(name) != nil
}

// PublishedObjects are the ResourceSlices and DeviceClasses of the cluster, as far as they
// can be read.
func (s *Source) PublishedObjects() ([]*resourceapi.ResourceSlice, []*resourceapi.DeviceClass) {
	published, err := s.manager.ResourceSlices().ListWithDeviceTaintRules()
	if err != nil {
		published = nil
	}
	classes, err := s.manager.DeviceClasses().List()
	if err != nil {
		classes = nil
	}
	return published, classes
}

// ExtendedResourceNames are the extended resources that device classes stand behind,
// sorted.
func (s *Source) ExtendedResourceNames() []v1.ResourceName {
	classes, err := s.manager.DeviceClasses().List()
	if err != nil {
		return nil
	}
	var names []v1.ResourceName
	for _, class := range classes {
		if class.Spec.ExtendedResourceName != nil {
			names = append(names, v1.ResourceName(*class.Spec.ExtendedResourceName))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ClassNames are the device classes, sorted.
func (s *Source) ClassNames() []string {
	classes, err := s.manager.DeviceClasses().List()
	if err != nil {
		return nil
	}
	var names []string
	for _, class := range classes {
		names = append(names, class.Name)
	}
	slices.Sort(names)
	return names
}

// ProfileNames are the MIG profiles that some node publishes, sorted.
func (s *Source) ProfileNames() []string {
	found := map[string]bool{}
	for name := range s.pools.byNode {
		pool := s.pools.gpuPool(name)
		if pool == nil {
			continue
		}
		for i := range pool.gpus.published {
			if profile := resourceslices.ProfileName(pool.Driver, pool.publishedDevice(i).Device); profile != "" {
				found[profile] = true
			}
		}
	}
	return sortedNames(found)
}

// NodesOfClaims are the nodes from which those of the pod's claims can be used that are
// allocated already.
func (s *Source) NodesOfClaims(pod *v1.Pod) []*nodeaffinity.NodeSelector {
	var selectors []*nodeaffinity.NodeSelector
	for _, name := range ClaimNames(pod) {
		claim, err := s.manager.ResourceClaims().Get(pod.Namespace, name)
		if err != nil || claim.Status.Allocation == nil || claim.Status.Allocation.NodeSelector == nil {
			continue
		}
		if selector, err := nodeaffinity.NewNodeSelector(claim.Status.Allocation.NodeSelector); err == nil {
			selectors = append(selectors, selector)
		}
	}
	return selectors
}

// AllocatedState is what claims hold of all devices, as the source follows them. It must not
// be changed, and not be kept beyond the cycle.
func (s *Source) AllocatedState() (*structured.AllocatedState, error) {
	if err := s.Refresh(); err != nil {
		return nil, err
	}
	if err := s.ledger.refresh(); err != nil {
		return nil, err
	}
	return s.ledger.state, nil
}
