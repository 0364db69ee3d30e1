package parity

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

var pods = flag.Int("pods", 1000, "pods that go through the simulator and the scheduler")

const namespace = "parity"

var podGroups = schema.GroupVersionResource{Group: "scheduling.x-k8s.io", Version: "v1alpha1", Resource: "podgroups"}

// patience is how long the scheduler may take for all pods.
const patience = 10 * time.Minute

// place is where a pod is: the node, and its devices by name, sorted; both empty if it
// fits nowhere.
type place struct {
	Node    string
	Devices []string
}

// A thousand pods, one after the other, on nodes of six machine types: the simulator
// says beforehand which node and which devices the real scheduler gives each of them.
func TestSimulatorForetellsTheScheduler(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	world := start(ctx, t, nodes(), nil)
	asked := arrivals(*pods)
	foretold := world.foretell(t, nodes(), asked)
	scheduled := world.schedule(ctx, t, asked, nil)

	placed := 0
	for name, want := range foretold {
		if want.Node != "" {
			placed++
		}
		if diff := cmp.Diff(want, scheduled[name]); diff != "" {
			t.Errorf("%s (-simulator +scheduler):\n%s", name, diff)
		}
	}
	t.Logf("%d pods: %d placed, %d of them on the same node and devices as foretold", len(foretold), placed, same(foretold, scheduled))
	if placed <= len(foretold)*3/4 {
		t.Fatalf("the workload should mostly fit: placed = %v, want more than %v", placed, len(foretold)*3/4)
	}
	if placed >= len(foretold) {
		t.Fatalf("and some of it should not: placed = %v, want less than %v", placed, len(foretold))
	}
}

func same(foretold, scheduled map[string]place) int {
	n := 0
	for name, want := range foretold {
		if want.Node != "" && cmp.Equal(want, scheduled[name]) {
			n++
		}
	}
	return n
}

// world is a control plane with Ashlar on it.
type world struct {
	client kubernetes.Interface
	ashlar *install.Installation
	groups dynamic.NamespaceableResourceInterface
	// devices are a node's, in published order, by node.
	devices map[string][]resourceapi.Device
	// byText has the names of a node's devices by what the simulator's log calls them.
	byText map[string]map[string]string
	// profiles are those of an inventory's devices, in their order.
	profiles map[*placement.Inventory][]string
}

// start puts Ashlar and its nodes on a control plane of their own. hosts are nodes without
// GPUs.
func start(ctx context.Context, t *testing.T, nodes []install.Node, hosts []cluster.NodeSpec) *world {
	t.Helper()
	binaries, err := cluster.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	say := func(what string) { t.Log(what) }
	if err := binaries.Ensure(ctx, say, install.Commands...); err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(ctx, cluster.Options{Binaries: binaries, Progress: say})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	})
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddNodes(ctx, hosts); err != nil {
		t.Fatal(err)
	}
	ashlar, err := install.Install(ctx, c, root, nodes, say)
	if err != nil {
		t.Fatal(err)
	}
	if err := install.EnsureNamespace(ctx, c, client, namespace); err != nil {
		t.Fatal(err)
	}

	anything, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		client: client, ashlar: ashlar, groups: anything.Resource(podGroups), devices: map[string][]resourceapi.Device{},
		byText: map[string]map[string]string{}, profiles: map[*placement.Inventory][]string{},
	}
	slices, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range slices.Items {
		spec := &slices.Items[i].Spec
		if spec.Driver == deviceapi.Driver && spec.NodeName != nil {
			w.devices[*spec.NodeName] = append(w.devices[*spec.NodeName], spec.Devices...)
		}
	}
	for node, devices := range w.devices {
		w.byText[node] = map[string]string{}
		reading, err := resourceslices.ReadPool(deviceapi.Driver, devices)
		if err != nil {
			t.Fatal(err)
		}
		for i := range reading.Devices {
			w.byText[node][inWords(&reading.Devices[i])+" "+resourceslices.ProfileName(deviceapi.Driver, &devices[i])] = devices[i].Name
		}
	}
	return w
}

