package integration

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The node of these tests, with four GPUs, and what its pods ask for.
const (
	wakingNode  = "waking"
	lateClass   = "waking.example.com"
	wakingLabel = "example.com/waking"
)

// A pod that waits starts once the one thing is as it needs it that was not: the queue tries a pod
// only if a plugin that refused it asks for the event, or after five minutes.
func TestWhatWaitsIsWoken(t *testing.T) {
	pinned := func(s *space, name string) *corev1.Pod { return s.pod(name, ashlar, wakingNode) }
	for name, tc := range map[string]struct {
		// wait makes pods that cannot start, and returns their names; change is what they wait for.
		wait   func(*space) []string
		change func(*space)
		// unsaid are pods that are held back before the scheduler tries them, of which it says nothing.
		unsaid bool
	}{
		"its claim is made": {
			func(s *space) []string { return s.makePods(s.claiming(pinned(s, "late"), "late")) },
			func(s *space) { s.makeClaim("late", request(whole, 1)) },
			true,
		},
		"its claim is made again and asks for less": {
			func(s *space) []string {
				s.makeClaim("smaller", request(whole, 5))
				return s.makePods(s.claiming(pinned(s, "smaller"), "smaller"))
			},
			func(s *space) { s.remakeClaim("smaller", request(whole, 4)) },
			false,
		},
		"its class is made": {
			func(s *space) []string { return []string{s.create(pinned(s, "classless"), request(lateClass, 1)).Name} },
			func(s *space) { s.makeClass(lateClass, `device.driver == "gpu.ashlar.dev"`) },
			false,
		},
		"its class has more devices": {
			func(s *space) []string {
				s.makeClass(lateClass, "false")
				return []string{s.create(pinned(s, "narrow"), request(lateClass, 1)).Name}
			},
			func(s *space) { s.makeClass(lateClass, `device.driver == "gpu.ashlar.dev"`) },
			false,
		},
		"it tolerates the node's taint": {
			func(s *space) []string {
				s.taintNode(true)
				return []string{s.create(pinned(s, "intolerant"), request(whole, 1)).Name}
			},
			func(s *space) { s.tolerate("intolerant") },
			false,
		},
		"the node's taint is gone": {
			func(s *space) []string {
				s.taintNode(true)
				return []string{s.create(pinned(s, "tainted"), request(whole, 1)).Name}
			},
			func(s *space) { s.taintNode(false) },
			false,
		},
		"the node is uncordoned": {
			func(s *space) []string {
				s.patchNode(`{"spec":{"unschedulable":true}}`)
				return []string{s.create(pinned(s, "cordoned"), request(whole, 1)).Name}
			},
			func(s *space) { s.patchNode(`{"spec":{"unschedulable":null}}`) },
			false,
		},
		"the node has the label": {
			func(s *space) []string {
				pod := pinned(s, "selective")
				pod.Spec.NodeSelector = map[string]string{wakingLabel: "yes"}
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) { s.patchNode(`{"metadata":{"labels":{"` + wakingLabel + `":"yes"}}}`) },
			false,
		},
		"devices are released": {
			func(s *space) []string {
				s.hold("holder", 4)
				return []string{s.create(pinned(s, "next"), request(whole, 1)).Name}
			},
			func(s *space) { s.delete("holder") },
			false,
		},
		"the host has CPU": {
			func(s *space) []string {
				s.hold("filler", 0, s.takesMostCPU)
				pod := pinned(s, "starved")
				s.takesMostCPU(pod)
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) { s.delete("filler") },
			false,
		},
		"the host's port is free": {
			func(s *space) []string {
				s.hold("listener", 0, takesPort)
				pod := pinned(s, "port")
				takesPort(pod)
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) { s.delete("listener") },
			false,
		},
		"the pod that it wants beside it is there": {
			func(s *space) []string {
				pod := pinned(s, "follower")
				pod.Spec.Affinity.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: besideApp("leader")}
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) { s.hold("leader", 0) },
			false,
		},
		"the pod that it keeps away from is gone": {
			func(s *space) []string {
				s.hold("noisy", 0)
				pod := pinned(s, "quiet")
				pod.Spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: besideApp("noisy")}
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) { s.delete("noisy") },
			false,
		},
		"its gate is lifted": {
			func(s *space) []string {
				pod := pinned(s, "gated")
				pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/gate"}}
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) { s.liftGate("gated") },
			true,
		},
		"its annotation asks for less memory": {
			func(s *space) []string {
				pod := pinned(s, "annotated")
				pod.Annotations = map[string]string{"ashlar.dev/gpu-memory": "100Gi"}
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) {
				s.patchPod("annotated", `{"metadata":{"annotations":{"ashlar.dev/gpu-memory":"10Gi"}}}`)
			},
			false,
		},
		"its annotation can be read": {
			func(s *space) []string {
				pod := pinned(s, "unreadable")
				pod.Annotations = map[string]string{"ashlar.dev/gpu-memory": "much"}
				return []string{s.create(pod, request(whole, 1)).Name}
			},
			func(s *space) {
				s.patchPod("unreadable", `{"metadata":{"annotations":{"ashlar.dev/gpu-memory":null}}}`)
			},
			false,
		},
		"gang: the last claim is made": {
			func(s *space) []string {
				s.podGroup("gang", 2)
				s.makeClaim("gang-0", request(whole, 2))
				return s.makePods(s.member("gang", 0), s.member("gang", 1))
			},
			func(s *space) { s.makeClaim("gang-1", request(whole, 2)) },
			true,
		},
		"gang: a claim is made again and asks for less": {
			func(s *space) []string { return s.gang(1, 4) },
			func(s *space) { s.remakeClaim("gang-1", request(whole, 3)) },
			false,
		},
		"gang: as many pods that ask for less replace its own": {
			func(s *space) []string { return s.gang(3, 3) },
			func(s *space) {
				for i := range 2 {
					s.delete(fmt.Sprintf("gang-%d", i))
				}
				for i := range 2 {
					s.makeClaim(fmt.Sprintf("gang-%d", i), request(whole, 2))
				}
				s.makePods(s.member("gang", 0), s.member("gang", 1))
			},
			false,
		},
		"gang: its class is made": {
			func(s *space) []string {
				s.podGroup("gang", 2)
				for i := range 2 {
					s.makeClaim(fmt.Sprintf("gang-%d", i), request(lateClass, 2))
				}
				return s.makePods(s.member("gang", 0), s.member("gang", 1))
			},
			func(s *space) { s.makeClass(lateClass, `device.attributes["gpu.ashlar.dev"].type == "gpu"`) },
			true,
		},
		"gang: one of its pods tolerates the node's taint": {
			func(s *space) []string {
				s.taintNode(true)
				tolerant := s.member("gang", 0)
				tolerant.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
				s.podGroup("gang", 2)
				s.makeClaim("gang-0", request(whole, 2))
				s.makeClaim("gang-1", request(whole, 2))
				return s.makePods(tolerant, s.member("gang", 1))
			},
			func(s *space) { s.tolerate("gang-1") },
			false,
		},
		"gang: the node is uncordoned": {
			func(s *space) []string {
				s.patchNode(`{"spec":{"unschedulable":true}}`)
				return s.gang(2, 2)
			},
			func(s *space) { s.patchNode(`{"spec":{"unschedulable":null}}`) },
			false,
		},
		"gang: the node has the label": {
			func(s *space) []string {
				return s.gang(2, 2, func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{wakingLabel: "yes"} })
			},
			func(s *space) { s.patchNode(`{"metadata":{"labels":{"` + wakingLabel + `":"yes"}}}`) },
			false,
		},
		"gang: devices are released": {
			func(s *space) []string {
				s.hold("holder", 1)
				return s.gang(2, 2)
			},
			func(s *space) { s.delete("holder") },
			false,
		},
		"gang: the host has CPU": {
			func(s *space) []string {
				s.hold("filler", 0, s.takesMostCPU)
				return s.gang(2, 2, s.takesSomeCPU)
			},
			func(s *space) { s.delete("filler") },
			false,
		},
		"gang: its PodGroup is made": {
			func(s *space) []string {
				s.makeClaim("gang-0", request(whole, 2))
				s.makeClaim("gang-1", request(whole, 2))
				return s.makePods(s.member("gang", 0), s.member("gang", 1))
			},
			func(s *space) { s.podGroup("gang", 2) },
			true,
		},
		"gang: its PodGroup needs fewer": {
			func(s *space) []string { return s.gang(2, 5)[:1] },
			func(s *space) { s.patchGroup(`{"spec":{"minMember":1}}`) },
			false,
		},
		"gang: its PodGroup no longer asks for a level": {
			func(s *space) []string {
				s.podGroup("gang", 2)
				s.patchGroup(`{"metadata":{"annotations":{"ashlar.dev/required-topology":"rack"}}}`)
				s.makeClaim("gang-0", request(whole, 2))
				s.makeClaim("gang-1", request(whole, 2))
				return s.makePods(s.member("gang", 0), s.member("gang", 1))
			},
			func(s *space) { s.patchGroup(`{"metadata":{"annotations":{"ashlar.dev/required-topology":null}}}`) },
			false,
		},
		"gang: the last pod is made": {
			func(s *space) []string {
				s.podGroup("gang", 2)
				s.makeClaim("gang-0", request(whole, 2))
				s.makeClaim("gang-1", request(whole, 2))
				return s.makePods(s.member("gang", 0))
			},
			func(s *space) { s.makePods(s.member("gang", 1)) },
			true,
		},
		"gang: a gate is lifted": {
			func(s *space) []string {
				gated := s.member("gang", 1)
				gated.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/gate"}}
				s.podGroup("gang", 2)
				s.makeClaim("gang-0", request(whole, 2))
				s.makeClaim("gang-1", request(whole, 2))
				return s.makePods(s.member("gang", 0), gated)
			},
			func(s *space) { s.liftGate("gang-1") },
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpace(t)
			t.Cleanup(func() { s.restoreNode() })
			waiting := tc.wait(s)
			for _, pod := range waiting {
				if !tc.unsaid {
					s.pending(pod)
				}
			}
			time.Sleep(time.Second) // until what is still on its way has been heard of
			if bound := s.bound(waiting...); bound > 0 {
				t.Fatalf("%d pods are bound that were to wait", bound)
			}
			tc.change(s)
			s.running(waiting...)
		})
	}
}

