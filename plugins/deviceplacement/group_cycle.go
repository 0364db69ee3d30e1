package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// heldForOthers is what plans and reservations hold that a pod may not take whose cycle it is.
func (p *Plugin) heldForOthers(group *groupcycle.Group, pod *v1.Pod) map[string][]heldDevices {
	key := types.NamespacedName{}
	if group != nil {
		key = group.Key
	}
	return p.plans.barPod(key, pod)
}

// showPlanned shows the in-tree code what was planned for the pod on this node, as far as it
// is still free; false if nothing was.
func (c *podCycle) showPlanned(ctx context.Context, view *dra.View, gpus placement.GPUStates) bool {
	if c.group == nil || c.group.place == nil {
		return false
	}
	place := c.group.place
	if place.node != view.Node() || place.inventory != view.Inventory() || !allFree(place.inventory, gpus, place.devices) {
		return false
	}
	view.ShowChosen(ctx, place.devices)
	return true
}

// holdForOthers holds what plans and reservations keep for others of the view's GPUs.
func (c *podCycle) holdForOthers(view *dra.View, gpus placement.GPUStates) {
	for _, held := range c.held[view.Node()] {
		if held.inventory != view.Inventory() {
			continue
		}
		for _, device := range held.devices {
			held.inventory.HoldDevice(gpus, device.Device, device.ShareSize)
		}
	}
}

// planAnew is what becomes of a group's pod for which there is no node. If its group does not
// fit, it is for the group's own plugin to say so, and nobody is to be ended for it. If the
// node that was planned for it was refused, the group is planned without that node.
func (p *Plugin) planAnew(answer *groupAnswer, pod *v1.Pod) *fwk.Status {
	if answer.place == nil {
		return fwk.NewStatus(fwk.Unschedulable)
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, p.replanGroup(answer, pod))
}

// replanGroup has a group planned anew whose pod was refused at its place.
func (p *Plugin) replanGroup(answer *groupAnswer, pod *v1.Pod) string {
	p.plans.refusePlace(answer.group.Key, answer.place, answer.group.Timeout)
	p.tryAtOnce(klog.Background(), pod)
	return "node " + answer.place.node + " was planned for this pod of its group and is refused: the group is planned anew without it"
}

// groupOf is the group that a pod names, of either kind.
func groupOf(pod *v1.Pod) (key types.NamespacedName, ok bool) {
	switch group := pod.Spec.SchedulingGroup; {
	case group != nil && group.PodGroupName != nil:
		return types.NamespacedName{Namespace: pod.Namespace, Name: *group.PodGroupName}, true
	case pod.Labels[v1alpha1.PodGroupLabel] != "":
		return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Labels[v1alpha1.PodGroupLabel]}, true
	}
	return types.NamespacedName{}, false
}

// tryAtOnce brings pods back into the queue.
func (p *Plugin) tryAtOnce(logger klog.Logger, pods ...*v1.Pod) {
	if p.activator == nil {
		return
	}
	activated := map[string]*v1.Pod{}
	for _, pod := range pods {
		activated[pod.Namespace+"/"+pod.Name] = pod
	}
	p.activator.Activate(logger, activated)
}

// followMembers drops the plan of a group of which a pod is deleted, and what is remembered of the pod, and
// tries those that waited for a pod to have a node.
func (p *Plugin) followMembers(pods cache.SharedIndexInformer) error {
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) {
			was, isPod := before.(*v1.Pod)
			if pod, ok := after.(*v1.Pod); ok && isPod && was.Spec.NodeName == "" && pod.Spec.NodeName != "" {
				p.unended.Delete(pod.UID)
				p.noteBound(pod)
			}
		},
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			pod, ok := object.(*v1.Pod)
			if !ok {
				return
			}
			p.pending.noteCause(pod, "")
			p.unanswered.Delete(pod.UID)
			p.unended.Delete(pod.UID)
			p.plans.unbarPod(pod.UID)
			if key, ok := groupOf(pod); ok {
				p.plans.forgetPod(key, pod.UID)
			}
		},
	})
	return err
}

// groupListener is the plugin that knows of PodGroups.
type groupListener interface {
	// GroupEvents are those of PodGroups after which a member may start that was rejected.
	GroupEvents() []fwk.ClusterEventWithHint
}

// groupEvents are events after which a group that did not fit is tried again: a pod has left
// its node or needs less of it, a node's taints are other ones, or one of the group's own pods
// tolerates more or needs less. What the plugin that knows of PodGroups hears of them counts as well:
// a refusal of the whole group is said here.
func (p *Plugin) groupEvents() []fwk.ClusterEventWithHint {
	var events []fwk.ClusterEventWithHint
	if p.extensions != nil {
		for _, other := range p.extensions() {
			if groups, ok := other.(groupListener); ok {
				events = append(events, groups.GroupEvents()...)
			}
		}
	}
	return append(events, []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: p.requeueAfterPodGone},
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.UpdatePodScaleDown}, QueueingHintFn: p.requeueRefusedGroup},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.UpdateNodeTaint}, QueueingHintFn: p.requeueRefusedGroup},
		{
			Event:          fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodToleration | fwk.UpdatePodScaleDown},
			QueueingHintFn: p.requeueRefusedGroup,
		},
	}...)
}

// requeueRefusedGroup tries a pod whose group was refused.
func (p *Plugin) requeueRefusedGroup(_ klog.Logger, pod *v1.Pod, _, _ any) (fwk.QueueingHint, error) {
	if key, ok := groupOf(pod); ok && p.plans.wasRefused(key) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

// requeueAfterPodGone is requeueRefusedGroup for a pod that has left its node. The scheduler also
// says so of a pod that gave it back before it ran: of the same group that is no news.
func (p *Plugin) requeueAfterPodGone(logger klog.Logger, pod *v1.Pod, before, after any) (fwk.QueueingHint, error) {
	if gone, ok := before.(*v1.Pod); ok && sameGroup(pod, gone) {
		return fwk.QueueSkip, nil
	}
	return p.requeueRefusedGroup(logger, pod, before, after)
}
