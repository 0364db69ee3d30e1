package gang

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/preemption"
)

// PreFilter turns away a member whose group cannot start whatever the nodes say: it
// rests after a rejection, has too few members that may run, or needs more together
// than the cluster has. Preempting others would not change that.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	p.schedules.Store(true)
	if key, ok := p.schedulingGroupOf(pod); ok {
		if err := p.noteSchedulingGroup(cycle, key); err != nil {
			return nil, unresolvablef("%s", err)
		}
		return nil, nil
	}
	key, ok := p.groupOf(pod)
	if !ok {
		return nil, nil
	}
	group, err := p.findGroup(key)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if group == nil {
		// Permit says that the group is missing: by then it may be there.
		return nil, nil
	}
	preemption.NoteGang(cycle, int(group.Spec.MinMember))
	if p.ledger.groupRests(key) {
		if shortfall := p.ledger.shortfallOf(key); shortfall != "" {
			return nil, unresolvablef("%s", shortfall)
		}
		return nil, unresolvablef("PodGroup %s was rejected a moment ago and is tried again shortly", key)
	}
	members, err := p.members.listMembers(key)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if reason := missingMembers(group, members); reason != "" {
		cycle.Write(incompleteKey, incompleteGroup{})
		return nil, unresolvablef("PodGroup %s %s", key, reason)
	}
	together, err := p.cycleGroup(group, members)
	if err != nil {
		return nil, unresolvablef("%s", err)
	}
	groupcycle.WriteGroup(cycle, together)
	if group.Spec.MinResources == nil || p.ledger.groupAdmitted(key) {
		return nil, nil
	}
	nodes, err := p.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("listing nodes: %w", err))
	}
	if gap := p.resourceGap(group, nodes); len(gap) > 0 {
		return nil, unresolvablef("PodGroup %s needs more than the cluster has free: it lacks %s", key, describeResources(gap))
	}
	p.ledger.admitGroup(key, p.admissionPeriod())
	return nil, nil
}

// cycleGroup is what the plugin that places devices is told of a group. An error is about an
// annotation.
func (p *Plugin) cycleGroup(group *v1alpha1.PodGroup, members []*v1.Pod) (*groupcycle.Group, error) {
	key := groupKey{Namespace: group.Namespace, Name: group.Name}
	constraints, err := groupcycle.ReadConstraints(key.String(), group.Annotations, members)
	if err != nil {
		return nil, err
	}
	together := &groupcycle.Group{
		Key: key, MinMember: int(group.Spec.MinMember), Created: group.CreationTimestamp.Time, Constraints: constraints,
		Timeout: p.permitTimeoutOf(group),
	}
	assigned := p.ledger.assignedTo(key)
	for _, member := range members {
		switch {
		case assigned.Has(member.UID) || member.Spec.NodeName != "": // the ledger hears of it a moment later
			together.Assigned = append(together.Assigned, member)
		case len(member.Spec.SchedulingGates) == 0 && member.DeletionTimestamp == nil:
			together.Pending = append(together.Pending, member)
		}
	}
	slices.SortFunc(together.Pending, func(a, b *v1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return together, nil
}

// incompleteGroup is in a cycle's state if PreFilter found too few members: the rest may come
// before the cycle ends, and PostFilter must not take this one for a member that no node
// has room for.
type incompleteGroup struct{}

const incompleteKey fwk.StateKey = Name + "/incomplete"

// Clone implements fwk.StateData.
func (s incompleteGroup) Clone() fwk.StateData { return s }

// foundIncomplete reports whether PreFilter refused the cycle's pod for members missing.
func foundIncomplete(cycle fwk.CycleState) bool {
	_, err := cycle.Read(incompleteKey)
	return err == nil
}

// PreFilterExtensions returns nil: no pod that is added or removed changes the answer.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// missingMembers says why too few of the group's pods can run; empty if enough can. A
// pod with a scheduling gate cannot, nor one that is deleted before it has a node.
func missingMembers(group *v1alpha1.PodGroup, members []*v1.Pod) string {
	needed, ready, gated := int(group.Spec.MinMember), 0, 0
	for _, member := range members {
		switch {
		case member.DeletionTimestamp != nil && member.Spec.NodeName == "":
		case len(member.Spec.SchedulingGates) > 0:
			gated++
		default:
			ready++
		}
	}
	switch {
	case ready+gated < needed:
		return fmt.Sprintf("has %d of the %d pods that it needs", ready+gated, needed)
	case ready < needed:
		return fmt.Sprintf("has %d of the %d pods that it needs, not counting %d that a scheduling gate holds back", ready, needed, gated)
	}
	return ""
}

func unresolvablef(format string, values ...any) *fwk.Status {
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf(format, values...))
}
