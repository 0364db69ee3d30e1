package gpuchain

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const pciLabel = "feature.node.kubernetes.io/pci-10de.present"

// labels are the labels of node feature discovery on a node with a GPU, and more in pairs.
func labels(more ...string) map[string]string {
	all := map[string]string{pciLabel: "true"}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func gpuNodes(count int, labels map[string]string) []*corev1.Node {
	var nodes []*corev1.Node
	for i := range count {
		nodes = append(nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i), Labels: labels},
			Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
		})
	}
	return nodes
}

func quantities(pairs ...any) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i].(string))] = *resource.NewQuantity(int64(pairs[i+1].(int)), resource.DecimalSI)
	}
	return list
}

func asksFor(name string) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Limits: quantities(name, 1)},
	}}}}
}

func claimOf(class string) []*resourceapi.ResourceClaim {
	return []*resourceapi.ResourceClaim{{Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{
		Requests: []resourceapi.DeviceRequest{{Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: class}}},
	}}}}
}

// podsOf are the pods of a DaemonSet on each node, ready, and then as change has them.
func podsOf(nodes []*corev1.Node, namespace, set, label, value, container string, change func(int, *corev1.Pod)) []*corev1.Pod {
	var pods []*corev1.Pod
	for i, node := range nodes {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%d", set, i), Namespace: namespace, Labels: map[string]string{label: value},
				OwnerReferences: []metav1.OwnerReference{{Kind: "DaemonSet", Name: set, Controller: ptr.To(true)}},
			},
			Spec: corev1.PodSpec{NodeName: node.Name, Containers: []corev1.Container{{Name: container}}},
			Status: corev1.PodStatus{
				Phase:      corev1.PodRunning,
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		}
		if change != nil {
			change(i, pod)
		}
		pods = append(pods, pod)
	}
	return pods
}

func operatorPods(nodes []*corev1.Node, app string, change func(int, *corev1.Pod)) []*corev1.Pod {
	return podsOf(nodes, "gpu-operator", app, "app", app, app, change)
}

// waiting gives a pod a container that waits for a reason.
func waiting(reason string) func(int, *corev1.Pod) {
	return func(_ int, pod *corev1.Pod) {
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason},
		}}}
	}
}

// inits gives a pod init containers: those before the last have ended well, the last runs.
func inits(names ...string) func(int, *corev1.Pod) {
	return func(_ int, pod *corev1.Pod) {
		pod.Status.Phase = corev1.PodPending
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		for i, name := range names {
			status := corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
			if i < len(names)-1 {
				status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			}
			pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, status)
		}
	}
}

func daemonSet(namespace, name, label, value, container string, spec corev1.PodSpec) *appsv1.DaemonSet {
	spec.Containers = []corev1.Container{{Name: container}}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{label: value}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{label: value}}, Spec: spec},
		},
	}
}

// slicesOf are one slice for each node, of a pool of count slices.
func slicesOf(nodes []*corev1.Node, driver string, count int64, devices ...resourceapi.Device) []*resourceapi.ResourceSlice {
	var list []*resourceapi.ResourceSlice
	for _, node := range nodes {
		list = append(list, &resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
			Driver: driver, NodeName: &node.Name, Devices: devices,
			Pool: resourceapi.ResourcePool{Name: node.Name, Generation: 1, ResourceSliceCount: count},
		}})
	}
	return list
}

func classOf(name, driver, extended string) *resourceapi.DeviceClass {
	class := &resourceapi.DeviceClass{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{
			{CEL: &resourceapi.CELDeviceSelector{Expression: fmt.Sprintf("device.driver == %q", driver)}},
		}},
	}
	if extended != "" {
		class.Spec.ExtendedResourceName = &extended
	}
	return class
}
