package gpuchain

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	resourceapi "k8s.io/api/resource/v1"
)

// Evidence is what was read of a cluster. Nothing in it is changed.
type Evidence struct {
	// Pod is who asks, and Claims are its ResourceClaims, those made from templates
	// included.
	Pod    *corev1.Pod
	Claims []*resourceapi.ResourceClaim
	// Nodes are the nodes that the pod may use, or all.
	Nodes []*corev1.Node
	// Pods are pods of all namespaces. PodsComplete says that none is left out: only
	// then a pod that is not there is known to be missing.
	Pods         []*corev1.Pod
	PodsComplete bool
	// DaemonSets and RuntimeClasses of the cluster; nil if they were not read.
	DaemonSets     []*appsv1.DaemonSet
	RuntimeClasses []*nodev1.RuntimeClass
	// ResourceSlices and DeviceClasses of the cluster.
	ResourceSlices []*resourceapi.ResourceSlice
	DeviceClasses  []*resourceapi.DeviceClass
}
