package gang

import (
	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

// measureWaiting counts the groups of this profile that have not started and have pods which
// wait, with the age of their oldest pod; nil as long as this process has tried no pod: one
// that only stands by does not know which pods have a node.
func (p *Plugin) measureWaiting() map[metrics.GangCause]metrics.PendingPods {
	if !p.schedules.Load() {
		return nil
	}
	groups := map[groupKey][]*v1.Pod{}
	for _, object := range p.members.pods.List() {
		pod, ok := object.(*v1.Pod)
		if !ok || pod.DeletionTimestamp != nil || p.profile != "" && pod.Spec.SchedulerName != p.profile {
			continue
		}
		if key, ok := p.groupOf(pod); ok {
			groups[key] = append(groups[key], pod)
		}
	}
	waiting := map[metrics.GangCause]metrics.PendingPods{}
	for key, members := range groups {
		group, err := p.findGroup(key)
		if err != nil || group == nil || p.ledger.assignedMembers(key) >= int(group.Spec.MinMember) {
			continue
		}
		cause := metrics.PlacesMissing
		if missingMembers(group, members) != "" {
			cause = metrics.MembersMissing
		}
		oldest := metrics.PendingPods{}
		for _, member := range members {
			oldest = oldest.AddPod(member.CreationTimestamp.Time)
		}
		waiting[cause] = waiting[cause].AddPod(oldest.Oldest)
	}
	return waiting
}
