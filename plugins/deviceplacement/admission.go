package deviceplacement

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"
	"k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// nodeAdmission says for which nodes a pod is not refused by what a node is: its labels, its
// taints, what is left of its CPU and memory. Other plugins decide that, and have the last
// word; asking about nodes that they refuse would be in vain.
type nodeAdmission struct {
	plugin   *Plugin
	pod      *v1.Pod
	affinity nodeaffinity.RequiredNodeAffinity
	request  *framework.Resource
	// allocated are the nodes from which the claims can be used that are allocated already.
	allocated []*nodeaffinity.NodeSelector
}

func newNodeAdmission(p *Plugin, pod *v1.Pod) *nodeAdmission {
	return &nodeAdmission{
		plugin: p, pod: pod, affinity: nodeaffinity.GetRequiredNodeAffinity(pod),
		request:   framework.NewResource(resource.PodRequests(pod, resource.PodResourcesOptions{})),
		allocated: p.source.NodesOfClaims(pod),
	}
}

// admits reports whether nothing that is known here keeps the pod from the node.
func (a *nodeAdmission) admits(info fwk.NodeInfo) bool {
	return a.hasRoom(info) && a.admitsOnceFree(info)
}

// admitsOnceFree reports whether only what other pods have of the node may keep the pod from it.
func (a *nodeAdmission) admitsOnceFree(info fwk.NodeInfo) bool {
	node := info.Node()
	if matches, err := a.affinity.Match(node); err != nil || !matches || !a.toleratesNode(node) {
		return false
	}
	for _, selector := range a.allocated {
		if !selector.Match(node) {
			return false
		}
	}
	return a.plugin.filterClaimed(info).IsSuccess()
}

func (a *nodeAdmission) toleratesNode(node *v1.Node) bool {
	tolerates := func(taint v1.Taint) bool {
		return slices.ContainsFunc(a.pod.Spec.Tolerations, func(t v1.Toleration) bool {
			return corev1.TolerationsTolerateTaint(klog.Background(), []v1.Toleration{t}, &taint, false)
		})
	}
	if node.Spec.Unschedulable && !tolerates(v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule}) {
		return false
	}
	return !slices.ContainsFunc(node.Spec.Taints, func(taint v1.Taint) bool {
		return taint.Effect != v1.TaintEffectPreferNoSchedule && !tolerates(taint)
	})
}

func (a *nodeAdmission) hasRoom(info fwk.NodeInfo) bool {
	allocatable, requested := info.GetAllocatable(), info.GetRequested()
	if len(info.GetPods())+1 > allocatable.GetAllowedPodNumber() {
		return false
	}
	fits := func(asked, all, taken int64) bool { return asked == 0 || asked <= all-taken }
	if !fits(a.request.MilliCPU, allocatable.GetMilliCPU(), requested.GetMilliCPU()) ||
		!fits(a.request.Memory, allocatable.GetMemory(), requested.GetMemory()) ||
		!fits(a.request.EphemeralStorage, allocatable.GetEphemeralStorage(), requested.GetEphemeralStorage()) {
		return false
	}
	for name, asked := range a.request.ScalarResources {
		all := allocatable.GetScalarResources()[name]
		if all == 0 && a.plugin.source.ClassFor(name) {
			continue // DRA serves it
		}
		if !fits(asked, all, requested.GetScalarResources()[name]) {
			return false
		}
	}
	return true
}
