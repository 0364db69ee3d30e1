package parity

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// arrival is a pod, or a gang of pods that are alike.
type arrival struct {
	name string
	// kind is nil for pods without GPUs.
	kind    *kind
	members int
	// cores is what each pod takes of the host.
	cores    int64
	priority int32
}

// outcome is what became of an arrival: where its members are, in any order, and which
// arrivals were ended for it.
type outcome struct {
	Places  []place
	Victims []string
}

const (
	// gpuNodeCores is what every node of package cluster has by default, hostCores what the
	// node without GPUs has.
	gpuNodeCores, hostCores = 128, 512
	hostName                = "cpu-00"
	urgent                  = 100
	// decisionTimeout is how long the scheduler may take for one arrival.
	decisionTimeout = time.Minute
)

// v100 asks for so many GPUs of the nodes on which pods are preempted.
func v100(count int) *kind {
	return &kind{name: fmt.Sprintf("%d V100", count), class: wholeClass, count: count, product: "Tesla V100-SXM2-16GB"}
}

// mixedNodes are nodes of three machine types. The V100 are three nodes.
func mixedNodes() []install.Node {
	var list []install.Node
	for _, machine := range slices.Concat(
		slices.Repeat([]string{"dgx-a100"}, 4), slices.Repeat([]string{"dgx-h100"}, 4), slices.Repeat([]string{"aws-p3.16xlarge"}, 3),
	) {
		list = append(list, install.Node{Name: fmt.Sprintf("node-%02d", len(list)), Machine: machine})
	}
	return list
}

// mixedArrivals fill the V100 nodes with one pod of eight GPUs, two of four and eight of
// one; then come gangs, pods without GPUs and pods that need much of the host, and at
// last urgent pods of eight V100, for which others are ended.
//
// Which pods are ended is compared where both rules, the simulator's and that of the
// scheduler's DefaultPreemption, must agree: where one node has fewer victims than any
// other. Between nodes that are equally good for a pod's GPUs, kube-scheduler's own
// scoring by CPU decides, which the simulator does not model: so pods with GPUs ask for
// next to none, or for more than any node has, and pods without GPUs are too large for
// the nodes with GPUs.
func mixedArrivals() []arrival {
	var list []arrival
	add := func(k *kind, members int, cores int64, priority int32) {
		list = append(list, arrival{fmt.Sprintf("job-%03d", len(list)), k, members, cores, priority})
	}
	add(v100(8), 1, 1, 0)
	add(v100(4), 1, 1, 0)
	add(v100(4), 1, 1, 0)
	for range 8 {
		add(v100(1), 1, 1, 0)
	}
	random := rand.New(rand.NewSource(11))
	// None of these can go to the V100: a pod that waits would take what is freed for an
	// urgent one, sometimes.
	h100 := func(count int) *kind {
		return &kind{name: fmt.Sprintf("%d H100", count), class: wholeClass, count: count, product: "NVIDIA H100 80GB HBM3"}
	}
	one, two, four := h100(1), h100(2), h100(4)
	single := []*kind{one, two, &kinds[4], &kinds[5], &kinds[12], &kinds[12]}
	for range 90 {
		switch random.Intn(10) {
		case 0:
			add(nil, 1, 130, 0)
		case 1:
			add(two, 2+random.Intn(3), 1, 0) // a gang with two GPUs each
		case 2:
			add(four, 2, 1, 0) // with four
		default:
			add(single[random.Intn(len(single))], 1, []int64{0, 0, 0, gpuNodeCores + 1}[random.Intn(4)], 0)
		}
	}
	for range 4 {
		add(v100(8), 1, 1, urgent)
	}
	return list
}

// Gangs, pods without GPUs, what nodes have besides GPUs, and preemption: the simulator
// says beforehand what becomes of each.
func TestSimulatorForetellsGangsHostsAndPreemption(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	host := cluster.NodeSpec{
		Name:     hostName,
		Capacity: corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(hostCores, resource.DecimalSI)},
	}
	w := start(ctx, t, mixedNodes(), []cluster.NodeSpec{host})
	asked := mixedArrivals()
	foretold := w.foretellMixed(t, asked)
	w.compareMixed(t, asked, foretold, w.scheduleMixed(ctx, t, asked, nil))
}

