package whatif

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// unit is pods that are placed one after the other: alike ones, or those of a group.
type unit struct {
	// group is nil for pods that start without waiting for others.
	group *Group
	pods  []asked
}

// unitsOf keeps the order of the pods, except that those of a group come together with
// its first, as in coscheduling's queue.
func unitsOf(pods []asked, groups []*Group) []unit {
	var units []unit
	at := map[*Group]int{}
	for _, one := range pods {
		group := groupOf(one.pod, groups)
		last := len(units) - 1
		switch i, seen := at[group]; {
		case group != nil && seen:
			units[i].pods = append(units[i].pods, one)
		case group == nil && last >= 0 && units[last].group == nil && one.alike != nil && one.alike == units[last].pods[0].alike:
			units[last].pods = append(units[last].pods, one)
		default:
			if group != nil {
				at[group] = len(units)
			}
			units = append(units, unit{group: group, pods: []asked{one}})
		}
	}
	return units
}

func groupOf(pod *corev1.Pod, groups []*Group) *Group {
	name := pod.Labels[groupLabel]
	if name == "" {
		return nil
	}
	for _, group := range groups {
		if group.Metadata.Name == name && group.Metadata.Namespace == pod.Namespace {
			return group
		}
	}
	return nil
}

// together takes the pods of a group back if too few of them have a place.
func (w *world) together(u unit, outcomes []outcome) error {
	members := 0
	for _, pod := range w.pods {
		if groupOf(pod, []*Group{u.group}) != nil {
			members++
		}
	}
	if members >= u.group.Spec.MinMember {
		return nil
	}
	var back []*corev1.Pod
	because := ""
	for i := range outcomes {
		if outcomes[i].bound != nil {
			back = append(back, outcomes[i].bound)
		} else if because == "" {
			because = outcomes[i].refusal
		}
	}
	for i := range outcomes {
		outcomes[i].bound = nil
		outcomes[i].refusal = fmt.Sprintf("%d of the %d pods that PodGroup %s starts together have a place", members, u.group.Spec.MinMember, u.group.Metadata.Name)
		if because != "" {
			outcomes[i].refusal += "; the others: " + because
		} else {
			outcomes[i].refusal += ", and no more were asked about"
		}
	}
	return w.unbind(slices.Clip(back)...)
}
