package admission

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/claim"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// ownPrefix begins annotations and labels of ours.
const ownPrefix = "ashlar.dev/"

// PodAnnotations are the annotations of ours that a pod may have.
var PodAnnotations = []string{
	launch.GPUMemoryAnnotation, launch.ModelAnnotation, launch.MaxModelLenAnnotation, launch.ConcurrencyAnnotation, launch.ContextAnnotation,
	launch.EngineAnnotation, launch.EngineVersionAnnotation, deviceapi.MovableAnnotation, RecordAnnotation, ClaimAnnotation,
	claim.SizedForAnnotation, claim.ArgumentsAnnotation, claim.MemoryAnnotation,
	ownPrefix + "same", ownPrefix + "required-topology", ownPrefix + "preferred-topology",
}

// PodLabels are the labels of ours that a pod may have.
var PodLabels = []string{launch.ModelAnnotation}

// warnUnknownKeys warns of annotations and labels of ours that nothing reads.
func (r *podReview) warnUnknownKeys() {
	for _, list := range []struct {
		word  string
		have  map[string]string
		known []string
	}{{"annotation", r.pod.Annotations, PodAnnotations}, {"label", r.pod.Labels, PodLabels}} {
		var unknown []string
		for key := range list.have {
			if strings.HasPrefix(key, ownPrefix) && !slices.Contains(list.known, key) {
				unknown = append(unknown, key)
			}
		}
		slices.Sort(unknown)
		for _, key := range unknown {
			text := fmt.Sprintf("nothing reads %s %s", list.word, key)
			switch {
			case list.word == "label" && slices.Contains(PodAnnotations, key):
				text += ": it is an annotation"
			default:
				text += nearestText(key, list.known)
			}
			r.warnings = append(r.warnings, text)
		}
	}
}

// nearestText suggests a name for one that does not exist, "" if none is near.
func nearestText(name string, known []string) string {
	near := nearest.Names(name, known)
	if len(near) == 0 {
		return ""
	}
	return ": did you mean " + near[0] + "?"
}

// warnUnknownResources warns of GPU resources that no node offers and no DeviceClass stands for.
func (r *podReview) warnUnknownResources() {
	if len(r.cluster.NodeResources) == 0 && len(r.cluster.DeviceClasses) == 0 {
		return
	}
	offered := slices.Concat(r.cluster.NodeResources, r.cluster.ClassResources)
	_ = eachContainer(r.pod, func(c *v1.Container, _ bool) error {
		for name := range c.Resources.Limits {
			text := string(name)
			if class, found := strings.CutPrefix(text, resourceapi.ResourceDeviceClassPrefix); found {
				r.warnUnknownClass("container "+c.Name, class)
				continue
			}
			if !isGPUDomain(text) || slices.Contains(offered, text) {
				continue
			}
			r.warnings = append(r.warnings, fmt.Sprintf("container %s: no node offers %s%s", c.Name, text, nearestText(text, offered)))
		}
		return nil
	})
}

// isGPUDomain reports whether a resource is one of those by which GPUs are asked for.
func isGPUDomain(resource string) bool {
	domain, _, found := strings.Cut(resource, "/")
	return found && (deviceapi.IsAnyGPUResource(resource) || domain == "nvidia.com" || domain == "volcano.sh" || domain == "koordinator.sh")
}

func (r *podReview) warnUnknownClass(where, class string) {
	if len(r.cluster.DeviceClasses) == 0 || slices.Contains(r.cluster.DeviceClasses, class) {
		return
	}
	r.warnings = append(r.warnings, fmt.Sprintf("%s: there is no DeviceClass %s%s", where, class, nearestText(class, r.cluster.DeviceClasses)))
}

// warnUnknownClasses warns of DeviceClasses that do not exist, in the templates by which the pod
// claims.
func (r *podReview) warnUnknownClasses() {
	for i := range r.pod.Spec.ResourceClaims {
		name := r.pod.Spec.ResourceClaims[i].ResourceClaimTemplateName
		if name == nil {
			continue
		}
		template := r.templateNamed(*name)
		if template == nil {
			continue // it may be made after the pod
		}
		where := "ResourceClaimTemplate " + *name
		for _, request := range template.Spec.Spec.Devices.Requests {
			if request.Exactly != nil {
				r.warnUnknownClass(where, request.Exactly.DeviceClassName)
			}
			for _, sub := range request.FirstAvailable {
				r.warnUnknownClass(where, sub.DeviceClassName)
			}
		}
	}
}

func (r *podReview) templateNamed(name string) *resourceapi.ResourceClaimTemplate {
	for _, own := range r.outcome.Templates {
		if own.Name == name {
			return own
		}
	}
	if r.cluster.FindTemplate == nil {
		return nil
	}
	return r.cluster.FindTemplate(name)
}
