package dra

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// ReleasingNodes are the nodes of which some claim still holds devices although every pod
// that used it has ended. Kubernetes deletes a pod first and takes its claim back some
// moments later: in between the node looks full and has nobody left to end.
func (s *Source) ReleasingNodes() []string {
	claims, err := s.manager.ResourceClaims().List()
	if err != nil {
		return nil
	}
	var nodes []string
	for _, claim := range claims {
		if node := s.nodeOf(claim); node != "" && !slices.Contains(nodes, node) && !hasLiveUser(claim, s.findPod) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// HeldByOthers reports whether some claim has devices of a node and none of its users, as namespace/name, is
// among some.
func (s *Source) HeldByOthers(some sets.Set[string]) bool {
	claims, err := s.manager.ResourceClaims().List()
	return err == nil && slices.ContainsFunc(claims, func(claim *resourceapi.ResourceClaim) bool {
		isAmong := func(user resourceapi.ResourceClaimConsumerReference) bool {
			return some.Has(claim.Namespace + "/" + user.Name)
		}
		return s.nodeOf(claim) != "" && !slices.ContainsFunc(claim.Status.ReservedFor, isAmong)
	})
}

// nodeOf is the node whose devices a claim is allocated, "" for none.
func (s *Source) nodeOf(claim *resourceapi.ResourceClaim) string {
	if claim.Status.Allocation == nil {
		return ""
	}
	for i := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[i]
		if pool := s.pools.byKey[resourceslices.PoolKey{Driver: result.Driver, Pool: result.Pool}]; pool != nil && pool.Node != "" {
			return pool.Node
		}
	}
	return ""
}

// hasLiveUser reports whether a pod that the claim is reserved for still runs. A claim
// that is reserved for anything but pods counts as used.
func hasLiveUser(claim *resourceapi.ResourceClaim, findPod func(namespace, name string) *v1.Pod) bool {
	for _, user := range claim.Status.ReservedFor {
		if user.APIGroup != "" || user.Resource != "pods" {
			return true
		}
		pod := findPod(claim.Namespace, user.Name)
		if pod != nil && pod.UID == user.UID && pod.DeletionTimestamp == nil && !hasEnded(pod) {
			return true
		}
	}
	return false
}

func hasEnded(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

// AllocationsOnTheWay reports whether some claim has been given devices that its status
// does not show yet: a pod is being bound, or waits for others of its group.
func (s *Source) AllocationsOnTheWay() bool {
	claims, err := s.manager.ResourceClaims().List()
	return err == nil && slices.ContainsFunc(claims, func(claim *resourceapi.ResourceClaim) bool {
		return s.manager.ResourceClaims().GetPendingAllocation(claim.UID) != nil
	})
}
