package dryrun

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// workloadPod is a pod of a workload as its controller makes it, before the API server has seen it.
type workloadPod struct {
	*corev1.Pod
	// template is the same for pods that differ in nothing but their names.
	template *podspec.PodTemplate
}

// makePods are the pods of some of a workload's replicas, by themselves: nothing that the API
// server would add is there yet. alone says that it is the only replica.
func makePods(w *podspec.Workload, first, count int) []workloadPod {
	alone := w.Kind == "Pod" && first == 0 && count == 1
	var pods []workloadPod
	for replica := first; replica < first+count; replica++ {
		for i := range w.Templates {
			template := &w.Templates[i]
			for k := range template.PerReplica {
				pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
				pod.Namespace, pod.GenerateName, pod.Name = w.Namespace, "", template.PodName(replica, k)
				if alone && w.Name != "" {
					pod.Name = w.Name
				}
				if w.Kind != "Pod" {
					pod.OwnerReferences = []metav1.OwnerReference{{Kind: w.Kind, Name: w.Name, Controller: ptr.To(true)}}
				}
				pods = append(pods, workloadPod{pod, template})
			}
		}
	}
	return pods
}

// maxPods bounds the pods of one question.
const maxPods = 100_000

// checkPodCount refuses a number of pods that no answer would come of.
func checkPodCount(w *podspec.Workload, replicas, before int) error {
	if count := replicas * w.PodsPerReplica(); before+count > maxPods {
		return fmt.Errorf("%s: %d pods, with %d others: want at most %d in one question", w.Where(), count, before, maxPods)
	}
	return nil
}
