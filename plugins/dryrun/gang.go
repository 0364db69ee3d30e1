package dryrun

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// podSet is pods that are placed one after the other: alike ones, or those of a group.
type podSet struct {
	// group is nil for pods that start without waiting for others.
	group *v1alpha1.PodGroup
	pods  []PendingPod
}

// podSetsOf keeps the order of the pods, except that those of a group come together with
// its first, as in coscheduling's queue.
func podSetsOf(pods []PendingPod, groups []*v1alpha1.PodGroup) []podSet {
	var sets []podSet
	at := map[*v1alpha1.PodGroup]int{}
	for _, one := range pods {
		group := groupOf(one.Pod, groups)
		last := len(sets) - 1
		switch i, seen := at[group]; {
		case group != nil && seen:
			sets[i].pods = append(sets[i].pods, one)
		case group == nil && last >= 0 && sets[last].group == nil && one.isAlike(&sets[last].pods[0]):
			sets[last].pods = append(sets[last].pods, one)
		default:
			if group != nil {
				at[group] = len(sets)
			}
			sets = append(sets, podSet{group: group, pods: []PendingPod{one}})
		}
	}
	return sets
}

// groupOf is the PodGroup that a pod belongs to, nil if it is in none that is known.
func groupOf(pod *corev1.Pod, groups []*v1alpha1.PodGroup) *v1alpha1.PodGroup {
	name := pod.Labels[v1alpha1.PodGroupLabel]
	if name == "" {
		return nil
	}
	for _, group := range groups {
		if group.Name == name && group.Namespace == pod.Namespace {
			return group
		}
	}
	return nil
}

// enforceGang takes the pods of a group back if too few of them have a place. It reports
// whether another order of the pods might have had another end: they are placed one by
// one, so that the first may take what a later one needs.
func (s *Snapshot) enforceGang(set *podSet, outcomes []PodOutcome) (orderMatters bool, err error) {
	members := 0
	for _, pod := range s.pods {
		if groupOf(pod, []*v1alpha1.PodGroup{set.group}) != nil {
			members++
		}
	}
	least := int(set.group.Spec.MinMember)
	if members >= least {
		return false, nil
	}
	var back []*corev1.Pod
	because := ""
	for i := range outcomes {
		if outcomes[i].Bound != nil {
			back = append(back, outcomes[i].Bound)
		} else if because == "" {
			because = outcomes[i].Refusal
		}
	}
	reason := fmt.Sprintf("%d of the %d pods that PodGroup %s starts together have a place; the others: %s",
		members, least, set.group.Name, because)
	if all := members - len(back) + len(outcomes); all < least {
		reason = fmt.Sprintf("PodGroup %s starts %d pods together, and %d are placed already or were asked about: %d are missing",
			set.group.Name, least, all, least-all)
		because = ""
	}
	for i := range outcomes {
		outcomes[i].Bound, outcomes[i].Refusal = nil, reason
	}
	differ := slices.ContainsFunc(set.pods, func(p PendingPod) bool { return !p.isAlike(&set.pods[0]) })
	return because != "" && len(back) > 0 && differ, s.UnbindPods(slices.Clip(back)...)
}