// compareMixed holds that the arrivals are where they were foretold to be.
func (w *world) compareMixed(t *testing.T, asked []arrival, foretold, scheduled map[string]outcome) {
	t.Helper()
	seen := map[string]int{}
	for _, a := range asked {
		want := foretold[a.name]
		if diff := cmp.Diff(want, scheduled[a.name]); diff != "" {
			t.Errorf("%s: %d pods of %s with %d cores, priority %d (-simulator +scheduler):\n%s",
				a.name, a.members, nameOf(a.kind), a.cores, a.priority, diff)
		}
		state := "placed"
		if len(want.Places) == 0 {
			state = "refused"
		}
		switch {
		case a.members > 1:
			seen["gangs "+state]++
		case a.kind == nil:
			seen["without GPUs "+state]++
		case len(want.Victims) > 0:
			seen["preempting"]++
		default:
			seen["with GPUs "+state]++
		}
	}
	t.Logf("%d arrivals: %v", len(asked), seen)
	for _, what := range []string{
		"gangs placed", "gangs refused", "without GPUs placed", "without GPUs refused", "with GPUs placed", "with GPUs refused", "preempting",
	} {
		if seen[what] == 0 {
			t.Errorf("no arrival was %s: the workload says nothing about it", what)
		}
	}
}

func nameOf(k *kind) string {
	if k == nil {
		return "no GPU"
	}
	return k.name
}

// foretellMixed lets the simulator place the arrivals.
func (w *world) foretellMixed(t *testing.T, asked []arrival) map[string]outcome {
	t.Helper()
	input := simulator.Input{Policy: placement.KeepPlaceable{}, Ranking: simulator.RankByForecast, Horizon: simulator.Time(len(asked) + 1)}
	input.Nodes = append(input.Nodes, simulator.Node{Name: hostName, Host: hostOf(hostCores), Domain: placement.NoValue})
	for _, n := range w.simulatedNodes(t, mixedNodes()) {
		n.Host = hostOf(gpuNodeCores)
		input.Nodes = append(input.Nodes, n)
	}
	asks := map[string]*simulator.PodTemplate{"no GPU": {Name: "no GPU"}}
	profiles := map[string]string{}
	for i, a := range asked {
		if a.kind != nil {
			profiles[a.name] = a.kind.profile
			if asks[a.kind.name] == nil {
				asks[a.kind.name] = a.kind.ask(w.profileOf)
			}
		}
		input.Jobs = append(input.Jobs, simulator.Job{
			Name: a.name, Arrives: simulator.Time(i + 1), Runs: simulator.MaxTime / 2, Members: a.members, Template: asks[nameOf(a.kind)],
			Host: topology.HostResources{CPU: topology.MilliCPU(1000 * a.cores)}, Priority: int64(a.priority),
		})
	}
	var log bytes.Buffer
	if _, err := simulator.Run(&input, simulator.Watch{Log: &log}); err != nil {
		t.Fatal(err)
	}
	foretold := map[string]outcome{}
	var victims []string
	for _, line := range readLog(t, &log) {
		switch line.Event {
		case "preempted": // for the job that is placed next
			victims = append(victims, line.Job)
		case "placed":
			result := outcome{Victims: victims}
			for _, on := range line.On {
				result.Places = append(result.Places, w.placeOf(t, on, profiles[line.Job]))
			}
			foretold[line.Job], victims = inOrder(result), nil
		}
	}
	return foretold
}

func hostOf(cores int64) topology.HostResources {
	return topology.HostResources{CPU: topology.MilliCPU(1000 * cores), Memory: topology.Bytes(1024) * topology.GiB}
}

// inOrder sorts what an outcome lists: members that are alike are interchangeable.
func inOrder(o outcome) outcome {
	slices.SortFunc(o.Places, func(a, b place) int {
		return strings.Compare(a.Node+" "+strings.Join(a.Devices, " "), b.Node+" "+strings.Join(b.Devices, " "))
	})
	slices.Sort(o.Victims)
	return o
}

// scheduleMixed creates the arrivals one after the other and returns what the scheduler
// did. A gang that does not fit is taken away again: while it is tried anew it would hold
// devices for moments, which the simulator's gangs never do. Before some arrivals, by number,
// the scheduler is started anew.
func (w *world) scheduleMixed(ctx context.Context, t *testing.T, asked []arrival, restarts []int) map[string]outcome {
	t.Helper()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "urgent"}, Value: urgent}
	if _, err := w.client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := w.client.CoreV1().Pods(namespace)
	events, err := pods.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	scheduled, alive := map[string]outcome{}, map[string]bool{}
	for i, a := range asked {
		w.restartBefore(ctx, t, i, restarts)
		w.create(ctx, t, a)
		deleted := w.awaitDecision(t, events, a)
		result := outcome{Places: w.placesOf(ctx, t, a)}
		for _, name := range deleted {
			if victim := ownerOf(name); alive[victim] {
				result.Victims, alive[victim] = append(result.Victims, victim), false
			}
		}
		switch {
		case len(result.Places) == a.members:
			scheduled[a.name], alive[a.name] = inOrder(result), true
		case len(result.Places) > 0:
			t.Fatalf("%s: %d of %d members are bound", a.name, len(result.Places), a.members)
		case a.members > 1:
			w.remove(ctx, t, a)
		}
	}
	return scheduled
}