// claiming has a pod use a claim that need not be there.
func (s *space) claiming(pod *corev1.Pod, claim string) *corev1.Pod {
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &claim}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	return pod
}

// member is a pod of a gang that uses the claim of its own name.
func (s *space) member(gang string, index int) *corev1.Pod {
	name := fmt.Sprintf("%s-%d", gang, index)
	pod := s.claiming(s.pod(name, ashlar, wakingNode), name)
	pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": gang}
	return pod
}

// gang makes a gang of two pods that ask for so many GPUs each.
func (s *space) gang(first, second int64, change ...func(*corev1.Pod)) []string {
	s.t.Helper()
	s.podGroup("gang", 2)
	var pods []*corev1.Pod
	for i, count := range []int64{first, second} {
		s.makeClaim(fmt.Sprintf("gang-%d", i), request(whole, count))
		pod := s.member("gang", i)
		for _, c := range change {
			c(pod)
		}
		pods = append(pods, pod)
	}
	return s.makePods(pods...)
}

// hold has a pod run that has so many GPUs.
func (s *space) hold(name string, gpus int64, change ...func(*corev1.Pod)) {
	s.t.Helper()
	pod := s.pod(name, ashlar, wakingNode)
	pod.Labels = map[string]string{"app": name}
	for _, c := range change {
		c(pod)
	}
	if gpus == 0 {
		s.create(pod)
	} else {
		s.create(pod, request(whole, gpus))
	}
	s.running(name)
}

