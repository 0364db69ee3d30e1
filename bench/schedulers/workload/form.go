package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Namespace is where all pods are.
	Namespace = "bench"
	// SchedulerName is what the measured scheduler is called.
	SchedulerName = "measured"
	// RunLabel is the label that has the name of a pod's run.
	RunLabel = "run"
	// TemplateName is the name of the ResourceClaimTemplate of TemplateForm.
	TemplateName = "gpu"
)

// Form is a form in which pods ask for a GPU.
type Form struct {
	// Name is what flags call it, Words what tables do.
	Name, Words string
	// request is the request of each pod's claim; nil for pods without a claim of their own.
	request func() resourceapi.DeviceRequest
	// fromTemplate leaves making the claim to the controller-manager.
	fromTemplate bool
	// Limits are what the container asks beside claims.
	Limits corev1.ResourceList
}

// The forms that every size is measured with.
var (
	// PlainForm asks for no GPU.
	PlainForm = Form{Name: "plain", Words: "without GPUs"}
	// ClaimForm is a claim of one whole GPU, chosen by its memory.
	ClaimForm = Form{Name: "claim", Words: "claim of a GPU over 40 GiB", request: wholeGPU}
)

// otherForms are measured at one size.
var otherForms = []Form{
	{Name: "template", Words: "the same by ResourceClaimTemplate", request: wholeGPU, fromTemplate: true},
	{Name: "extended", Words: "extended resource `nvidia.com/gpu: 1`", Limits: OneGPU()},
	{Name: "share", Words: "share of 10 GiB", request: sharedGPU},
	{Name: "mig", Words: "MIG slice `1g.10gb`", request: smallSlice},
	{Name: "first-available", Words: "`firstAvailable`: over 100 GiB, which no node has, or over 40 GiB", request: largerFirst},
}

// OneGPU asks for a GPU by the name of device plugins.
func OneGPU() corev1.ResourceList {
	return corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
}

// OtherForms are the forms that ParseForms knows.
func OtherForms() []Form { return slices.Clone(otherForms) }

// OtherFormNames are the names that ParseForms knows.
func OtherFormNames() string {
	var names []string
	for _, form := range otherForms {
		names = append(names, form.Name)
	}
	return strings.Join(names, ",")
}

// ParseForms reads a comma-separated list of names, which may be empty.
func ParseForms(list string) ([]Form, error) {
	var forms []Form
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			continue
		}
		at := slices.IndexFunc(otherForms, func(form Form) bool { return form.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("form %q: want some of %s", name, OtherFormNames())
		}
		forms = append(forms, otherForms[at])
	}
	return forms, nil
}

// FromTemplate reports whether the claims are the controller-manager's to make.
func (f Form) FromTemplate() bool { return f.fromTemplate }

// NewTemplate is the ResourceClaimTemplate of forms with FromTemplate.
func NewTemplate() *resourceapi.ResourceClaimTemplate {
	template := &resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Name: TemplateName, Namespace: Namespace}}
	template.Spec.Spec.Devices.Requests = []resourceapi.DeviceRequest{wholeGPU()}
	return template
}

// NewPod is a pod of the form, and the claim that is to be created before it; nil for none.
func (f Form) NewPod(name, run string) (*corev1.Pod, *resourceapi.ResourceClaim) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace, Labels: map[string]string{RunLabel: run}},
		Spec: corev1.PodSpec{SchedulerName: SchedulerName, Containers: []corev1.Container{{
			Name: "c", Image: "example.com/none",
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}, Limits: f.Limits,
			},
		}}},
	}
	if f.request == nil {
		return pod, nil
	}
	source := corev1.PodResourceClaim{Name: requestName}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: requestName}}
	if f.fromTemplate {
		template := TemplateName
		source.ResourceClaimTemplateName = &template
		pod.Spec.ResourceClaims = []corev1.PodResourceClaim{source}
		return pod, nil
	}
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{f.request()}
	source.ResourceClaimName = &claim.Name
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{source}
	return pod, claim
}
