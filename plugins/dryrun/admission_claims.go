package dryrun

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// makeClaims makes the claims of a pod that come from templates, and refuses the pod if one of those
// that it names is not to be had.
func (a *podAdmission) makeClaims(pod *corev1.Pod) ([]*resourceapi.ResourceClaim, *podRefusal) {
	var claims []*resourceapi.ResourceClaim
	pod.Status.ResourceClaimStatuses = nil
	for i := range pod.Spec.ResourceClaims {
		entry := &pod.Spec.ResourceClaims[i]
		if name := entry.ResourceClaimName; name != nil {
			if refusal := a.checkClaim(pod, i, *name); refusal != nil {
				return nil, refusal
			}
		}
		if entry.ResourceClaimTemplateName == nil {
			continue
		}
		template, refusal := a.findTemplate(pod, i, *entry.ResourceClaimTemplateName)
		if refusal != nil {
			return nil, refusal
		}
		claim := a.makeClaim(pod, entry.Name, &template.Spec.Spec)
		if err := a.quotas.chargeClaim(claim); err != nil {
			return nil, &podRefusal{reason: fmt.Sprintf("spec.resourceClaims[%d]: the claim of %s cannot be made: %v", i, entry.Name, err)}
		}
		claims = append(claims, claim)
	}
	return claims, nil
}

// checkClaim refuses a pod that names a claim which is not to be had.
func (a *podAdmission) checkClaim(pod *corev1.Pod, entry int, name string) *podRefusal {
	key := types.NamespacedName{Namespace: pod.Namespace, Name: name}
	if place := a.faulty[claimObject{claimKind, pod.Namespace, name}]; place != "" {
		return &podRefusal{reason: fmt.Sprintf("its ResourceClaim %s is at fault: see %s", name, place), mistake: true}
	}
	if err := a.overQuota[key]; err != nil {
		return &podRefusal{reason: fmt.Sprintf("its ResourceClaim %s cannot be made: %v", name, err)}
	}
	if !a.claims[key] {
		return refuseMissing(claimKind, entry, key, maps.Keys(a.claims))
	}
	return nil
}

// findTemplate finds the template of one of a pod's spec.resourceClaims.
func (a *podAdmission) findTemplate(pod *corev1.Pod, entry int, name string) (*resourceapi.ResourceClaimTemplate, *podRefusal) {
	key := types.NamespacedName{Namespace: pod.Namespace, Name: name}
	if template := a.templates[key]; template != nil {
		return template, nil
	}
	if place := a.faulty[claimObject{templateKind, pod.Namespace, name}]; place != "" {
		return nil, &podRefusal{reason: fmt.Sprintf("its ResourceClaimTemplate %s is at fault: see %s", name, place), mistake: true}
	}
	return nil, refuseMissing(templateKind, entry, key, maps.Keys(a.templates))
}

// refuseMissing refuses a pod that names a claim or template which nobody has, and says which there is
// that may have been meant: one of nearly its name, or of its name in another namespace.
func refuseMissing(kind string, entry int, wanted types.NamespacedName, known iter.Seq[types.NamespacedName]) *podRefusal {
	var names, namespaces []string
	for key := range known {
		switch {
		case key.Namespace == wanted.Namespace:
			names = append(names, key.Name)
		case key.Name == wanted.Name:
			namespaces = append(namespaces, key.Namespace)
		}
	}
	slices.Sort(names)
	hint := ""
	if near := nearest.Names(wanted.Name, names); len(near) > 0 {
		hint = ", where there is " + near[0]
	} else if len(namespaces) > 0 {
		hint = "; there is one in namespace " + slices.Min(namespaces) + ", which other namespaces cannot use"
	}
	reason := fmt.Sprintf("spec.resourceClaims[%d]: there is no %s %s in namespace %s, neither in the manifests nor in the cluster%s: "+
		"add it with -f", entry, kind, wanted.Name, wanted.Namespace, hint)
	return &podRefusal{mistake: true, reason: reason}
}

// makeClaim makes the pod's own claim for one of its spec.resourceClaims.
func (a *podAdmission) makeClaim(pod *corev1.Pod, entry string, spec *resourceapi.ResourceClaimSpec) *resourceapi.ResourceClaim {
	uid := a.newUID()
	claim := &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: fmt.Sprintf("%s-%s-%s", pod.Name, entry, uid), UID: uid,
			Annotations:     map[string]string{resourceapi.PodResourceClaimAnnotation: entry},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true)}},
		},
		Spec: *spec.DeepCopy(),
	}
	objectScheme.Default(claim)
	pod.Status.ResourceClaimStatuses = append(pod.Status.ResourceClaimStatuses,
		corev1.PodResourceClaimStatus{Name: entry, ResourceClaimName: &claim.Name})
	return claim
}
