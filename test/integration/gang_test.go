package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var podGroupResource = schema.GroupVersionResource{Group: "scheduling.x-k8s.io", Version: "v1alpha1", Resource: "podgroups"}

func (s *space) podGroups() dynamic.ResourceInterface {
	s.t.Helper()
	client, err := dynamic.NewForConfig(world.cluster.RESTConfig())
	if err != nil {
		s.t.Fatal(err)
	}
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
	if err != nil {
		s.t.Fatal(err)
	}
}

// groupStatus waits until the group's status is in the phase with so many pods running
// (one that is 0 is not stored).
func (s *space) groupStatus(name, phase string, running int64) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		group, err := s.podGroups().Get(s.ctx, name, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		status, _, _ := unstructured.NestedMap(group.Object, "status")
		count, _ := status["running"].(int64)
		if status["phase"] == phase && count == running && status["scheduleStartTime"] != nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("group %s is not %s with %d running: its status is %v", name, phase, running, status)
		}
	}
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
			if seen[device] {
				t.Fatalf("%s is held twice", device)
			}
			seen[device] = true
		}
	}
	if len(seen) != 8 {
		t.Fatalf("len(seen) = %d, want %d: %v", len(seen), 8, seen)
	}
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
			if err != nil {
				t.Fatal(err)
			}
			if pod.Spec.NodeName != "" {
				t.Fatalf("%s was bound without its gang: pod.Spec.NodeName = %v, want none", name, pod.Spec.NodeName)
			}
			if pod.Status.Phase != corev1.PodPending {
				t.Fatalf("pod.Status.Phase = %q, want %q", pod.Status.Phase, corev1.PodPending)
			}
		}
	}
	if got := holdings(s.ctx, t, "gang-waits"); len(got) != 1 {
		t.Fatalf("the gang must hold nothing: len(holdings(s.ctx, t, \"gang-waits\")) = %d, want %d: %v", len(got), 1, got)
	}
	s.groupStatus("gang", "Scheduling", 0)
	const shortfall = "3 of the 4 pods that PodGroup gang starts together have a place"
	for _, name := range names {
		s.until(name+" says what its group lacks", func() error {
			pod, err := s.get(name)
			if err != nil {
				return err
			}
			for _, condition := range pod.Status.Conditions {
				if condition.Type == corev1.PodScheduled && strings.Contains(condition.Message, shortfall) {
					return nil
				}
			}
			return fmt.Errorf("its conditions are %v", pod.Status.Conditions)
		})
	}
	s.until("an event on the group", func() error {
		events, err := world.client.EventsV1().Events(s.name).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Regarding.Kind == "PodGroup" && event.Regarding.Name == "gang" && strings.HasPrefix(event.Note, shortfall) {
				return nil
			}
		}
		return fmt.Errorf("there are %d events, none on the group", len(events.Items))
	})
	s.delete("busy")
	s.running(names...)
	s.groupStatus("gang", "Running", 4)
}

// bound counts the pods that have a node.
func (s *space) bound(names ...string) int {
	s.t.Helper()
	count := 0
	for _, name := range names {
		pod, err := s.get(name)
		if err != nil {
			s.t.Fatal(err)
		}
		if pod.Spec.NodeName != "" {
			count++
		}
	}
	return count
}

// Two gangs that each need more than half of a node, whose pods come in turn: one runs, the
// other holds nothing, and it starts as soon as the first is gone.
func TestGangsTakeTurns(t *testing.T) {
	s := newSpace(t)
	gangs := map[string][]string{"one": nil, "other": nil}
	for name := range gangs {
		s.podGroup(name, 5)
	}
	for i := range 5 {
		for name := range gangs {
			pod := s.pod(fmt.Sprintf("%s-%d", name, i), ashlar, "gang-turns")
			pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": name}
			s.create(pod, request(whole, 1))
			gangs[name] = append(gangs[name], pod.Name)
		}
	}
	first, second := "", ""
	s.until("one gang to be bound", func() error {
		one, other := s.bound(gangs["one"]...), s.bound(gangs["other"]...)
		switch {
		case one == 5:
			first, second = "one", "other"
		case other == 5:
			first, second = "other", "one"
		default:
			return fmt.Errorf("%d and %d pods are bound", one, other)
		}
		return nil
	})
	for _, name := range gangs[second] {
		s.pending(name)
	}
	for range 10 {
		if count := s.bound(gangs[second]...); count > 0 {
			t.Fatalf("%d pods of gang %s are bound", count, second)
		}
		if held := holdings(s.ctx, t, "gang-turns"); len(held) != 5 {
			t.Fatalf("%d devices are held, want 5: %v", len(held), held)
		}
		time.Sleep(200 * time.Millisecond)
	}
	for _, name := range gangs[first] {
		s.delete(name)
	}
	start := time.Now()
	s.until("the other gang to be bound", func() error {
		if count := s.bound(gangs[second]...); count < 5 {
			return fmt.Errorf("%d pods are bound", count)
		}
		return nil
	})
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the gang that waited started %s after the other was gone", took)
	}
}

