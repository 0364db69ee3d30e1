package dra

import (
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// AllocatedClaims are the claims of a pod that have an allocation, those for extended resources
// too. What cannot be found is left out.
func (s *Source) AllocatedClaims(pod *v1.Pod) []*resourceapi.ResourceClaim {
	var names []string
	for i := range pod.Spec.ResourceClaims {
		if name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i]); err == nil && name != nil {
			names = append(names, *name)
		}
	}
	if extended := pod.Status.ExtendedResourceClaimStatus; extended != nil {
		names = append(names, extended.ResourceClaimName)
	}
	var claims []*resourceapi.ResourceClaim
	for _, name := range names {
		if claim, err := s.manager.ResourceClaims().Get(pod.Namespace, name); err == nil && claim.Status.Allocation != nil {
			claims = append(claims, claim)
		}
	}
	return claims
}
