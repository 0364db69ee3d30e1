package whatif

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// Notes say what should be known beside an answer: what was left out of it.
func (a *Answer) Notes(cluster *Objects, q *Question) []string {
	notes := slices.Clone(q.Manifest.Notes)
	var foreign, volumes, alone, evicting []string
	var doubts serverDoubts
	for i := range a.outcomes {
		o := &a.outcomes[i]
		name := o.pod.Name
		if o.pod.Spec.SchedulerName != q.Scheduler && (o.from == "" || len(o.pod.Spec.ResourceClaims) > 0) {
			foreign = append(foreign, name)
		}
		if o.from == "" {
			doubts.add(o.pod)
		}
		if slices.ContainsFunc(o.pod.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil || v.Ephemeral != nil }) {
			volumes = append(volumes, name)
		}
		if strings.HasPrefix(o.from, fromNode) && metav1.GetControllerOf(o.pod) == nil {
			alone = append(alone, name)
		}
		if o.bound == nil && mayEvict(o.pod, cluster) {
			evicting = append(evicting, name)
		}
	}
	note := func(names []string, text string) {
		if len(names) > 0 {
			notes = append(notes, few(names)+text)
		}
	}
	for _, doubt := range doubts.texts {
		note(doubts.pods[doubt], ": "+doubt)
	}
	note(foreign, ": spec.schedulerName is not "+q.Scheduler+"; this is what "+q.Scheduler+" would do")
	note(volumes, ": where persistent volumes can be attached was not looked at")
	note(alone, ": no controller would make the pod anew once it is gone")
	note(evicting, ": the scheduler may evict pods of lower priority, which was not looked at")
	if waiting := len(cluster.Waiting()); waiting > 0 && !q.Waiting {
		notes = append(notes, fmt.Sprintf("pods of the cluster that wait already, %d, were left out: --waiting asks about them too", waiting))
	}
	return notes
}

// serverDoubts are what is doubtful about pods' model servers, in the order found.
type serverDoubts struct {
	texts []string
	pods  map[string][]string
}

func (d *serverDoubts) add(pod *corev1.Pod) {
	for _, doubt := range modelmemory.Doubts(pod) {
		if d.pods == nil {
			d.pods = map[string][]string{}
		}
		if d.pods[doubt] == nil {
			d.texts = append(d.texts, doubt)
		}
		d.pods[doubt] = append(d.pods[doubt], pod.Name)
	}
}

// mayEvict reports whether preemption could help the pod at all.
func mayEvict(pod *corev1.Pod, cluster *Objects) bool {
	if ptr.Deref(pod.Spec.PreemptionPolicy, corev1.PreemptLowerPriority) == corev1.PreemptNever {
		return false
	}
	return slices.ContainsFunc(cluster.Bound(), func(other *corev1.Pod) bool {
		return ptr.Deref(other.Spec.Priority, 0) < ptr.Deref(pod.Spec.Priority, 0)
	})
}

// few names some of many.
func few(names []string) string {
	const most = 3
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
