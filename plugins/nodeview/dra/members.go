package dra

import (
	"fmt"
	"hash/maphash"

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

// ReadPods reads what several pods ask for that are placed together. A claim that is still to
// be made of a template is read from one that another of the pods has of the same. Where that
// cannot be, the pod's request is nil. An error is about one of the pods.
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
		claims, known := s.claimsToCome(pod, templates)
		if !known {
			requests = append(requests, nil)
			continue
		}
		request, err := newPodRequest(pod, claims, s.manager)
		if err != nil {
			return nil, fmt.Errorf("pod %s: %w", pod.Name, err)
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// claimsToCome is claimsToAllocate with the claims that are still to be made; false if it is not known
// what one of them will ask for.
func (s *Source) claimsToCome(
	pod *v1.Pod, templates map[types.NamespacedName]*resourceapi.ResourceClaimSpec,
) (claims []*resourceapi.ResourceClaim, known bool) {
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
		if ref.ResourceClaimTemplateName == nil {
			return nil, false
		}
		spec := templates[types.NamespacedName{Namespace: pod.Namespace, Name: *ref.ResourceClaimTemplateName}]
		if spec == nil {
			return nil, false
		}
		claims = append(claims, &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace}, Spec: *spec})
	}
	return claims, true
}

var askedSeed = maphash.MakeSeed()

// AskedVersion is another number, as good as always, once something has changed of what the pods ask
// for: the pods themselves, their claims, a device class. Which of the claims are allocated is not part
// of it.
func (s *Source) AskedVersion(pods []*v1.Pod) uint64 {
	var asked maphash.Hash
	asked.SetSeed(askedSeed)
	for _, pod := range pods {
		fmt.Fprintln(&asked, pod.UID, pod.Generation, pod.Annotations) // maps are printed in order
		for i := range pod.Spec.ResourceClaims {
			name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
			if err != nil || name == nil {
				continue
			}
			if claim, err := s.manager.ResourceClaims().Get(pod.Namespace, *name); err == nil {
				fmt.Fprintln(&asked, *name, claim.UID)
			}
		}
	}
	classes, err := s.manager.DeviceClasses().List()
	if err != nil {
		return asked.Sum64()
	}
	// They come in any order.
	sum := asked.Sum64()
	for _, class := range classes {
		sum += maphash.String(askedSeed, string(class.UID)+"/"+class.ResourceVersion)
	}
	return sum
}

// SpellOut spells out what the pod asks for, "" if it cannot be compared with what others do.
func (r *PodRequest) SpellOut() string { return r.spell() }
