package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var podGroupResource = schema.GroupVersionResource{Group: "scheduling.x-k8s.io", Version: "v1alpha1", Resource: "podgroups"}

func (s *space) podGroups() dynamic.ResourceInterface {
	s.t.Helper()
	client, err := dynamic.NewForConfig(world.cluster.RESTConfig())
	require.NoError(s.t, err)
	return client.Resource(podGroupResource).Namespace(s.name)
}

func (s *space) podGroup(name string, members int64) {
	s.t.Helper()
	group := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "scheduling.x-k8s.io/v1alpha1",
		"kind":       "PodGroup",
		"metadata":   map[string]any{"name": name},
		"spec":       map[string]any{"minMember": members, "scheduleTimeoutSeconds": int64(5)},
	}}
	_, err := s.podGroups().Create(s.ctx, group, metav1.CreateOptions{})
	require.NoError(s.t, err)
}

// groupStatus waits until the group's status is in the phase with so many pods running
// (one that is 0 is not stored).
func (s *space) groupStatus(name, phase string, running int64) {
	s.t.Helper()
	var status map[string]any
	require.Eventually(s.t, func() bool {
		group, err := s.podGroups().Get(s.ctx, name, metav1.GetOptions{})
		require.NoError(s.t, err)
		status, _, _ = unstructured.NestedMap(group.Object, "status")
		count, _ := status["running"].(int64)
		return status["phase"] == phase && count == running && status["scheduleStartTime"] != nil
	}, 20*time.Second, 200*time.Millisecond, "group %s is not %s with %d running", name, phase, running)
}

func (s *space) worker(index int, group, node string) string {
	name := fmt.Sprintf("%s-%d", group, index)
	pod := s.pod(name, ashlar, node)
	pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": group}
	s.create(pod, request(whole, 2))
	return name
}

// Four workers of two GPUs each fill a machine of eight.
func TestGangRunsTogether(t *testing.T) {
	s := newSpace(t)
	s.podGroup("gang", 4)
	var names []string
	for i := range 4 {
		names = append(names, s.worker(i, "gang", "gang-fits"))
	}
	s.running(names...)
	seen := map[string]bool{}
	for _, name := range names {
		for _, device := range s.devices(name) {
			require.False(t, seen[device], "%s is held twice", device)
			seen[device] = true
		}
	}
	require.Len(t, seen, 8)
	s.groupStatus("gang", "Running", 4)
}

// With one GPU taken only three workers fit: none is bound, and no device stays
// held. Once the GPU is free all four run.
func TestGangWaitsTogether(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("busy", ashlar, "gang-waits"), request(whole, 1))
	s.running("busy")
	s.podGroup("gang", 4)
	var names []string
	for i := range 4 {
		names = append(names, s.worker(i, "gang", "gang-waits"))
	}
	for deadline := time.Now().Add(12 * time.Second); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		for _, name := range names {
			pod, err := s.get(name)
			require.NoError(t, err)
			require.Empty(t, pod.Spec.NodeName, "%s was bound without its gang", name)
			require.Equal(t, corev1.PodPending, pod.Status.Phase)
		}
	}
	require.Len(t, holdings(s.ctx, t, "gang-waits"), 1, "the gang must hold nothing")
	s.groupStatus("gang", "Scheduling", 0)
	s.delete("busy")
	s.running(names...)
	s.groupStatus("gang", "Running", 4)
}
