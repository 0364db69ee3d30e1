package dra

import (
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// IsReleasing reports whether some claim still holds devices of a node although every
// pod that used it has ended. Kubernetes deletes a pod first and takes its claim back
// some moments later: in between the node looks full and has nobody left to end.
func (s *Source) IsReleasing(node string) bool {
	claims, err := s.manager.ResourceClaims().List()
	if err != nil {
		return false
	}
	for _, claim := range claims {
		if s.holdsDevicesOf(claim, node) && !hasLiveUser(claim, s.findPod) {
			return true
		}
	}
	return false
}

// holdsDevicesOf reports whether a claim is allocated devices of one of the node's pools.
func (s *Source) holdsDevicesOf(claim *resourceapi.ResourceClaim, node string) bool {
	if claim.Status.Allocation == nil {
		return false
	}
	for i := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[i]
		pool := s.pools.byKey[resourceslices.PoolKey{Driver: result.Driver, Pool: result.Pool}]
		if pool != nil && pool.Node == node {
			return true
		}
	}
	return false
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
