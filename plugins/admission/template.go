package admission

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Labels of the ResourceClaimTemplates that are made for pods.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "ashlar-webhook"
)

// hashDigits are those of the hash at the end of a template's name: 48 bits, where a namespace has
// a handful of templates.
const hashDigits = 12

// newTemplate is a ResourceClaimTemplate that is named after its contents, so that pods that ask
// alike have one.
func newTemplate(namespace, about string, spec resourceapi.ResourceClaimSpec,
	annotations map[string]string) *resourceapi.ResourceClaimTemplate {
	text, err := json.Marshal(struct {
		Spec        resourceapi.ResourceClaimSpec
		Annotations map[string]string
	}{spec, annotations})
	if err != nil {
		panic(err) // it was made of plain values
	}
	sum := sha256.Sum256(text)
	return &resourceapi.ResourceClaimTemplate{
		TypeMeta: metav1.TypeMeta{APIVersion: resourceapi.SchemeGroupVersion.String(), Kind: "ResourceClaimTemplate"},
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("ashlar-%s-%s", about, hex.EncodeToString(sum[:])[:hashDigits]), Namespace: namespace,
			Labels: map[string]string{ManagedByLabel: ManagedBy}, Annotations: annotations,
		},
		Spec: resourceapi.ResourceClaimTemplateSpec{Spec: spec},
	}
}

// aboutAsk is the part of a template's name that people recognise.
func aboutAsk(a *gpuAsk) string {
	form := map[askForm]string{wholeForm: "gpu", shareForm: "share", migForm: "mig"}[a.form]
	if a.count > 1 {
		return fmt.Sprintf("%d-%s", a.count, form)
	}
	return form
}

// addClaim makes a pod claim by a template for some of its containers.
func addClaim(pod *v1.Pod, template string, containers []*v1.Container) {
	name := "ashlar-gpus"
	taken := func(c v1.PodResourceClaim) bool { return c.Name == name }
	for i := 2; slices.ContainsFunc(pod.Spec.ResourceClaims, taken); i++ {
		name = fmt.Sprintf("ashlar-gpus-%d", i)
	}
	pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, v1.PodResourceClaim{Name: name, ResourceClaimTemplateName: ptr.To(template)})
	for _, c := range containers {
		c.Resources.Claims = append(c.Resources.Claims, v1.ResourceClaim{Name: name})
	}
}

// removeResources takes the resources that a claim stands for out of a container, and returns
// what they were.
func removeResources(c *v1.Container, keys []string) map[string]string {
	removed := map[string]string{}
	for _, key := range keys {
		for _, list := range []v1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
			if q, found := list[v1.ResourceName(key)]; found {
				removed[key] = plainText(q)
				delete(list, v1.ResourceName(key))
			}
		}
	}
	return removed
}

// isResourceKey reports whether a key is a resource's rather than an annotation's.
func isResourceKey(key string) bool {
	for _, known := range KeyTable() {
		if known.Key == key {
			return known.Place == "resource"
		}
	}
	return strings.HasPrefix(key, "nvidia.com/mig-")
}
