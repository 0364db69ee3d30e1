package dra

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// SharedClaimError says that two pods that are read together name one claim: what they ask
// for together is less than the sum.
type SharedClaimError struct {
	Claim types.NamespacedName
}

// Error implements error.
func (e *SharedClaimError) Error() string {
	return fmt.Sprintf("several pods use ResourceClaim %s", e.Claim)
}

// UnknownClaimError says that a pod's claim is not made yet, and none of the same template is
// known.
type UnknownClaimError struct {
	Pod types.NamespacedName
}

// Error implements error.
func (e *UnknownClaimError) Error() string {
	return fmt.Sprintf("the ResourceClaims of pod %s are not made yet", e.Pod)
}

// ReadPods reads what several pods ask for that are placed together. A claim that is still to
// be made of a template is read from one that another of the pods has of the same. An error
// is about one of the pods.
func (s *Source) ReadPods(pods []*v1.Pod) ([]*PodRequest, error) {
	templates, users := map[types.NamespacedName]*resourceapi.ResourceClaimSpec{}, map[types.NamespacedName]*v1.Pod{}
	for _, pod := range pods {
		for i := range pod.Spec.ResourceClaims {
			ref := &pod.Spec.ResourceClaims[i]
			name, _, err := resourceclaim.Name(pod, ref)
			if err != nil || name == nil {
				continue
			}
			key := types.NamespacedName{Namespace: pod.Namespace, Name: *name}
			if other := users[key]; other != nil && other != pod {
				return nil, &SharedClaimError{Claim: key}
			}
			users[key] = pod
			if ref.ResourceClaimTemplateName == nil {
				continue
			}
			if claim, err := s.manager.ResourceClaims().Get(pod.Namespace, *name); err == nil {
				templates[types.NamespacedName{Namespace: pod.Namespace, Name: *ref.ResourceClaimTemplateName}] = &claim.Spec
			}
		}
	}
	requests := make([]*PodRequest, 0, len(pods))
	for _, pod := range pods {
		claims, err := s.claimsToCome(pod, templates)
		if err != nil {
			return nil, err
		}
		request, err := newPodRequest(pod, claims, s.manager)
		if err != nil {
			return nil, fmt.Errorf("pod %s: %w", pod.Name, err)
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// claimsToCome is claimsToAllocate with the claims that are still to be made.
func (s *Source) claimsToCome(
	pod *v1.Pod, templates map[types.NamespacedName]*resourceapi.ResourceClaimSpec,
) ([]*resourceapi.ResourceClaim, error) {
	var claims []*resourceapi.ResourceClaim
	for i := range pod.Spec.ResourceClaims {
		ref := &pod.Spec.ResourceClaims[i]
		name, _, err := resourceclaim.Name(pod, ref)
		if err == nil && name == nil {
			continue // none is needed
		}
		if err == nil {
			claim, missing := s.manager.ResourceClaims().Get(pod.Namespace, *name)
			if missing == nil {
				if claim.Status.Allocation == nil && s.manager.ResourceClaims().GetPendingAllocation(claim.UID) == nil {
					claims = append(claims, claim)
				}
				continue
			}
		}
		unknown := &UnknownClaimError{Pod: types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}}
		if ref.ResourceClaimTemplateName == nil {
			return nil, unknown
		}
		spec := templates[types.NamespacedName{Namespace: pod.Namespace, Name: *ref.ResourceClaimTemplateName}]
		if spec == nil {
			return nil, unknown
		}
		claims = append(claims, &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace}, Spec: *spec})
	}
	return claims, nil
}

// SpellOut spells out what the pod asks for, "" if it cannot be compared with what others do.
func (r *PodRequest) SpellOut() string { return r.spell() }
