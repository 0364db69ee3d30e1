package dryrun

import (
	"errors"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/resource"
	resourcevalidation "k8s.io/kubernetes/pkg/apis/resource/validation"
)

// scheduledField matches the fields of a pod that scheduling looks at. Others may be left open in
// manifests that people only ask about, such as an image.
var scheduledField = regexp.MustCompile(`^spec\.(affinity|topologySpreadConstraints|tolerations|nodeSelector|overhead|resources|` +
	`resourceClaims|schedulingGates|(initContainers|containers)\[\d+\]\.resources)`)

// validatePod refuses what the API server refuses of a new pod, by its own code.
func validatePod(pod *corev1.Pod) error {
	internal := &api.Pod{}
	if err := objectScheme.Convert(pod, internal, nil); err != nil {
		return err
	}
	options := podutil.GetValidationOptionsFromPodSpecAndMeta(&internal.Spec, nil, &internal.ObjectMeta, nil)
	return faultsIn(scheduledField, validation.ValidatePodCreate(internal, options))
}

// countedField matches the numbers in a claim's requests. What else is wrong with a claim, the
// scheduler says of the pod.
var countedField = regexp.MustCompile(`^spec\.devices\.requests\[\d+\]\.(exactly|firstAvailable\[\d+\])\.(count|capacity)`)

// validateClaim refuses what the API server refuses of the numbers in a new claim.
func validateClaim(claim *resourceapi.ResourceClaim) error {
	internal := &resource.ResourceClaim{}
	if err := objectScheme.Convert(claim, internal, nil); err != nil {
		return err
	}
	return faultsIn(countedField, resourcevalidation.ValidateResourceClaim(internal))
}

// validateApplied validates a claim of a manifest, or those that a template makes.
func validateApplied(object any) error {
	switch object := object.(type) {
	case *resourceapi.ResourceClaim:
		return validateClaim(object)
	case *resourceapi.ResourceClaimTemplate:
		if err := validateClaim(&resourceapi.ResourceClaim{Spec: object.Spec.Spec}); err != nil {
			return errors.New(strings.ReplaceAll(err.Error(), "spec.devices.", "spec.spec.devices."))
		}
	}
	return nil
}

func faultsIn(fields *regexp.Regexp, faults field.ErrorList) error {
	var found []string
	for _, fault := range faults {
		if fields.MatchString(fault.Field) {
			found = append(found, fault.Error())
		}
	}
	if len(found) == 0 {
		return nil
	}
	return errors.New(strings.Join(found, "; "))
}