// takesMostCPU has a pod take more than half of the node's CPU, takesSomeCPU more than a third.
func (s *space) takesMostCPU(pod *corev1.Pod) { s.takeCPU(pod, 60) }
func (s *space) takesSomeCPU(pod *corev1.Pod) { s.takeCPU(pod, 35) }

func (s *space) takeCPU(pod *corev1.Pod, percent int64) {
	s.t.Helper()
	node, err := world.client.CoreV1().Nodes().Get(s.ctx, wakingNode, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	amount := resource.NewMilliQuantity(node.Status.Allocatable.Cpu().MilliValue()*percent/100, resource.DecimalSI)
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: *amount}
}

func takesPort(pod *corev1.Pod) {
	pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8000, HostPort: 8000}}
}

// besideApp is the node of the pods with a label.
func besideApp(name string) []corev1.PodAffinityTerm {
	return []corev1.PodAffinityTerm{{
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}, TopologyKey: corev1.LabelHostname,
	}}
}

func (s *space) makePods(pods ...*corev1.Pod) (names []string) {
	s.t.Helper()
	for _, pod := range pods {
		if _, err := world.client.CoreV1().Pods(s.name).Create(s.ctx, pod, metav1.CreateOptions{}); err != nil {
			s.t.Fatal(err)
		}
		names = append(names, pod.Name)
	}
	return names
}

