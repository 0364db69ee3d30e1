package dryrun

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// NotesFor say what should be known beside the answer to a question: what was left out
// of it.
func (a *PlacementAnswer) NotesFor(cluster *ClusterObjects, q *PlacementQuestion) []string {
	notes := slices.Concat(cluster.notesOnUnread(), q.Manifest.Notes, q.Manifest.AutoscalerNotes(), notesOnStaying(cluster, q.Drain))
	var foreign, gated, volumes, alone, evicting []string
	var doubts serverDoubts
	for i := range a.outcomes {
		o := &a.outcomes[i]
		name := o.Pod.Name
		if o.Pod.Spec.SchedulerName != q.Scheduler && (o.From == "" || len(o.Pod.Spec.ResourceClaims) > 0) {
			foreign = append(foreign, name)
		}
		if len(o.Pod.Spec.SchedulingGates) > 0 {
			gated = append(gated, name)
		}
		if o.From == "" {
			doubts.addTexts(o.Pod.Name, o.serverDoubts())
			if none := modelmemory.NoDeviceDoubt(o.Pod); none != "" {
				doubts.addTexts(o.Pod.Name, []string{none})
			}
			doubts.addTexts(o.Pod.Name, o.Counted.Doubts)
			if doubt := modelmemory.SeparateDoubt(o.Pod); doubt != "" && o.Bound != nil && o.Counted.Got == "" {
				doubts.addTexts(o.Pod.Name, []string{doubt})
			}
		}
		if slices.ContainsFunc(o.Pod.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil || v.Ephemeral != nil }) {
			volumes = append(volumes, name)
		}
		if strings.HasPrefix(o.From, fromNode) && metav1.GetControllerOf(o.Pod) == nil {
			alone = append(alone, name)
		}
		if o.Bound == nil && o.refusal == nil && mayPreempt(o.Pod, cluster) {
			evicting = append(evicting, name)
		}
	}
	note := func(names []string, text string) {
		if len(names) > 0 {
			notes = append(notes, namedPods(names)+text)
		}
	}
	for _, doubt := range doubts.texts {
		note(doubts.pods[doubt], ": "+doubt)
	}
	note(foreign, ": spec.schedulerName is not "+q.Scheduler+"; this is what "+q.Scheduler+" would do")
	note(gated, ": no scheduler looks at the pod before its spec.schedulingGates are gone; this is what would become of it then")
	note(volumes, ": where persistent volumes can be attached was not looked at")
	note(alone, ": no controller would make the pod anew once it is gone")
	for _, group := range a.orderedGroups {
		notes = append(notes, "PodGroup "+group+": its pods were placed one after the other; in another order all might have found places")
	}
	note(evicting, ": the scheduler may evict pods of lower priority, which was not looked at")
	if waiting := len(cluster.WaitingPods()); waiting > 0 && !q.Waiting {
		notes = append(notes, fmt.Sprintf("pods of the cluster that wait already, %d, were left out: --waiting asks about them too", waiting))
	}
	return notes
}

// serverDoubts says what is doubtful about the servers of a pod and is not in its refusal. What a pod that joins
// the server of its group leaves open, the group's first pod says.
func (o *PodOutcome) serverDoubts() []string {
	found := slices.DeleteFunc(modelmemory.Doubts(o.Pod), func(doubt string) bool { return strings.Contains(o.Refusal, doubt) })
	if len(found) > 0 && o.template != nil && o.template.JoinsServer() {
		return []string{"joins the server that the first pod of its group starts, and that server's memory was checked for that pod alone"}
	}
	return found
}

// serverDoubts are what is doubtful about pods' model servers, in the order found.
type serverDoubts struct {
	texts []string
	pods  map[string][]string
}

func (d *serverDoubts) addTexts(pod string, texts []string) {
	for _, doubt := range texts {
		if d.pods == nil {
			d.pods = map[string][]string{}
		}
		if d.pods[doubt] == nil {
			d.texts = append(d.texts, doubt)
		}
		d.pods[doubt] = append(d.pods[doubt], pod)
	}
}

// mayPreempt reports whether preemption could help the pod at all.
func mayPreempt(pod *corev1.Pod, cluster *ClusterObjects) bool {
	if ptr.Deref(pod.Spec.PreemptionPolicy, corev1.PreemptLowerPriority) == corev1.PreemptNever {
		return false
	}
	return slices.ContainsFunc(cluster.BoundPods(), func(other *corev1.Pod) bool {
		return ptr.Deref(other.Spec.Priority, 0) < ptr.Deref(pod.Spec.Priority, 0)
	})
}

// namedPods names some of many.
func namedPods(names []string) string {
	const most = 3
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
