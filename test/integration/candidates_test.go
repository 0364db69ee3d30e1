package integration

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The nodes with the best devices are asked first. Where other plugins refuse all of them, here
// because a pod of the same kind is on each, the others are asked at once: every pod gets a
// node as if all had been asked.
func TestNodesBeyondTheCandidatesAreAsked(t *testing.T) {
	s := newSpace(t)
	const scheduler = "candidates-scheduler"
	s.ownScheduler(scheduler, "  pluginConfig:\n", "  pluginConfig:\n  - name: DevicePlacement\n    args: {candidates: 1}\n")
	nodes := []string{"apart-a", "apart-b", "apart-c", "apart-d", "apart-e", "apart-f"}
	var names []string
	for i := range nodes {
		pod := s.pod(fmt.Sprint("apart-", i), scheduler, nodes...)
		pod.Labels = map[string]string{"kind": "apart"}
		pod.Spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels}, TopologyKey: corev1.LabelHostname,
		}}}
		s.create(pod, request(whole, 1))
		names = append(names, pod.Name)
		s.running(pod.Name)
	}
	seen := map[string]bool{}
	for _, name := range names {
		node := s.nodeOf(name)
		if seen[node] {
			t.Errorf("two pods are on node %s", node)
		}
		seen[node] = true
	}
}
