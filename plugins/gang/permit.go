package gang

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Permit lets a member wait with its node in hand until minMember members have one,
// then releases all at once. A member that waits longer than the group allows is
// rejected, and Unreserve then rejects the others.
func (p *Plugin) Permit(ctx context.Context, state fwk.CycleState, pod *v1.Pod, _ string) (*fwk.Status, time.Duration) {
	key, ok := p.groupOf(pod)
	if !ok {
		return nil, 0
	}
	group, err := p.findGroup(key)
	if err != nil {
		return fwk.AsStatus(err), 0
	}
	if group == nil {
		return fwk.NewStatus(fwk.Unschedulable, givenBack(fmt.Sprintf("PodGroup %s not found", key))), 0
	}
	assigned := p.ledger.assignMember(key, pod.UID)
	if assigned >= int(group.Spec.MinMember) {
		p.ledger.clearFailure(key)
		p.waitingMembers(key, func(waiting fwk.WaitingPod) { waiting.Allow(Name) })
		return nil, 0
	}
	if assigned == 1 {
		// The first member got past PreFilter: what kept the others back may be over.
		if err := p.activateSiblings(state, key, pod); err != nil {
			klog.FromContext(ctx).Error(err, "Activating the other pods of a group", "podGroup", key)
		}
	}
	return fwk.NewStatus(fwk.Wait), p.permitTimeoutOf(group)
}

// activateSiblings has the scheduler move the group's other pods to the active queue at
// the end of this cycle.
func (p *Plugin) activateSiblings(state fwk.CycleState, key groupKey, pod *v1.Pod) error {
	members, err := p.members.listMembers(key)
	if err != nil {
		return err
	}
	data, err := state.Read(framework.PodsToActivateKey)
	if err != nil {
		return fmt.Errorf("reading the pods to activate: %w", err)
	}
	activated, ok := data.(*framework.PodsToActivate)
	if !ok {
		return fmt.Errorf("the pods to activate are a %T", data)
	}
	activated.Lock()
	defer activated.Unlock()
	for _, member := range members {
		if member.UID != pod.UID {
			activated.Map[member.Namespace+"/"+member.Name] = member
		}
	}
	return nil
}
