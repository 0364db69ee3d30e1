package groupstatus

import (
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// NextStatus is the group's status at a time, given its pods. The phases, by what
// minMember pods do:
//
//	Pending     fewer exist
//	Scheduling  enough exist, but not so many run or have succeeded
//	Running     so many run or have succeeded
//	Failed      so many have run, and too few are left because some failed
//	Finished    so many have succeeded
//
// The start time is that of the first Scheduling and stays. A group that has ended
// keeps its status when its pods are deleted, until minMember pods live again.
func NextStatus(group *v1alpha1.PodGroup, pods []v1.Pod, now time.Time) v1alpha1.PodGroupStatus {
	needed := group.Spec.MinMember
	next, members := group.Status, int32(len(pods))
	running, succeeded, failed := countPhases(pods)
	living := members - succeeded - failed
	if hasEnded(group.Status.Phase) && succeeded+failed < group.Status.Succeeded+group.Status.Failed && living < needed {
		return next
	}
	next.Running, next.Succeeded, next.Failed = running, succeeded, failed
	switch {
	case members < needed || members == 0:
		next.Phase = v1alpha1.PodGroupPending
	case succeeded >= needed:
		next.Phase = v1alpha1.PodGroupFinished
	case running+succeeded >= needed:
		next.Phase = v1alpha1.PodGroupRunning
	case failed > 0 && running+succeeded+failed >= needed:
		next.Phase = v1alpha1.PodGroupFailed
	default:
		next.Phase = v1alpha1.PodGroupScheduling
	}
	if next.ScheduleStartTime.IsZero() && next.Phase != v1alpha1.PodGroupPending {
		// What the API stores has whole seconds.
		next.ScheduleStartTime = metav1.NewTime(now.Truncate(time.Second))
	}
	return next
}

// hasEnded is whether a group in that phase has nothing more to run.
func hasEnded(phase v1alpha1.PodGroupPhase) bool {
	return phase == v1alpha1.PodGroupFinished || phase == v1alpha1.PodGroupFailed
}

// countPhases counts the pods that run, have succeeded and have failed.
func countPhases(pods []v1.Pod) (running, succeeded, failed int32) {
	for i := range pods {
		switch pods[i].Status.Phase {
		case v1.PodRunning:
			running++
		case v1.PodSucceeded:
			succeeded++
		case v1.PodFailed:
			failed++
		}
	}
	return running, succeeded, failed
}
