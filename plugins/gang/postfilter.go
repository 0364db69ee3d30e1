package gang

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// PostFilter gives up on a group of which one member fits on no node: it expects the
// same of the others, so those that wait give their nodes back. It does not if the
// group has all members that it needs, or lacks so few that the rest may yet fit, or
// starts without this one, or waits for pods that did not exist yet.
// It never makes a pod schedulable, and says nothing of pods in no group.
func (p *Plugin) PostFilter(
	_ context.Context, cycle fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	nothing := fwk.NewStatus(fwk.Unschedulable)
	key, ok := p.groupOf(pod)
	if !ok {
		return nil, nothing
	}
	group, err := p.findGroup(key)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if group == nil {
		return nil, fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("PodGroup %s not found", key))
	}
	members, err := p.members.listMembers(key)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if foundIncomplete(cycle) && p.ledger.assignedMembers(key) == 0 {
		return nil, nothing // PreFilter refused the pod for that; no node was asked
	}
	needed := int(group.Spec.MinMember)
	assigned := p.ledger.assignedMembers(key)
	lacking := needed - assigned
	if lacking <= 0 || float64(lacking)/float64(needed) <= p.toleratedGap {
		return nil, nothing
	}
	together, shortfall := groupcycle.GroupOf(cycle), ""
	if together != nil && together.Spared() {
		return nil, nothing
	}
	if together != nil && together.Shortfall() != nil {
		assigned = together.Shortfall().Fit // all members were looked at together
		shortfall = cutReasons(placesOf(group, assigned)+"; "+together.Shortfall().Because, maxShortfall)
	} else {
		assigned, shortfall = p.ledger.settleShortfall(key, assigned, p.shortfallOf(group, members, pod, assigned, statuses))
	}
	p.ledger.noteFailure(key, shortfall)
	p.rejectWaiting(key, givenBack(shortfall))
	if p.rejectBackoff > 0 && len(members) >= needed {
		p.ledger.restGroup(key, p.rejectBackoff)
	}
	p.announceShortfall(group, shortfall)
	return nil, fwk.NewStatus(fwk.Unschedulable, placesOf(group, assigned))
}
