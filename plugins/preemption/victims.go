package preemption

import (
	"context"
	"math"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// deviceVictims chooses among victims as DefaultPreemption does, but by devices: all nodes are
// looked at and not the first few, of equal priorities the least GPU time goes, and a
// gang goes as a whole. It serves one attempt of one pod.
type deviceVictims struct {
	preemption.Interface
	plugin *Plugin
	now    time.Time
	// held is how many thousandths of a GPU a pod has.
	held func(*v1.Pod) int64

	// choice is whom to end, nil if it is to be found out.
	choice *VictimChoice

	mutex sync.Mutex
	// lost is what is lost with a pod and its gang.
	lost map[types.UID]int64
}

// newDeviceVictims prepares the search in a pod's cycle.
func (p *Plugin) newDeviceVictims(state fwk.CycleState) *deviceVictims {
	byDevices := *p.DefaultPreemption // with the same executor: a pod waits for its victims whoever chose them
	d := &deviceVictims{Interface: &byDevices, plugin: p, now: time.Now(), held: heldGPUsIn(state), lost: map[types.UID]int64{}}
	if d.held == nil {
		d.held = p.devicesOf
	}
	byDevices.MoreImportantVictim = d.moreImportant
	return d
}

// GetOffsetAndNumCandidates implements preemption.Interface: every node is looked at.
func (d *deviceVictims) GetOffsetAndNumCandidates(nodes int32) (offset, candidates int32) {
	return 0, nodes
}

// SelectVictimsOnNode implements preemption.Interface. The other pods of a victim's gang are
// victims too, wherever they run.
func (d *deviceVictims) SelectVictimsOnNode(
	ctx context.Context, state fwk.CycleState, preemptor *v1.Pod, node fwk.NodeInfo,
	possible []*preemption.DomainVictim, budgets []*policy.PodDisruptionBudget,
) ([]*v1.Pod, int, *fwk.Status) {
	if d.choice != nil {
		possible = d.choice.onlyChosen(possible)
	}
	victims, exceeded, status := d.Interface.SelectVictimsOnNode(ctx, state, preemptor, node, possible, budgets)
	if !status.IsSuccess() {
		return victims, exceeded, status
	}
	known := sets.New[types.UID]()
	for _, victim := range victims {
		known.Insert(victim.UID)
	}
	for _, victim := range victims[:len(victims):len(victims)] {
		for _, member := range d.plugin.gangOf(victim) {
			if member.Spec.NodeName != "" && !known.Has(member.UID) {
				known.Insert(member.UID)
				victims = append(victims, member)
			}
		}
	}
	return victims, exceededBudgets(victims, budgets), status
}

// exceededBudgets is how many of the victims end beyond what budgets allow.
func exceededBudgets(victims []*v1.Pod, budgets []*policy.PodDisruptionBudget) int {
	exceeded := 0
	for _, budget := range budgets {
		counts, left := CountedBy(budget), budget.Status.DisruptionsAllowed
		for _, victim := range victims {
			if !counts(victim) {
				continue
			}
			if left--; left < 0 {
				exceeded++
			}
		}
	}
	return exceeded
}

// OrderedScoreFuncs implements preemption.Interface: the node is the best on which budgets are
// exceeded least, then whose victims have the lowest priorities, then the least device
// time, then the fewest pods.
func (d *deviceVictims) OrderedScoreFuncs(_ context.Context, victims map[string]*extenderv1.Victims) []func(node string) int64 {
	return []func(string) int64{
		func(node string) int64 { return -victims[node].NumPDBViolations },
		func(node string) int64 {
			highest := int64(math.MinInt32)
			for _, pod := range victims[node].Pods {
				highest = max(highest, int64(corev1.PodPriority(pod)))
			}
			return -highest
		},
		func(node string) int64 {
			lost := int64(0)
			for _, pod := range victims[node].Pods {
				lost += d.gpuTimeOf(pod)
			}
			return -lost
		},
		func(node string) int64 { return -int64(len(victims[node].Pods)) },
	}
}

// gpuTimeOf is what is lost with a pod by how long it has had what of GPUs.
func (d *deviceVictims) gpuTimeOf(pod *v1.Pod) int64 {
	ran := int64(0)
	if pod.Status.StartTime != nil {
		ran = d.now.Sub(pod.Status.StartTime.Time).Milliseconds()
	}
	return cluster.LostGPUTime(d.held(pod), ran)
}

// devicesOf is a thousand for each device that the pod's claims have, where nothing more is known.
func (p *Plugin) devicesOf(pod *v1.Pod) int64 {
	if p.claims == nil {
		return 0
	}
	devices := 0
	for _, name := range dra.ClaimNames(pod) {
		if claim, err := p.claims.ResourceClaims().Get(pod.Namespace, name); err == nil && claim.Status.Allocation != nil {
			devices += len(claim.Status.Allocation.Devices.Results)
		}
	}
	return int64(1000 * devices)
}

// moreImportant is kube-scheduler's order of victims, but of equal priorities the one with which
// more GPU time is lost comes first.
func (d *deviceVictims) moreImportant(a, b preemption.Victim) bool {
	if a.Priority() == b.Priority() {
		if x, y := d.lostWith(a), d.lostWith(b); x != y {
			return x > y
		}
	}
	return preemption.MoreImportantVictim(a, b)
}

// lostWith is the GPU time of a victim, or of all of its gang.
func (d *deviceVictims) lostWith(victim preemption.Victim) int64 {
	lost := int64(0)
	for _, info := range victim.Pods() {
		lost += d.lostWithPod(info.GetPod())
	}
	return lost
}

func (d *deviceVictims) lostWithPod(pod *v1.Pod) int64 {
	d.mutex.Lock()
	known, found := d.lost[pod.UID]
	d.mutex.Unlock()
	if found {
		return known
	}
	members := d.plugin.gangOf(pod)
	if len(members) == 0 {
		members = []*v1.Pod{pod}
	}
	lost := int64(0)
	for _, member := range members {
		lost += d.gpuTimeOf(member)
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.lost[pod.UID] = lost
	return lost
}

// takesDevices reports whether a pod has claims or asks for extended resources.
func takesDevices(pod *v1.Pod) bool {
	if len(pod.Spec.ResourceClaims) > 0 {
		return true
	}
	for _, containers := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for name := range containers[i].Resources.Requests {
				if helper.IsExtendedResourceName(name) {
					return true
				}
			}
		}
	}
	return false
}
