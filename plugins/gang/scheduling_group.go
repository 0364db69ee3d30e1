package gang

import (
	"cmp"
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// Pods of Kubernetes' own PodGroups come in one cycle of the scheduler, which reserves one after
// another and gives all back unless enough have a node; with topology constraints once for each
// placement, which is some of the nodes. Who starts together is kube-scheduler's to say. The
// plugin that places devices is told of the group, so that it chooses for all members at once.

// schedulingGroupOf is the PodGroup of Kubernetes' own that a pod names, if kube-scheduler cares for it.
func (p *Plugin) schedulingGroupOf(pod *v1.Pod) (key groupKey, ok bool) {
	if !p.leaveSchedulingGroups || pod.Spec.SchedulingGroup == nil || pod.Spec.SchedulingGroup.PodGroupName == nil {
		return groupKey{}, false
	}
	return groupKey{Namespace: pod.Namespace, Name: *pod.Spec.SchedulingGroup.PodGroupName}, true
}

// noteSchedulingGroup puts the pod's group into its cycle's state: one that all members of a placement share. An
// error is about an annotation.
func (p *Plugin) noteSchedulingGroup(cycle fwk.CycleState, key groupKey) error {
	placement := cycle.GetPlacementCycleState()
	if placement == nil {
		return nil
	}
	settleRefused(p.lastGroup)
	group := groupcycle.GroupOf(placement)
	if group == nil {
		var err error
		if group, err = p.readSchedulingGroup(key); err != nil || group == nil {
			return err
		}
		groupcycle.WriteGroup(placement, group)
	}
	groupcycle.WriteGroup(cycle, group)
	groupcycle.WriteGroup(cycle.GetPodGroupSchedulingCycle(), group)
	p.lastGroup = group
	return nil
}

// readSchedulingGroup reads a group of Kubernetes' own, nil if its pods need not start together.
func (p *Plugin) readSchedulingGroup(key groupKey) (*groupcycle.Group, error) {
	lister := p.handle.SnapshotSharedLister()
	group, err := lister.PodGroups().Get(key.Namespace, key.Name)
	if err != nil || group.Spec.SchedulingPolicy.Gang == nil {
		return nil, nil //nolint:nilerr // kube-scheduler says that it is missing
	}
	state, err := lister.PodGroupStates().Get(key.Namespace, key.Name)
	if err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	together := &groupcycle.Group{
		Key: types.NamespacedName(key), MinMember: int(group.Spec.SchedulingPolicy.Gang.MinCount), Created: group.CreationTimestamp.Time,
		Assigned: state.ScheduledPods(), Timeout: p.permitTimeout, OneCycle: true,
	}
	for _, pod := range state.UnscheduledPods() {
		if len(pod.Spec.SchedulingGates) == 0 && pod.DeletionTimestamp == nil {
			together.Pending = append(together.Pending, pod)
		}
	}
	slices.SortFunc(together.Pending, func(a, b *v1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	together.Constraints, err = groupcycle.ReadConstraints(key.String(), group.Annotations, together.Pending)
	return together, err
}

// settleRefused has a group planned anew of which a member was refused where it was to go.
func settleRefused(group *groupcycle.Group) {
	if group == nil {
		return
	}
	if refused := group.TakeRefused(); refused != nil {
		refused()
	}
}

// PodGroupPostFilter implements fwk.PodGroupPostFilterPlugin. It says in the status of the PodGroup what it lacks, and
// that nobody is to be ended for it: it would not start even so. Its members are told so as far as they were tried, the
// others what kube-scheduler's own plugin counts.
func (p *Plugin) PodGroupPostFilter(
	_ context.Context, state fwk.PodGroupCycleState, _ fwk.PodGroupInfo, _ fwk.PodGroupSchedulingFunc,
) (*fwk.PodGroupPostFilterResult, *fwk.Status) {
	group := groupcycle.GroupOf(state)
	settleRefused(group)
	if group == nil || group.Shortfall() == nil {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	return nil, unresolvablef("%s", group.ShortfallWords(*group.Shortfall()))
}