// memberName is the name of a member's pod and claim.
func (a *arrival) memberName(member int) string { return fmt.Sprintf("%s-%d", a.name, member) }

// ownerOf is the arrival that a pod belongs to.
func ownerOf(pod string) string { return pod[:strings.LastIndexByte(pod, '-')] }

// create creates an arrival's group, claims and pods.
func (w *world) create(ctx context.Context, t *testing.T, a arrival) {
	t.Helper()
	if a.members > 1 {
		group := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "scheduling.x-k8s.io/v1alpha1", "kind": "PodGroup", "metadata": map[string]any{"name": a.name},
			"spec": map[string]any{"minMember": int64(a.members)},
		}}
		if _, err := w.groups.Namespace(namespace).Create(ctx, group, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for member := range a.members {
		name := a.memberName(member)
		pod := podOf(name)
		if a.kind == nil {
			pod.Spec.ResourceClaims, pod.Spec.Containers[0].Resources.Claims = nil, nil
		} else if _, err := w.client.ResourceV1().ResourceClaims(namespace).Create(ctx, a.kind.claim(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if a.cores > 0 {
			pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(a.cores, resource.DecimalSI)}
		}
		if a.members > 1 {
			pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": a.name}
		}
		if a.priority > 0 {
			pod.Spec.PriorityClassName = "urgent"
		}
		if _, err := w.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitDecision waits until every member is bound, or one is refused for good: a member
// that waits for room which others are ended for is neither. It returns the pods that
// were deleted meanwhile.
func (w *world) awaitDecision(t *testing.T, events watch.Interface, a arrival) (deleted []string) {
	t.Helper()
	bound, last := map[string]bool{}, &corev1.Pod{}
	for len(bound) < a.members {
		var event watch.Event
		select {
		case event = <-events.ResultChan():
		case <-time.After(decisionTimeout):
			t.Fatalf("the scheduler did not decide about %s within %s: %d of %d pods of %s with %d cores are bound; last seen: %+v", a.name,
				decisionTimeout, len(bound), a.members, nameOf(a.kind), a.cores, last.Status)
		}
		pod, isPod := event.Object.(*corev1.Pod)
		if !isPod {
			continue
		}
		if event.Type == watch.Deleted {
			deleted = append(deleted, pod.Name)
			continue
		}
		if ownerOf(pod.Name) != a.name {
			continue
		}
		last = pod
		switch {
		case pod.Spec.NodeName != "":
			bound[pod.Name] = true
		case decided(pod) && pod.Status.NominatedNodeName == "" && !awaitsVictims(pod) && (a.members == 1 || gangRefused(pod)):
			t.Logf("%s is refused: %s", a.name, messageOf(pod))
			return deleted
		}
	}
	return deleted
}

// messageOf is why a pod is not scheduled.
func messageOf(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled {
			return condition.Message
		}
	}
	return ""
}

// gangRefused reports whether a member fits on no node, as opposed to one that was tried
// before the others were there.
func gangRefused(pod *corev1.Pod) bool {
	return strings.Contains(messageOf(pod), "starts together have a place")
}

// awaitsVictims reports whether a pod waits for others to end, which its status may say
// before it says for which node.
func awaitsVictims(pod *corev1.Pod) bool {
	message := messageOf(pod)
	return strings.Contains(message, "preempting") || strings.Contains(message, "waits until the devices of pods that ended")
}

// placesOf is where the members that are bound are.
func (w *world) placesOf(ctx context.Context, t *testing.T, a arrival) []place {
	t.Helper()
	var places []place
	for member := range a.members {
		name := a.memberName(member)
		pod, err := w.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if pod.Spec.NodeName == "" {
			continue
		}
		at := place{Node: pod.Spec.NodeName}
		if a.kind != nil {
			claim, err := w.client.ResourceV1().ResourceClaims(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range claim.Status.Allocation.Devices.Results {
				at.Devices = append(at.Devices, result.Device)
			}
			slices.Sort(at.Devices)
		}
		places = append(places, at)
	}
	return places
}

// remove takes a gang away and waits until it is gone.
func (w *world) remove(ctx context.Context, t *testing.T, a arrival) {
	t.Helper()
	now := int64(0)
	for member := range a.members {
		err := w.client.CoreV1().Pods(namespace).Delete(ctx, a.memberName(member), metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if err := w.groups.Namespace(namespace).Delete(ctx, a.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
