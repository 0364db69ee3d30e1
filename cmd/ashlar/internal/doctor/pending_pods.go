package doctor

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
)

// checkPendingPods looks for waiting pods that name what is not there: no GPU would help them.
func checkPendingPods(e *Evidence) checkOutcome {
	claims, templates, classes := map[string]*resourceapi.ResourceClaimSpec{}, map[string]*resourceapi.ResourceClaimSpec{}, map[string]bool{}
	for _, claim := range e.Claims {
		claims[claim.Namespace+"/"+claim.Name] = &claim.Spec
	}
	for _, template := range e.Templates {
		templates[template.Namespace+"/"+template.Name] = &template.Spec.Spec
	}
	for _, class := range e.Classes {
		classes[class.Name] = true
	}
	waiting := e.WaitingPods()
	o := checkOutcome{well: fmt.Sprintf("%d, and all that they name is there", len(waiting))}
	for _, pod := range waiting {
		for i := range pod.Spec.ResourceClaims {
			ask := &pod.Spec.ResourceClaims[i]
			var spec *resourceapi.ResourceClaimSpec
			kind, name := "ResourceClaim", ""
			switch {
			case ask.ResourceClaimName != nil:
				name = *ask.ResourceClaimName
				spec = claims[pod.Namespace+"/"+name]
			case ask.ResourceClaimTemplateName != nil:
				kind, name = "ResourceClaimTemplate", *ask.ResourceClaimTemplateName
				spec = templates[pod.Namespace+"/"+name]
			default:
				continue
			}
			if spec == nil {
				o.findings = append(o.findings, missingFor(pod, fmt.Sprintf("it waits for %s %s/%s, which is not there", kind, pod.Namespace, name),
					fmt.Sprintf("kubectl -n %s get resourceclaims,resourceclaimtemplates, and create it or correct its name", pod.Namespace)))
				continue
			}
			for _, class := range classesOf(spec) {
				if !classes[class] {
					o.findings = append(o.findings, missingFor(pod,
						fmt.Sprintf("%s %s/%s asks for DeviceClass %s, which is not there", kind, pod.Namespace, name, class),
						"kubectl get deviceclasses, and create it or correct its name"))
				}
			}
		}
	}
	return o
}

func missingFor(pod *corev1.Pod, cause, remedy string) ClusterFinding {
	return ClusterFinding{Severity: Broken, Object: objectName("Pod", pod.Namespace, pod.Name), Cause: cause, Remedy: remedy}
}

// classesOf are the DeviceClasses that a claim cannot do without: of alternatives none is such.
func classesOf(spec *resourceapi.ResourceClaimSpec) []string {
	var names []string
	for i := range spec.Devices.Requests {
		if exactly := spec.Devices.Requests[i].Exactly; exactly != nil {
			names = append(names, exactly.DeviceClassName)
		}
	}
	return names
}
