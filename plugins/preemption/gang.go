package preemption

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// What other plugins say in a pod's cycle.
const (
	heldKey      fwk.StateKey = Name + "/held"
	neededKey    fwk.StateKey = Name + "/needed"
	forbiddenKey fwk.StateKey = Name + "/forbidden"
)

// heldGPUs says how many thousandths of a GPU a pod has.
type heldGPUs func(*v1.Pod) int64

// Clone implements fwk.StateData.
func (h heldGPUs) Clone() fwk.StateData { return h }

// NoteHeld says in a pod's cycle how many thousandths of a GPU other pods have.
func NoteHeld(state fwk.CycleState, held func(*v1.Pod) int64) { state.Write(heldKey, heldGPUs(held)) }

// heldGPUsIn is what NoteHeld said, nil if nothing.
func heldGPUsIn(state fwk.CycleState) func(*v1.Pod) int64 {
	if data, err := state.Read(heldKey); err == nil {
		if held, ok := data.(heldGPUs); ok {
			return held
		}
	}
	return nil
}

// neededMembers is how many pods of a gang start together.
type neededMembers int

// Clone implements fwk.StateData.
func (n neededMembers) Clone() fwk.StateData { return n }

// forbiddenBecause says why nobody is to be ended.
type forbiddenBecause string

// Clone implements fwk.StateData.
func (f forbiddenBecause) Clone() fwk.StateData { return f }

// NoteGang says how many pods the gang of the cycle's pod needs to start.
func NoteGang(state fwk.CycleState, needed int) { state.Write(neededKey, neededMembers(needed)) }

// NeededMembers is how many pods the gang of the cycle's pod needs; 0 for a pod in none.
func NeededMembers(state fwk.CycleState) int {
	if data, err := state.Read(neededKey); err == nil {
		if needed, ok := data.(neededMembers); ok {
			return int(needed)
		}
	}
	return 0
}

// ForbidVictims keeps the cycle's pod from ending others, and says why.
func ForbidVictims(state fwk.CycleState, because string) {
	state.Write(forbiddenKey, forbiddenBecause(because))
}

// whyForbidden is why the cycle's pod must not end others; "" if it may.
func whyForbidden(state fwk.CycleState) string {
	if data, err := state.Read(forbiddenKey); err == nil {
		if because, ok := data.(forbiddenBecause); ok {
			return string(because)
		}
	}
	return ""
}

// gangOf are the pods of a pod's gang; none if it is in no gang.
func (p *Plugin) gangOf(pod *v1.Pod) []*v1.Pod {
	name := pod.Labels[v1alpha1.PodGroupLabel]
	if name == "" {
		return nil
	}
	members, err := p.pods.Pods(pod.Namespace).List(labels.SelectorFromSet(labels.Set{v1alpha1.PodGroupLabel: name}))
	if err != nil {
		klog.Background().Error(err, "Listing the pods of a gang", "pod", klog.KObj(pod), "gang", name)
	}
	return members
}

// mayEnd reports whether the whole gang of a victim may be ended for a pod.
func (p *Plugin) mayEnd(_ fwk.NodeInfo, victim preemption.Victim, preemptor *v1.Pod) bool {
	priority := corev1.PodPriority(preemptor)
	for _, info := range victim.Pods() {
		for _, member := range p.gangOf(info.GetPod()) {
			if member.Spec.NodeName != "" && corev1.PodPriority(member) >= priority {
				return false
			}
		}
	}
	return true
}
