package dryrun

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PodReplay is what the scheduler would do today with a pod of a cluster.
type PodReplay struct {
	// Placement is the pod's place, or why there is none.
	Placement *PlacementAnswer
	// Refused are the nodes that do not take the pod, in the cluster's order; Feasible those that do.
	Refused  []NodeRefusal
	Feasible []string
	// Doubts are about the pod's model servers.
	Doubts []string
	Notes  []string
	// WaysOut are the changes after which the pod's model server would start, the best first.
	WaysOut []WayOut
}

// NodeRefusal is why a node does not take a pod.
type NodeRefusal struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
}

// ReplayPod schedules a pod of the cluster on a copy of it: one that waits, together with the pods of its
// PodGroup that wait, and one that has a node as if it were made anew and were not there. Other pods that
// wait are left out. scheduler is the name by which pods choose Ashlar. The cluster stays as it is.
func ReplayPod(
	ctx context.Context, cluster *ClusterObjects, pod *corev1.Pod, scheduler string, policy placement.Policy,
) (*PodReplay, error) {
	s, err := NewSnapshot(ctx, cluster, SnapshotOptions{Policy: policy, SchedulerName: scheduler})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	pods, err := s.podsToReplay(cluster, pod)
	if err != nil {
		return nil, err
	}
	replay := &PodReplay{Doubts: modelmemory.Doubts(pod)}
	if err := s.askEachNode(ctx, replay, pods[0]); err != nil {
		return nil, err
	}
	before, err := s.gpuHoldings()
	if err != nil {
		return nil, err
	}
	a := &PlacementAnswer{Policy: policy.Name(), Pods: []*PodPlacement{}, refused: map[*podspec.PodTemplate]string{}}
	sets := podSetsOf(pods, cluster.PodGroups)
	for i := range sets {
		if err := a.placeSet(ctx, s, &sets[i]); err != nil {
			return nil, err
		}
	}
	if err := a.fillIn(s, before); err != nil {
		return nil, err
	}
	replay.Placement = a
	s.addWaysOut(ctx, replay, pods[0].Pod)
	replay.Notes = a.NotesFor(cluster, &PlacementQuestion{Manifest: &AppliedManifest{}, Scheduler: scheduler, Waiting: true})
	return replay, nil
}

// podsToReplay are the pod itself and those that wait with it.
func (s *Snapshot) podsToReplay(cluster *ClusterObjects, pod *corev1.Pod) ([]PendingPod, error) {
	isPod := func(other *corev1.Pod) bool { return other.Namespace == pod.Namespace && other.Name == pod.Name }
	if pod.Spec.NodeName != "" {
		at := slices.IndexFunc(s.pods, isPod)
		if at < 0 {
			return nil, &QuestionError{fmt.Errorf("pod %s/%s is on node %s, which is not there", pod.Namespace, pod.Name, pod.Spec.NodeName)}
		}
		bound := s.pods[at]
		next, err := s.RecreatePod(bound)
		if err != nil {
			next.refusal = &podRefusal{reason: err.Error()}
		}
		next.From = fromNode + bound.Spec.NodeName
		return []PendingPod{next}, s.UnbindPods(bound)
	}
	pods := []PendingPod{{Pod: s.admission.identifyPod(pod), From: fromQueue}}
	group := groupOf(pod, cluster.PodGroups)
	for _, other := range cluster.WaitingPods() {
		if group != nil && groupOf(other, cluster.PodGroups) == group && !isPod(other) {
			pods = append(pods, PendingPod{Pod: s.admission.identifyPod(other), From: fromQueue})
		}
	}
	return pods, nil
}

// askEachNode asks every node whether it takes the pod. What a plugin fails on is said of the pod's
// placement.
func (s *Snapshot) askEachNode(ctx context.Context, replay *PodReplay, pending PendingPod) error {
	if pending.refusal != nil {
		return nil
	}
	for _, claim := range pending.Claims {
		s.claims.putClaim(claim)
	}
	diagnosis := framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}
	feasible, err := s.feasibleNodes(ctx, framework.NewCycleState(), pending.Pod, &diagnosis)
	if err != nil || diagnosis.PreFilterMsg != "" {
		return ctx.Err()
	}
	takes := map[string]bool{}
	for _, node := range feasible {
		takes[node.Node().Name] = true
	}
	for _, node := range s.nodes {
		if takes[node.Name] {
			replay.Feasible = append(replay.Feasible, node.Name)
			continue
		}
		reason := strings.Join(diagnosis.NodeToStatus.Get(node.Name).Reasons(), "; ")
		replay.Refused = append(replay.Refused, NodeRefusal{Node: node.Name, Reason: reason})
	}
	return nil
}
