package doctor

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// checkPodGroups looks for gangs that can never start: without their kind, their group or enough pods.
func checkPodGroups(e *Evidence) checkOutcome {
	members := map[string][]*corev1.Pod{}
	var order []string
	for _, pod := range e.Pods {
		name := pod.Labels[v1alpha1.PodGroupLabel]
		if name == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		key := pod.Namespace + "/" + name
		if members[key] == nil {
			order = append(order, key)
		}
		members[key] = append(members[key], pod)
	}
	o := checkOutcome{well: fmt.Sprintf("%d, with pods enough", len(e.PodGroups))}
	if e.Live != nil {
		if !e.Live.PodGroupCRD && len(order) > 0 {
			o.findings = append(o.findings, ClusterFinding{
				Severity: Broken, Object: "CustomResourceDefinition/podgroups." + v1alpha1.SchemeGroupVersion.Group,
				Cause:  fmt.Sprintf("%d groups of pods have label %s and the API server serves no PodGroup", len(order), v1alpha1.PodGroupLabel),
				Remedy: "kubectl apply -k manifests/crds",
			})
		}
		if e.Live.PodGroupManager != "" {
			o.well += ", their CRD written by " + e.Live.PodGroupManager
		}
	}
	known := map[string]bool{}
	for _, group := range e.PodGroups {
		key := group.Namespace + "/" + group.Name
		known[key] = true
		if have := len(members[key]); have > 0 && have < int(group.Spec.MinMember) && !anyBound(members[key]) {
			o.findings = append(o.findings, ClusterFinding{
				Severity: Warning, Object: objectName("PodGroup", group.Namespace, group.Name),
				Cause: fmt.Sprintf("it waits for %d pods and there are %d: none of them starts until the rest are there",
					group.Spec.MinMember, have),
				Remedy: fmt.Sprintf(`kubectl -n %s patch podgroup %s --type=merge -p '{"spec":{"minMember":%d}}', or let more pods be made`,
					group.Namespace, group.Name, have),
			})
		}
	}
	for _, key := range order {
		if !known[key] && !anyBound(members[key]) {
			first := members[key][0]
			o.findings = append(o.findings, ClusterFinding{
				Severity: Broken, Object: objectName("Pod", first.Namespace, first.Name),
				Cause:  fmt.Sprintf("%d pods are labelled for PodGroup %s, which is not there: none of them starts", len(members[key]), key),
				Remedy: fmt.Sprintf("create the PodGroup with spec.minMember, or take label %s off the pods", v1alpha1.PodGroupLabel),
			})
		}
	}
	return o
}

func anyBound(pods []*corev1.Pod) bool {
	for _, pod := range pods {
		if pod.Spec.NodeName != "" {
			return true
		}
	}
	return false
}
