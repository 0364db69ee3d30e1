package whatif

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// Workload is an object that asks for pods, all alike.
type Workload struct {
	Kind, Namespace, Name string
	// Pods is how many it asks for.
	Pods int
	spec corev1.PodTemplateSpec
}

// Manifest is what a user wants to apply.
type Manifest struct {
	Workloads []*Workload
	// Objects are the claims, templates, classes and groups beside the workloads.
	Objects
	// Notes say what was passed over.
	Notes []string
}

// Read adds the objects of a file. Those that name no namespace are in the given one.
func (m *Manifest) Read(source string, text []byte, namespace string) error {
	return decode(source, text, strict, func(where string, object any) error {
		switch object := object.(type) {
		case unknownKind:
			m.Notes = append(m.Notes, fmt.Sprintf("%s %s is not understood: if it makes pods, ask about those", object.kind, object.name))
			return nil
		case *Group:
			object.Metadata.Namespace = cmp.Or(object.Metadata.Namespace, namespace)
			m.Groups = append(m.Groups, object)
			return nil
		case *corev1.Node, *resourceapi.ResourceSlice:
			return fmt.Errorf("%s: belongs into a snapshot: want the objects that would be applied", where)
		}
		if w, err := workloadOf(object.(runtime.Object)); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		} else if w != nil {
			w.Namespace = cmp.Or(w.Namespace, namespace)
			m.Workloads = append(m.Workloads, w)
			return nil
		}
		switch object := object.(type) {
		case *resourceapi.ResourceClaim:
			object.Namespace = cmp.Or(object.Namespace, namespace)
		case *resourceapi.ResourceClaimTemplate:
			object.Namespace = cmp.Or(object.Namespace, namespace)
		}
		m.Add(object)
		return nil
	})
}

// workloadOf reads how many pods an object asks for; nil if it is not one that does.
func workloadOf(object runtime.Object) (*Workload, error) {
	of := func(kind string, meta *metav1.ObjectMeta, count int32, spec *corev1.PodTemplateSpec) *Workload {
		return &Workload{Kind: kind, Namespace: meta.Namespace, Name: cmp.Or(meta.Name, meta.GenerateName), Pods: int(max(0, count)), spec: *spec}
	}
	switch object := object.(type) {
	case *corev1.Pod:
		if object.Spec.NodeName != "" {
			return nil, fmt.Errorf("spec.nodeName is set: such a pod passes every scheduler by; use a nodeSelector for kubernetes.io/hostname")
		}
		return of("Pod", &object.ObjectMeta, 1, &corev1.PodTemplateSpec{ObjectMeta: object.ObjectMeta, Spec: object.Spec}), nil
	case *appsv1.Deployment:
		return of("Deployment", &object.ObjectMeta, ptr.Deref(object.Spec.Replicas, 1), &object.Spec.Template), nil
	case *appsv1.ReplicaSet:
		return of("ReplicaSet", &object.ObjectMeta, ptr.Deref(object.Spec.Replicas, 1), &object.Spec.Template), nil
	case *appsv1.StatefulSet:
		return of("StatefulSet", &object.ObjectMeta, ptr.Deref(object.Spec.Replicas, 1), &object.Spec.Template), nil
	case *batchv1.Job:
		return of("Job", &object.ObjectMeta, atOnce(&object.Spec), &object.Spec.Template), nil
	case *batchv1.CronJob:
		job := &object.Spec.JobTemplate.Spec
		return of("CronJob", &object.ObjectMeta, atOnce(job), &job.Template), nil
	case *appsv1.DaemonSet:
		return nil, fmt.Errorf("a DaemonSet has a pod on every node: ask about one of them, as a Pod")
	}
	return nil, nil
}

// atOnce is how many pods of a Job run at the same time.
func atOnce(job *batchv1.JobSpec) int32 {
	pods := ptr.Deref(job.Parallelism, 1)
	if job.Completions != nil {
		pods = min(pods, *job.Completions)
	}
	return pods
}

// pods are the pods of a workload, by themselves: nothing that the API server or a
// controller would add is there yet. The last part of their names is a number.
func (w *Workload) pods(count int) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range count {
		pod := &corev1.Pod{ObjectMeta: *w.spec.ObjectMeta.DeepCopy(), Spec: *w.spec.Spec.DeepCopy()}
		pod.Namespace, pod.GenerateName = w.Namespace, ""
		switch {
		case w.Kind == "Pod" && count == 1:
			pod.Name = w.Name
		case w.Kind == "StatefulSet":
			pod.Name = fmt.Sprintf("%s-%d", w.Name, i)
		default:
			pod.Name = fmt.Sprintf("%s-%d", w.Name, i+1)
		}
		if w.Kind != "Pod" {
			pod.OwnerReferences = []metav1.OwnerReference{{Kind: w.Kind, Name: w.Name, Controller: ptr.To(true)}}
		}
		pods = append(pods, pod)
	}
	return pods
}
