package dryrun

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// clusterOf is a cluster of nodes n0, n1 and so on with as many CPUs.
func clusterOf(cpus ...int64) *ClusterObjects {
	o := &ClusterObjects{Namespaces: []*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}}
	for i, count := range cpus {
		capacity := corev1.ResourceList{
			corev1.ResourceCPU: *resource.NewQuantity(count, resource.DecimalSI), corev1.ResourceMemory: resource.MustParse("64Gi"),
			corev1.ResourcePods: resource.MustParse("110"),
		}
		o.Nodes = append(o.Nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%d", i), Labels: map[string]string{"kubernetes.io/hostname": fmt.Sprintf("n%d", i)}},
			Status:     corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
		})
	}
	return o
}

// podText is the manifest of a pod that asks for CPUs, of a PodGroup if one is named.
func podText(name string, cpus int, group string) string {
	labels := ""
	if group != "" {
		labels = ", labels: {scheduling.x-k8s.io/pod-group: " + group + "}"
	}
	return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s%s}\n"+
		"spec: {schedulerName: ashlar-scheduler, containers: [{name: c, image: i, resources: {requests: {cpu: %d}}}]}\n", name, labels, cpus)
}

func groupText(name string, least int) string {
	return fmt.Sprintf("---\napiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroup\nmetadata: {name: %s}\nspec: {minMember: %d}\n",
		name, least)
}

// question asks about the pods of a manifest.
func question(t *testing.T, text string) *PlacementQuestion {
	t.Helper()
	manifest := &AppliedManifest{}
	if err := manifest.ReadObjects("pods.yaml", []byte(text), "default"); err != nil {
		t.Fatal(err)
	}
	return &PlacementQuestion{Manifest: manifest, Scheduler: "ashlar-scheduler"}
}

// A snapshot remembers what was scheduled and unbound, and the cluster that it was taken
// of does not.
func TestSnapshotKeepsBooks(t *testing.T) {
	ctx := context.Background()
	cluster := clusterOf(2)
	s, err := NewSnapshot(ctx, cluster, SnapshotOptions{Policy: placement.KeepPlaceable{}, SchedulerName: "ashlar-scheduler"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	workloads := question(t, podText("a", 2, "")+podText("b", 2, "")).Manifest.Workloads
	place := func(workload int) PodOutcome {
		t.Helper()
		pending, err := s.AdmitPod(makePods(workloads[workload], 0, 1)[0].Pod)
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := s.SchedulePod(ctx, pending)
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	first := place(0)
	if first.Bound == nil || first.Bound.Spec.NodeName != "n0" {
		t.Fatalf("the first pod is on %v, want n0: %s", first.Bound, first.Refusal)
	}
	if second := place(1); second.Bound != nil || !strings.Contains(second.Refusal, "Insufficient cpu") {
		t.Errorf("the second pod has a place, or waits for %q", second.Refusal)
	}
	if err := s.UnbindPods(first.Bound); err != nil {
		t.Fatal(err)
	}
	if third := place(1); third.Bound == nil {
		t.Errorf("the second pod waits, though the first is gone: %s", third.Refusal)
	}
	drained, err := s.DrainNodes([]string{"n0"})
	if err != nil || len(drained) != 1 || drained[0].Pod.Name != "b" {
		t.Errorf("drained %v, %v, want pod b", drained, err)
	}
	if outcome, err := s.SchedulePod(ctx, drained[0]); err != nil || outcome.Bound != nil {
		t.Errorf("a drained node was given a pod, %v", err)
	}
	if len(cluster.Pods) != 0 || cluster.Nodes[0].Spec.Unschedulable {
		t.Errorf("the cluster has changed: %d pods, cordoned %t", len(cluster.Pods), cluster.Nodes[0].Spec.Unschedulable)
	}
}

// A gang that is refused since its pods are placed one by one is noted as such, others
// are not.
func TestNotesOnOrderedGangs(t *testing.T) {
	const want = "PodGroup g: its pods were placed one after the other"
	for name, tc := range map[string]struct {
		text   string
		copies int
		fit    int
		noted  bool
	}{
		// The small pod takes the node with more room, which the large one needs.
		"another order fits": {groupText("g", 2) + podText("small", 1, "g") + podText("large", 4, "g"), 0, 0, true},
		"that order":         {groupText("g", 2) + podText("large", 4, "g") + podText("small", 1, "g"), 0, 2, false},
		"copies":             {groupText("g", 3) + podText("large", 3, "g"), 3, 0, false},
		"nothing has room":   {groupText("g", 2) + podText("large", 9, "g") + podText("larger", 10, "g"), 0, 0, false},
		"too few pods":       {groupText("g", 3) + podText("small", 1, "g") + podText("large", 1, "g"), 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, q := clusterOf(4, 1), question(t, tc.text)
			q.Copies = tc.copies
			answer, err := AnswerQuestion(context.Background(), cluster, q, placement.KeepPlaceable{})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Fit != tc.fit {
				t.Errorf("%d pods fit, want %d", answer.Fit, tc.fit)
			}
			if notes := strings.Join(answer.NotesFor(cluster, q), "\n"); strings.Contains(notes, want) != tc.noted {
				t.Errorf("notes %q, want one on the order: %t", notes, tc.noted)
			}
		})
	}
}
