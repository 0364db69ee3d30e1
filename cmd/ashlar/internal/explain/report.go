package explain

import (
	"cmp"
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/nearest"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// States of a pod.
const (
	stateWaiting = "waiting"
	statePlaced  = "placed"
	stateEnded   = "ended"
	stateLeaving = "being deleted"
)

// PodReport is what explain prints.
type PodReport struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	State     string `json:"state"`
	Phase     string `json:"phase,omitempty"`
	Scheduler string `json:"scheduler,omitempty"`
	Node      string `json:"node,omitempty"`
	// Said is what the pod's scheduler said last.
	Said string `json:"said,omitempty"`
	// Holds is what the pod has, GPU by GPU, and Links how its GPUs reach each other.
	Holds []heldGPU `json:"holds,omitempty"`
	Links []gpuLink `json:"links,omitempty"`
	// Today is what the scheduler would do with the pod on the cluster as it is; Companions those of its
	// PodGroup that wait with it.
	Today      *dryrun.PodPlacement   `json:"today,omitempty"`
	Companions []*dryrun.PodPlacement `json:"companions,omitempty"`
	// Refused are the nodes that do not take the pod, by reason; Feasible those that do.
	Refused  []nodeGroup `json:"refused,omitempty"`
	Feasible []string    `json:"feasible,omitempty"`
	// WaysOut are the changes after which the pod's model server would start, the best first.
	WaysOut []dryrun.WayOut `json:"waysOut,omitempty"`
	Doubts  []string        `json:"doubts,omitempty"`
	Notes   []string        `json:"notes,omitempty"`
}

// heldGPU is what a pod has of one GPU, and what others may still be given of it.
type heldGPU struct {
	Index        int64             `json:"index"`
	Product      string            `json:"product"`
	Memory       int64             `json:"memory"`
	FreeMemory   int64             `json:"freeMemory"`
	LargestSlice string            `json:"largestSlice,omitempty"`
	Healthy      bool              `json:"healthy"`
	NUMA         int64             `json:"numa"`
	Island       int64             `json:"island"`
	Holder       clustermap.Holder `json:"holder"`
}

// gpuLink is how two GPUs reach each other.
type gpuLink struct {
	From int64  `json:"from"`
	To   int64  `json:"to"`
	Link string `json:"link"`
}

// nodeGroup are nodes of one model that refuse a pod for one reason.
type nodeGroup struct {
	Model  string   `json:"model,omitempty"`
	Reason string   `json:"reason"`
	Nodes  []string `json:"nodes"`
}

// explainPod finds out about a pod of the cluster.
func explainPod(
	ctx context.Context, objects *dryrun.ClusterObjects, pod *corev1.Pod, scheduler string, policy placement.Policy,
) (*PodReport, error) {
	r := &PodReport{
		Namespace: pod.Namespace, Name: pod.Name, Phase: string(pod.Status.Phase), Node: pod.Spec.NodeName, Scheduler: pod.Spec.SchedulerName,
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			r.Said = cmp.Or(condition.Message, condition.Reason)
		}
	}
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		r.State = stateEnded
		return r, nil
	case pod.Spec.NodeName == "" && pod.DeletionTimestamp != nil:
		r.State = stateLeaving
		return r, nil
	case pod.Spec.NodeName != "":
		r.State = statePlaced
	default:
		r.State = stateWaiting
	}
	if pod.Spec.SchedulerName != scheduler && len(nearest.Names(pod.Spec.SchedulerName, []string{scheduler})) > 0 {
		r.Notes = append(r.Notes, "spec.schedulerName is "+pod.Spec.SchedulerName+", and the scheduler's name is "+scheduler+
			": no scheduler looks at the pod if none has that name; make the pod anew with schedulerName: "+scheduler)
	}
	replay, err := dryrun.ReplayPod(ctx, objects, pod, scheduler, policy)
	if err != nil {
		return nil, err
	}
	drawn, err := clustermap.Draw(ctx, objects)
	if err != nil {
		return nil, err
	}
	models := map[string]string{}
	for i := range drawn.Nodes {
		node := &drawn.Nodes[i]
		for _, gpu := range node.GPUs {
			models[node.Name] = gpu.Product
		}
		if node.Name == pod.Spec.NodeName {
			r.addHolds(node, pod)
		}
	}
	r.Today, r.Companions = replay.Placement.Pods[0], replay.Placement.Pods[1:]
	r.Feasible, r.Doubts, r.WaysOut = replay.Feasible, replay.Doubts, replay.WaysOut
	r.Notes = append(r.Notes, replay.Notes...)
	r.groupRefusals(replay.Refused, models)
	return r, nil
}

// addHolds writes down what the pod has of its node.
func (r *PodReport) addHolds(node *clustermap.Node, pod *corev1.Pod) {
	var at []int
	for i := range node.GPUs {
		gpu := &node.GPUs[i]
		for _, holder := range gpu.Holders {
			if holder.Namespace == pod.Namespace && holder.Pod == pod.Name {
				r.Holds = append(r.Holds, heldGPU{
					Index: gpu.Index, Product: gpu.Product, Memory: gpu.Memory, FreeMemory: gpu.FreeMemory,
					LargestSlice: gpu.LargestSlice, Healthy: gpu.Healthy, NUMA: gpu.NUMA, Island: gpu.Island, Holder: holder,
				})
				if !slices.Contains(at, i) {
					at = append(at, i)
				}
			}
		}
	}
	if node.Links == nil {
		return
	}
	for k, i := range at {
		for _, j := range at[k+1:] {
			r.Links = append(r.Links, gpuLink{From: node.GPUs[i].Index, To: node.GPUs[j].Index, Link: node.Links[i][j]})
		}
	}
}

// groupRefusals puts nodes together that are of one model and refuse for one reason, the most nodes first.
func (r *PodReport) groupRefusals(refused []dryrun.NodeRefusal, models map[string]string) {
	type groupKey struct{ model, reason string }
	groups := map[groupKey]int{}
	for _, one := range refused {
		key := groupKey{models[one.Node], one.Reason}
		at, found := groups[key]
		if !found {
			at = len(r.Refused)
			groups[key] = at
			r.Refused = append(r.Refused, nodeGroup{Model: key.model, Reason: key.reason})
		}
		r.Refused[at].Nodes = append(r.Refused[at].Nodes, one.Node)
	}
	for i := range r.Refused {
		slices.Sort(r.Refused[i].Nodes)
	}
	slices.SortFunc(r.Refused, func(a, b nodeGroup) int {
		return cmp.Or(cmp.Compare(len(b.Nodes), len(a.Nodes)), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Reason, b.Reason))
	})
}
