package dryrun

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// WorkloadObject is an object that asks for pods, all alike.
type WorkloadObject struct {
	Kind, Namespace, Name string
	// Pods is how many it asks for.
	Pods int
	spec corev1.PodTemplateSpec
}

// workloadOf reads how many pods an object asks for; nil if it is not one that does.
func workloadOf(object runtime.Object) (*WorkloadObject, error) {
	of := func(kind string, meta *metav1.ObjectMeta, count int32, spec *corev1.PodTemplateSpec) *WorkloadObject {
		name := cmp.Or(meta.Name, meta.GenerateName)
		return &WorkloadObject{Kind: kind, Namespace: meta.Namespace, Name: name, Pods: int(max(0, count)), spec: *spec}
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
		return of("Job", &object.ObjectMeta, parallelPods(&object.Spec), &object.Spec.Template), nil
	case *batchv1.CronJob:
		job := &object.Spec.JobTemplate.Spec
		return of("CronJob", &object.ObjectMeta, parallelPods(job), &job.Template), nil
	case *appsv1.DaemonSet:
		return nil, fmt.Errorf("a DaemonSet has a pod on every node: ask about one of them, as a Pod")
	}
	return nil, nil
}

// parallelPods is how many pods of a Job run at the same time.
func parallelPods(job *batchv1.JobSpec) int32 {
	pods := ptr.Deref(job.Parallelism, 1)
	if job.Completions != nil {
		pods = min(pods, *job.Completions)
	}
	return pods
}

// makePods are the pods of a workload, by themselves: nothing that the API server or a
// controller would add is there yet. The last part of their names is a number.
func (w *WorkloadObject) makePods(count int) []*corev1.Pod {
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
