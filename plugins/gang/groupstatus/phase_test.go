package groupstatus

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

var (
	noon  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	start = metav1.NewTime(noon)
)

// podsIn is pods of the given phases: p(ending), r(unning), s(ucceeded), f(ailed).
func podsIn(phases string) []v1.Pod {
	var pods []v1.Pod
	for _, letter := range phases {
		phase := map[rune]v1.PodPhase{'p': v1.PodPending, 'r': v1.PodRunning, 's': v1.PodSucceeded, 'f': v1.PodFailed}[letter]
		pods = append(pods, v1.Pod{Status: v1.PodStatus{Phase: phase}})
	}
	return pods
}

func TestNextStatus(t *testing.T) {
	began := v1alpha1.PodGroupStatus{ScheduleStartTime: metav1.NewTime(noon.Add(-time.Hour))}
	const (
		pending    = v1alpha1.PodGroupPending
		scheduling = v1alpha1.PodGroupScheduling
		running    = v1alpha1.PodGroupRunning
		finished   = v1alpha1.PodGroupFinished
		failed     = v1alpha1.PodGroupFailed
	)
	earlier := began.ScheduleStartTime
	status := func(phase v1alpha1.PodGroupPhase, running, succeeded, failed int32, since metav1.Time) v1alpha1.PodGroupStatus {
		return v1alpha1.PodGroupStatus{Phase: phase, Running: running, Succeeded: succeeded, Failed: failed, ScheduleStartTime: since}
	}
	done := status(finished, 0, 3, 0, earlier)
	broken := status(failed, 1, 0, 2, earlier)
	// The group needs 3 members.
	for name, tc := range map[string]struct {
		before v1alpha1.PodGroupStatus
		pods   string
		want   v1alpha1.PodGroupStatus
	}{
		"no pods":                         {want: status(pending, 0, 0, 0, metav1.Time{})},
		"too few":                         {pods: "pr", want: status(pending, 1, 0, 0, metav1.Time{})},
		"enough, none runs":               {pods: "ppp", want: status(scheduling, 0, 0, 0, start)},
		"some run":                        {pods: "rrp", want: status(scheduling, 2, 0, 0, start)},
		"start time stays":                {before: began, pods: "rrp", want: status(scheduling, 2, 0, 0, earlier)},
		"all run":                         {before: began, pods: "rrr", want: status(running, 3, 0, 0, earlier)},
		"more than needed run":            {pods: "rrrrp", want: status(running, 4, 0, 0, start)},
		"some have succeeded":             {pods: "rrs", want: status(running, 2, 1, 0, start)},
		"all have succeeded":              {before: began, pods: "sss", want: done},
		"enough have succeeded":           {pods: "sssr", want: status(finished, 1, 3, 0, start)},
		"one failed":                      {pods: "rrf", want: status(failed, 2, 0, 1, start)},
		"one failed, enough run":          {pods: "rrrf", want: status(running, 3, 0, 1, start)},
		"one failed, others do not run":   {pods: "rpf", want: status(scheduling, 1, 0, 1, start)},
		"one failed, the rest is deleted": {pods: "f", want: status(pending, 0, 0, 1, metav1.Time{})},
		"running again after a gap":       {before: status(running, 3, 0, 0, earlier), pods: "rrp", want: status(scheduling, 2, 0, 0, earlier)},
		"pods deleted while it ran":       {before: status(running, 3, 0, 0, earlier), pods: "", want: status(pending, 0, 0, 0, earlier)},

		"finished, pods deleted":           {before: done, pods: "", want: done},
		"finished, some deleted":           {before: done, pods: "s", want: done},
		"finished, begun anew":             {before: done, pods: "ppp", want: status(scheduling, 0, 0, 0, earlier)},
		"finished, another succeeded":      {before: done, pods: "ssss", want: status(finished, 0, 4, 0, earlier)},
		"failed, pods deleted":             {before: broken, pods: "r", want: broken},
		"failed, replaced while pods stay": {before: broken, pods: "rrrff", want: status(running, 3, 0, 2, earlier)},
		"failed, replaced":                 {before: broken, pods: "rpp", want: status(scheduling, 1, 0, 0, earlier)},
	} {
		t.Run(name, func(t *testing.T) {
			group := &v1alpha1.PodGroup{Spec: v1alpha1.PodGroupSpec{MinMember: 3}, Status: tc.before}
			got := NextStatus(group, podsIn(tc.pods), noon.Add(300*time.Millisecond))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			group.Status = got
			if diff := cmp.Diff(got, NextStatus(group, podsIn(tc.pods), noon.Add(time.Hour))); diff != "" {
				t.Errorf("the same pods give another status later (-want +got):\n%s", diff)
			}
		})
	}
}
