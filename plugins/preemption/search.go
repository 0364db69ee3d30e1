package preemption

import (
	"context"

	v1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
)

// Whom to end for a pod that takes devices is decided over all nodes at once, by what is known of their devices, as in the
// simulator. kube-scheduler's own search then confirms the one node with these victims. If it does not, since other
// plugins have a say, it is tried on the most promising nodes.

// VictimQuery is what is asked of a VictimSearch.
type VictimQuery struct {
	// Nodes are those on which the end of pods may help.
	Nodes   []fwk.NodeInfo
	Budgets []*policy.PodDisruptionBudget
	// LostWith is the GPU time that is lost with a pod, without its gang.
	LostWith func(*v1.Pod) int64
}

// VictimChoice is whom to end so that a pod fits on a node.
type VictimChoice struct {
	Node    string
	Victims sets.Set[types.UID]
}

// VictimSearch finds whom to end for the pod of a cycle; nil if it finds nobody, or cannot tell who would be best.
type VictimSearch func(*VictimQuery) *VictimChoice

const searchKey fwk.StateKey = Name + "/search"

// Clone implements fwk.StateData.
func (s VictimSearch) Clone() fwk.StateData { return s }

// NoteSearch puts the search for the cycle's pod into the cycle's state.
func NoteSearch(state fwk.CycleState, search VictimSearch) { state.Write(searchKey, search) }

// searchIn is what NoteSearch put there, nil for nothing.
func searchIn(state fwk.CycleState) VictimSearch {
	if data, err := state.Read(searchKey); err == nil {
		if search, ok := data.(VictimSearch); ok {
			return search
		}
	}
	return nil
}

// endChosen ends the pods that the cycle's search chooses. The status is a rejection if it chooses none, or others
// do not confirm them; asked says that the pod may end others at all.
func (p *Plugin) endChosen(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (result *fwk.PostFilterResult, status *fwk.Status, asked bool) {
	search := searchIn(state)
	if search == nil {
		return nil, fwk.NewStatus(fwk.Unschedulable), true
	}
	chosen := p.newDeviceVictims(state)
	promising := &promisingNodes{NodeToStatusReader: statuses, rank: func(nodes []fwk.NodeInfo) []fwk.NodeInfo {
		asked = true
		budgets, err := p.budgets.List(labels.Everything())
		if err != nil {
			return nil
		}
		chosen.choice = search(&VictimQuery{Nodes: nodes, Budgets: budgets, LostWith: chosen.gpuTimeOf})
		if chosen.choice == nil {
			return nil
		}
		for _, node := range nodes {
			if node.Node().Name == chosen.choice.Node {
				return []fwk.NodeInfo{node}
			}
		}
		return nil
	}}
	result, status = preemption.NewEvaluator(Name, p.handle, chosen, p.Executor).Preempt(ctx, state, pod, promising)
	return result, status, asked
}

// onlyChosen are the possible victims that were chosen.
func (c *VictimChoice) onlyChosen(possible []*preemption.DomainVictim) []*preemption.DomainVictim {
	var chosen []*preemption.DomainVictim
	for _, victim := range possible {
		for _, info := range victim.Pods() {
			if c.Victims.Has(info.GetPod().UID) {
				chosen = append(chosen, victim)
				break
			}
		}
	}
	return chosen
}