// foretell lets the simulator place the pods.
func (w *world) foretell(t *testing.T, nodes []install.Node, asked []*kind) map[string]place {
	t.Helper()
	var input simulator.Input
	input.Nodes = w.simulatedNodes(t, nodes)
	asks := map[*kind]*simulator.PodTemplate{}
	for i, k := range asked {
		if asks[k] == nil {
			asks[k] = k.ask(w.profileOf)
		}
		input.Jobs = append(input.Jobs, simulator.Job{
			Name: podName(i), Arrives: simulator.Time(i + 1), Runs: simulator.MaxTime / 2, Members: 1, Template: asks[k],
		})
	}
	input.Policy, input.Ranking = placement.KeepPlaceable{}, simulator.RankByForecast
	input.Horizon, input.Preemption = simulator.Time(len(asked)+1), simulator.PreemptNever
	var log bytes.Buffer
	_, err := simulator.Run(&input, simulator.Watch{Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	foretold, profiles := map[string]place{}, map[string]string{}
	for i, k := range asked {
		foretold[podName(i)], profiles[podName(i)] = place{}, k.profile
	}
	for _, line := range readLog(t, &log) {
		if line.Event == "placed" {
			foretold[line.Job] = w.placeOf(t, line.On[0], profiles[line.Job])
		}
	}
	return foretold
}

// simulatedNodes are the nodes with the GPUs that they publish.
func (w *world) simulatedNodes(t *testing.T, nodes []install.Node) []simulator.Node {
	t.Helper()
	var list []simulator.Node
	for _, n := range nodes {
		devices := w.devices[n.Name]
		if len(devices) == 0 {
			t.Fatalf("%v: no devices", n.Name)
		}
		reading, err := resourceslices.ReadPool(deviceapi.Driver, devices)
		if err != nil {
			t.Fatal(err)
		}
		if err := reading.Err(); err != nil {
			t.Fatalf("every device is understood, so that indexes agree: %v", err)
		}
		inv, err := reading.NewInventory(placement.PriorDemand())
		if err != nil {
			t.Fatal(err)
		}
		for i := range devices {
			w.profiles[inv] = append(w.profiles[inv], resourceslices.ProfileName(deviceapi.Driver, &devices[i]))
		}
		list = append(list, simulator.Node{Name: n.Name, Inventory: inv, Domain: placement.NoValue})
	}
	return list
}

// profileOf is the MIG profile that a device of an inventory was published with.
func (w *world) profileOf(inv *placement.Inventory, device int) string {
	return w.profiles[inv][device]
}

// logLine is what a line of the simulator's event log says of a job.
type logLine struct {
	Event, Job string
	On         []logPlace
}

// logPlace is where a member of a job is, in the log's words.
type logPlace struct {
	Node    string
	Devices []string
}

func readLog(t *testing.T, log *bytes.Buffer) []logLine {
	t.Helper()
	var lines []logLine
	for decoder := json.NewDecoder(log); decoder.More(); {
		var line logLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// placeOf names the devices of a place in the log. profile is the MIG profile that the job
// asked for: two profiles may have the same placement, as 1g.10gb and 1g.10gb+me.
func (w *world) placeOf(t *testing.T, on logPlace, profile string) place {
	t.Helper()
	at := place{Node: on.Node}
	for _, text := range on.Devices {
		var form string
		var gpu int
		if n, _ := fmt.Sscanf(text, "%d %s", &gpu, &form); n == 2 && form == "share" {
			text = fmt.Sprintf("%d share", gpu)
		}
		name := w.byText[on.Node][text+" "+profile]
		if name == "" {
			t.Fatalf("device %q of node %s: no name", text, on.Node)
		}
		at.Devices = append(at.Devices, name)
	}
	slices.Sort(at.Devices)
	return at
}

func inWords(offer *placement.Device) string {
	switch offer.Form {
	case placement.MIG:
		return fmt.Sprintf("%d mig %s", offer.GPU, offer.Placement)
	case placement.Share:
		return fmt.Sprintf("%d share", offer.GPU)
	}
	return fmt.Sprint(offer.GPU)
}

func podName(i int) string { return fmt.Sprintf("pod-%04d", i) }

// schedule creates the pods one after the other, each with a claim of its own and once
// the scheduler has decided about the one before, and returns what it did. Before some of
// them, by number, the scheduler is started anew.
func (w *world) schedule(ctx context.Context, t *testing.T, asked []*kind, restarts []int) map[string]place {
	t.Helper()
	for i, k := range asked {
		claim := k.claim(podName(i))
		_, err := w.client.ResourceV1().ResourceClaims(namespace).Create(ctx, claim, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	pods := w.client.CoreV1().Pods(namespace)
	events, err := pods.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	for i := range asked {
		name := podName(i)
		w.restartBefore(ctx, t, i, restarts)
		_, err := pods.Create(ctx, podOf(name), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for done := false; !done; {
			event, open := <-events.ResultChan()
			if !open {
				t.Fatalf("the watch ended before the scheduler decided about %s", name)
			}
			pod, isPod := event.Object.(*corev1.Pod)
			done = isPod && pod.Name == name && decided(pod)
		}
	}
	return w.scheduled(ctx, t)
}

func podOf(name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	pod.Spec = corev1.PodSpec{
		SchedulerName: "ashlar-scheduler",
		Containers: []corev1.Container{
			{Name: "c", Image: "example.com/none", Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "gpu"}}}},
		},
		ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &name}},
	}
	return pod
}

// scheduled is where the scheduler put the pods.
func (w *world) scheduled(ctx context.Context, t *testing.T) map[string]place {
	t.Helper()
	pods, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := w.client.ResourceV1().ResourceClaims(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scheduled := map[string]place{}
	for i := range pods.Items {
		scheduled[pods.Items[i].Name] = place{Node: pods.Items[i].Spec.NodeName}
	}
	for i := range claims.Items {
		claim := &claims.Items[i]
		at := scheduled[claim.Name]
		if at.Node == "" || claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			at.Devices = append(at.Devices, result.Device)
		}
		slices.Sort(at.Devices)
		scheduled[claim.Name] = at
	}
	return scheduled
}

// decided reports whether a pod is bound or was found not to fit. A binding that failed
// is neither: the pod comes again.
func decided(pod *corev1.Pod) bool {
	if pod.Spec.NodeName != "" {
		return true
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse &&
			condition.Reason == corev1.PodReasonUnschedulable {
			return true
		}
	}
	return false
}