func (s *space) makeClaim(name string, asked resourceapi.DeviceRequest) {
	s.t.Helper()
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.name}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{asked}
	if _, err := world.client.ResourceV1().ResourceClaims(s.name).Create(s.ctx, claim, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// remakeClaim deletes a claim that nobody has been given, and makes it anew.
func (s *space) remakeClaim(name string, asked resourceapi.DeviceRequest) {
	s.t.Helper()
	if err := world.client.ResourceV1().ResourceClaims(s.name).Delete(s.ctx, name, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.makeClaim(name, asked)
}

// makeClass makes a DeviceClass, or changes its devices; it goes with the test.
func (s *space) makeClass(name, expression string) {
	s.t.Helper()
	classes := world.client.ResourceV1().DeviceClasses()
	class, err := classes.Get(s.ctx, name, metav1.GetOptions{})
	isNew := err != nil
	if isNew {
		class = &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	class.Spec.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: expression}}}
	if isNew {
		_, err = classes.Create(s.ctx, class, metav1.CreateOptions{})
		s.t.Cleanup(func() {
			if err := classes.Delete(s.ctx, name, metav1.DeleteOptions{}); err != nil {
				s.t.Error(err)
			}
		})
	} else {
		_, err = classes.Update(s.ctx, class, metav1.UpdateOptions{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *space) patchPod(name, patch string) {
	s.t.Helper()
	pods := world.client.CoreV1().Pods(s.name)
	if _, err := pods.Patch(s.ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// tolerate has a pod tolerate all taints.
func (s *space) tolerate(name string) {
	s.t.Helper()
	pods := world.client.CoreV1().Pods(s.name)
	patch := `[{"op":"add","path":"/spec/tolerations/-","value":{"operator":"Exists"}}]`
	if _, err := pods.Patch(s.ctx, name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *space) liftGate(pod string) {
	s.t.Helper()
	s.patchPod(pod, `{"spec":{"schedulingGates":null}}`)
}

func (s *space) patchGroup(patch string) {
	s.t.Helper()
	if _, err := s.podGroups().Patch(s.ctx, "gang", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *space) patchNode(patch string) {
	s.t.Helper()
	nodes := world.client.CoreV1().Nodes()
	if _, err := nodes.Patch(s.ctx, wakingNode, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *space) taintNode(tainted bool) {
	s.t.Helper()
	taints := []corev1.Taint{}
	if tainted {
		taints = append(taints, corev1.Taint{Key: wakingLabel, Effect: corev1.TaintEffectNoSchedule})
	}
	text, err := json.Marshal(map[string]any{"spec": map[string]any{"taints": taints}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.patchNode(string(text))
}

// restoreNode makes the node as it was at first.
func (s *space) restoreNode() {
	s.patchNode(`{"metadata":{"labels":{"` + wakingLabel + `":null}},"spec":{"unschedulable":null,"taints":[]}}`)
}
