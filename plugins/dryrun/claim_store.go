package dryrun

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
)

// draManager is the scheduler's own store of claims, devices and classes, except that
// what a cycle allocates is kept in a claimStore instead of waiting for an API call.
type draManager struct {
	*dynamicresources.DefaultDRAManager
	claims *claimStore
}

func (m *draManager) ResourceClaims() fwk.ResourceClaimTracker { return m.claims }

// extendedNames are the extended resources of device classes.
func (m *draManager) extendedNames() *extendedresourcecache.ExtendedResourceCache {
	names, _ := m.DeviceClassResolver().(*extendedresourcecache.ExtendedResourceCache)
	return names
}

func newDRAManager(ctx context.Context, factory informers.SharedInformerFactory, o *ClusterObjects) (*draManager, error) {
	stored := &claimStore{}
	for _, slice := range o.Slices {
		if err := factory.Resource().V1().ResourceSlices().Informer().GetIndexer().Add(slice); err != nil {
			return nil, fmt.Errorf("ResourceSlice %s: %w", slice.Name, err)
		}
	}
	for _, class := range o.Classes {
		if err := factory.Resource().V1().DeviceClasses().Informer().GetIndexer().Add(class); err != nil {
			return nil, fmt.Errorf("DeviceClass %s: %w", class.Name, err)
		}
	}
	slicesOf, err := tracker.StartTracker(ctx, tracker.Options{SliceInformer: factory.Resource().V1().ResourceSlices()})
	if err != nil {
		return nil, fmt.Errorf("reading ResourceSlices: %w", err)
	}
	known := assumecache.NewAssumeCache(klog.FromContext(ctx), stored, "ResourceClaim", "", nil)
	m := &draManager{DefaultDRAManager: dynamicresources.NewDRAManager(ctx, known, slicesOf, factory), claims: stored}
	stored.ResourceClaimTracker = m.DefaultDRAManager.ResourceClaims()
	if names := m.extendedNames(); names != nil {
		for _, class := range o.Classes {
			names.OnAdd(class, true)
		}
	}
	for _, claim := range o.Claims {
		stored.putClaim(claim.DeepCopy())
	}
	return m, nil
}

// claimStore stands for the informer of claims, and records what a cycle reserves.
type claimStore struct {
	fwk.ResourceClaimTracker
	handler  cache.ResourceEventHandler
	version  int64
	reserved []*resourceapi.ResourceClaim
}

// AddEventHandler implements assumecache.Informer.
func (c *claimStore) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	c.handler = handler
	return nil, nil
}

// putClaim stores a claim that nobody else holds on to.
func (c *claimStore) putClaim(claim *resourceapi.ResourceClaim) {
	c.version++
	claim.ResourceVersion = strconv.FormatInt(c.version, 10)
	c.handler.OnAdd(claim, false)
}

func (c *claimStore) removeClaim(claim *resourceapi.ResourceClaim) { c.handler.OnDelete(claim) }

// SignalClaimPendingAllocation implements fwk.ResourceClaimTracker.
func (c *claimStore) SignalClaimPendingAllocation(_ types.UID, claim *resourceapi.ResourceClaim) error {
	c.reserved = append(c.reserved, claim)
	return nil
}

// reserveClaim writes down that the pod uses a claim.
func (c *claimStore) reserveClaim(claim *resourceapi.ResourceClaim, pod *corev1.Pod) {
	used := func(user resourceapi.ResourceClaimConsumerReference) bool { return user.UID == pod.UID }
	if !slices.ContainsFunc(claim.Status.ReservedFor, used) {
		claim.Status.ReservedFor = append(claim.Status.ReservedFor,
			resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: pod.Name, UID: pod.UID})
	}
	c.putClaim(claim)
}

// releasePod takes a pod's claims back: those of its own are gone with it, others are
// free once nobody uses them.
func (c *claimStore) releasePod(pod *corev1.Pod) error {
	all, err := c.List()
	if err != nil {
		return err
	}
	for _, claim := range all {
		uses := func(user resourceapi.ResourceClaimConsumerReference) bool { return user.UID == pod.UID }
		switch {
		case ownsClaim(pod, claim):
			c.removeClaim(claim)
		case slices.ContainsFunc(claim.Status.ReservedFor, uses):
			changed := claim.DeepCopy()
			changed.Status.ReservedFor = slices.DeleteFunc(changed.Status.ReservedFor, uses)
			if len(changed.Status.ReservedFor) == 0 {
				changed.Status.Allocation = nil
			}
			c.putClaim(changed)
		}
	}
	return nil
}

// ownsClaim reports whether a claim was made for the pod alone.
func ownsClaim(pod *corev1.Pod, claim *resourceapi.ResourceClaim) bool {
	return claim.Namespace == pod.Namespace &&
		slices.ContainsFunc(claim.OwnerReferences, func(owner metav1.OwnerReference) bool { return owner.UID == pod.UID })
}