// Half of a gang takes any GPU, half only those of one node, and the former come first: what
// they leave suffices for the latter.
func TestGangOfTwoKinds(t *testing.T) {
	s := newSpace(t)
	s.podGroup("kinds", 8)
	var names []string
	for i := range 8 {
		pod := s.pod(fmt.Sprintf("kinds-%d", i), ashlar, "gang-small", "gang-large")
		pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": "kinds"}
		asked := request(whole, 1)
		if i >= 4 {
			asked = request(whole, 1, `device.attributes["gpu.ashlar.dev"].productName.contains("A100")`)
		}
		s.create(pod, asked)
		names = append(names, pod.Name)
	}
	s.until("all pods to be bound", func() error {
		if count := s.bound(names...); count < 8 {
			pod, err := s.get(names[7])
			if err != nil {
				return err
			}
			return fmt.Errorf("%d pods are bound; %s", count, unschedulable(pod))
		}
		return nil
	})
	for _, name := range names[4:] {
		pod, err := s.get(name)
		if err != nil {
			t.Fatal(err)
		}
		if pod.Spec.NodeName != "gang-large" {
			t.Errorf("%s is on %s", name, pod.Spec.NodeName)
		}
	}
}

// A gang that can start with half of its pods starts, though one of them fits nowhere and not all of
// the others have room at first; those run as soon as they have.
func TestGangStartsWithWhatFits(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("busy", ashlar, "gang-spare"), request(whole, 1))
	s.running("busy")
	s.podGroup("gang", 3)
	for i, gpus := range []int64{5, 1, 1, 1, 1} {
		pod := s.pod(fmt.Sprintf("gang-%d", i), ashlar, "gang-spare")
		pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": "gang"}
		s.create(pod, request(whole, gpus))
	}
	small := []string{"gang-1", "gang-2", "gang-3", "gang-4"}
	s.until("three of the pods to be bound", func() error {
		if count := s.bound(small...); count != 3 {
			return fmt.Errorf("%d pods are bound", count)
		}
		return nil
	})
	s.delete("busy")
	s.running(small...)
	s.pending("gang-0")
}

// Nobody is ended for a gang of high priority that would not start even so.
func TestGangThatCannotStartEvictsNobody(t *testing.T) {
	s := newSpace(t)
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "gang-high"}, Value: 1000}
	if _, err := world.client.SchedulingV1().PriorityClasses().Create(s.ctx, class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var low []string
	for i := range 3 {
		pod := s.create(s.pod(fmt.Sprintf("low-%d", i), ashlar, "gang-never"), request(whole, 1))
		low = append(low, pod.Name)
	}
	s.running(low...)
	s.podGroup("never", 5)
	var high []string
	for i := range 5 {
		pod := s.pod(fmt.Sprintf("never-%d", i), ashlar, "gang-never")
		pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": "never"}
		pod.Spec.PriorityClassName = class.Name
		s.create(pod, request(whole, 1))
		high = append(high, pod.Name)
	}
	for _, name := range high {
		s.until(name+" says what its group lacks", func() error {
			pod, err := s.get(name)
			if err != nil {
				return err
			}
			if message := unschedulable(pod); !strings.Contains(message, "1 of the 5 pods that PodGroup never starts together have a place") {
				return fmt.Errorf("it is told %q", message)
			}
			return nil
		})
	}
	time.Sleep(5 * time.Second)
	for _, name := range low {
		pod, err := s.get(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if pod.DeletionTimestamp != nil {
			t.Errorf("%s is ended", name)
		}
	}
}
