package deviceplacement

import (
	"cmp"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// recallBound teaches the forecast, once, the pods that were bound before this process began to
// schedule, in the order in which they were: so a restart changes no decision as long as the
// pods are there. It is called in scheduling cycles, before the first pod of this process is
// learned from and before the forecast is first asked.
func (p *Plugin) recallBound() {
	if p.lister == nil || !p.forecast.beginRecall() {
		return
	}
	nodes, err := p.lister.NodeInfos().List()
	if err != nil || p.source.Refresh() != nil {
		return
	}
	p.counted.Refresh(nodes)
	counted := sets.New[types.UID]() // a claim of several pods is what the first of them took
	for _, bound := range p.listBound(nodes) {
		inventory, devices := p.heldBy(bound.pod, bound.node, counted)
		if inventory != nil {
			p.forecast.observePod(bound.pod, inventory, devices)
		}
	}
}

// boundPod is a pod with its node.
type boundPod struct {
	pod  *v1.Pod
	node fwk.NodeInfo
}

// listBound are the pods of this profile on nodes, in the order in which they were bound. Of
// those of one second that is not told: they are in the order of their creation and names.
func (p *Plugin) listBound(nodes []fwk.NodeInfo) []boundPod {
	var list []boundPod
	for _, node := range nodes {
		for _, info := range node.GetPods() {
			if pod := info.GetPod(); p.profile == "" || pod.Spec.SchedulerName == p.profile {
				list = append(list, boundPod{pod, node})
			}
		}
	}
	slices.SortFunc(list, func(a, b boundPod) int {
		return cmp.Or(boundAt(a.pod).Compare(boundAt(b.pod)), a.pod.CreationTimestamp.Compare(b.pod.CreationTimestamp.Time),
			strings.Compare(a.pod.Namespace, b.pod.Namespace), strings.Compare(a.pod.Name, b.pod.Name))
	})
	return list
}

// boundAt is when the API server bound the pod, to the second.
func boundAt(pod *v1.Pod) time.Time {
	for i := range pod.Status.Conditions {
		if condition := &pod.Status.Conditions[i]; condition.Type == v1.PodScheduled && condition.Status == v1.ConditionTrue {
			return condition.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// heldBy is what a bound pod takes of which GPUs, as takenBy says it of one that is being bound;
// nil if that is nothing. Claims in counted, to which its own are added, count no more.
func (p *Plugin) heldBy(pod *v1.Pod, node fwk.NodeInfo, counted sets.Set[types.UID]) (*placement.Inventory, []placement.DeviceAllocation) {
	claims := slices.DeleteFunc(p.source.AllocatedClaims(pod), func(claim *resourceapi.ResourceClaim) bool { return counted.Has(claim.UID) })
	for _, claim := range claims {
		counted.Insert(claim.UID)
	}
	name := node.Node().Name
	if devices := p.source.DevicesOn(name, claims); len(devices) > 0 {
		return p.source.Inventory(name), devices
	}
	request, err := deviceplugin.ReadPod(pod)
	if err != nil || request == nil || !p.counted.ServesAny(request, node) {
		return nil, nil
	}
	empty := framework.NewNodeInfo() // where the pod is, there may be no room for it once more
	empty.SetNode(node.Node())
	if choice := p.counted.ChooseOn(request, empty); choice != nil {
		return choice.Inventory, choice.Devices
	}
	return nil, nil
}
