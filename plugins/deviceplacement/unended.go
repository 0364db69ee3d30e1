package deviceplacement

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
)

// A pod that was to be bound and was not, since it was preempted just then or something failed, keeps the
// devices that were written to its claims for its next attempt. As long as it has no node nobody can end it for
// a pod of higher priority, which is refused meanwhile; once it has one, no event would tell that pod.

// awaitBindings has a pod that was refused tried again once a pod of lower priority has a node, if some claim has
// devices of which no user had one when the pod was tried.
func (p *Plugin) awaitBindings(pod *v1.Pod) {
	if pod.Spec.PreemptionPolicy != nil && *pod.Spec.PreemptionPolicy == v1.PreemptNever {
		return
	}
	placed := sets.New[string]()
	for _, node := range p.listNodes() {
		for _, info := range node.GetPods() {
			placed.Insert(nameOf(info.GetPod()))
		}
	}
	if !p.source.HeldByOthers(placed) {
		return
	}
	p.unended.Store(pod.UID, pod)
	pods, err := p.pods.List(labels.Everything())
	if err != nil {
		return
	}
	for _, other := range pods { // that got its node while this one was tried
		if other.Spec.NodeName != "" && len(other.Spec.ResourceClaims) > 0 && !placed.Has(nameOf(other)) {
			p.noteBound(other)
		}
	}
}

// noteBound tries the pods that wait for one of lower priority to have a node.
func (p *Plugin) noteBound(bound *v1.Pod) {
	p.unended.Range(func(uid, waiting any) bool {
		if pod, ok := waiting.(*v1.Pod); ok && podPriority(pod) > podPriority(bound) {
			p.unended.Delete(uid)
			p.tryAtOnce(klog.Background(), pod)
		}
		return true
	})
}
