package deviceplacement

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// randomCluster is nodes of a few makes, some devices of which are held, and pods to come.
type randomCluster struct {
	random *rand.Rand
	nodes  []*v1.Node
	slices []runtime.Object
	claims []runtime.Object
	pods   []*v1.Pod
}

func (c *randomCluster) chance(percent int) bool { return c.random.IntN(100) < percent }

func newRandomCluster(seed uint64) *randomCluster {
	c := &randomCluster{random: rand.New(rand.NewPCG(seed, 1))}
	for i := range 2 + c.random.IntN(12) {
		c.addNode(fmt.Sprintf("n%02d", i))
	}
	for i := range 6 {
		c.addPod(fmt.Sprintf("pod-%d", i))
	}
	return c
}

// addNode adds a node of one of the makes. Some have a taint on a device, or an adapter.
func (c *randomCluster) addNode(name string) {
	node := newNode(name)
	node.Labels = map[string]string{"zone": []string{"a", "b", "c"}[c.random.IntN(3)]}
	node.Status.Allocatable[v1.ResourcePods] = resource.MustParse("110")
	node.Status.Allocatable[v1.ResourceMemory] = resource.MustParse("64Gi")
	var devices []resourceapi.Device
	switch c.random.IntN(4) {
	case 0:
		devices = fourGPUs()
	case 1:
		devices = fourGPUs()
		for i := range devices {
			uuid := fmt.Sprintf("GPU-%s-%d", name, i)
			devices[i].Attributes[deviceapi.UUID] = resourceapi.DeviceAttribute{StringValue: &uuid}
		}
	case 2:
		for gpu := range int64(2) {
			for start := range int64(7) {
				devices = append(devices, migSlice(gpu, start))
			}
		}
	case 3:
		devices = append(devices, wholeGPU(0, "X SYS"), gpuShare(1))
	}
	if c.chance(10) {
		devices[0].Taints = []resourceapi.DeviceTaint{{Key: "broken", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
	}
	c.nodes = append(c.nodes, node)
	c.slices = append(c.slices, publish(name, devices...))
	if c.chance(15) {
		c.slices = append(c.slices, publishNICs(name, nicDevice(0, "r0", 0)))
	}
	for _, d := range devices {
		switch {
		case c.chance(70):
		case d.AllowMultipleAllocations != nil:
			c.claims = append(c.claims, heldShare(name, "held-"+name+d.Name, d.Name, "20Gi"))
		default:
			c.claims = append(c.claims, held(name, newClaim("held-"+name+d.Name, gpuClass, 1), d.Name))
		}
	}
}

// addPod adds a pod that asks for devices in one of several ways.
func (c *randomCluster) addPod(name string) {
	pod := newPod(name)
	cpu := resource.NewQuantity(int64(c.random.IntN(12)), resource.DecimalSI)
	pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: *cpu}
	if c.chance(30) {
		pod.Spec.NodeSelector = map[string]string{"zone": []string{"a", "b", "c", "none"}[c.random.IntN(4)]}
	}
	var claim *resourceapi.ResourceClaim
	switch c.random.IntN(7) {
	case 0, 1:
		claim = newClaim(name, gpuClass, int64(1+c.random.IntN(4)))
	case 2:
		claim = newClaim(name, sliceClass, int64(1+c.random.IntN(3)))
	case 3:
		claim = newClaim(name, shareClass, 1, shareOf(fmt.Sprintf("%dGi", 10+c.random.IntN(60))))
	case 4:
		uuid := fmt.Sprintf("GPU-n%02d-%d", c.random.IntN(8), c.random.IntN(4))
		claim = newClaim(name, gpuClass, 1, where(fmt.Sprintf(`device.attributes["gpu.ashlar.dev"].?uuid.orValue("") == %q`, uuid)))
	case 5:
		claim = newClaim(name, gpuClass, 1, where(`device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("40Gi"))`))
	default:
		claim = newClaim(name, gpuClass, 1)
		claim.Spec.Devices.Requests = append(claim.Spec.Devices.Requests, resourceapi.DeviceRequest{
			Name: "adapter", Exactly: &resourceapi.ExactDeviceRequest{
				DeviceClassName: adapters, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
			},
		})
	}
	c.claims = append(c.claims, claim)
	c.pods = append(c.pods, pod)
}

// Asking few nodes changes no decision: the same pods go to the same nodes and get the same
// devices as when all nodes are asked, and none is left out that would fit.
func TestCandidatesDecideAsAllNodes(t *testing.T) {
	clusters := uint64(1000)
	if testing.Short() {
		clusters = 60
	}
	narrowed := 0
	for seed := range clusters {
		var decided [2][]string
		for i, candidates := range []int32{0, 2} {
			c := newRandomCluster(seed)
			args := defaultArgs()
			args.Candidates = candidates
			s := newFakeScheduler(t, args, c.nodes, slices.Concat(c.slices, c.claims)...)
			for _, pod := range c.pods {
				decision, asked := s.scheduleOne(pod)
				decided[i] = append(decided[i], decision)
				if asked < len(c.nodes) {
					narrowed++
				}
				s.checkLedger()
			}
			s.finish()
		}
		if diff := cmp.Diff(decided[0], decided[1]); diff != "" {
			t.Fatalf("cluster %d (-all nodes +candidates):\n%s", seed, diff)
		}
	}
	if narrowed < int(clusters) {
		t.Errorf("only %d of %d pods had candidates", narrowed, 6*clusters)
	}
}

// scheduleOne runs a pod's cycle, and a second one if the first one says that the rest of the
// nodes is to be asked. It returns where the pod went with which devices, and how many
// nodes were asked. Of other plugins there is the one for node selectors.
func (s *fakeScheduler) scheduleOne(pod *v1.Pod) (string, int) {
	ctx := context.Background()
	for attempt := range 2 {
		state := framework.NewCycleState()
		result, status := s.PreFilter(ctx, state, pod, s.nodes)
		if !status.IsSuccess() {
			return status.Message(), 0
		}
		affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
		var feasible []fwk.NodeInfo
		refused := framework.NewDefaultNodeToStatus()
		asked := 0
		for _, node := range s.nodes {
			if !result.AllNodes() && !result.NodeNames.Has(node.Node().Name) {
				continue
			}
			asked++
			requested := cpuOf(pod) + node.GetRequested().GetMilliCPU()
			if matches, _ := affinity.Match(node.Node()); !matches || requested > node.GetAllocatable().GetMilliCPU() {
				continue
			}
			if status := s.Filter(ctx, state, pod, node); status.IsSuccess() {
				feasible = append(feasible, node)
			} else {
				status.SetPlugin(Name)
				refused.Set(node.Node().Name, status)
			}
		}
		if len(feasible) == 0 {
			if c := cycleOf(state); attempt == 0 && c != nil && c.narrowed {
				s.PostFilter(ctx, state, pod, refused)
				if len(s.activated) == 0 || s.activated[len(s.activated)-1] != pod {
					s.t.Fatal("the rest of the nodes is not asked at once")
				}
				continue
			}
			return "nowhere", asked
		}
		if status := s.PreScore(ctx, state, pod, feasible); !status.IsSuccess() && !status.IsSkip() {
			s.t.Fatalf("PreScore: %v", status)
		}
		node := slices.MaxFunc(feasible, func(a, b fwk.NodeInfo) int {
			return int(scoresOf(state)[a.Node().Name] - scoresOf(state)[b.Node().Name])
		})
		name := node.Node().Name
		if status := s.Reserve(ctx, state, pod, name); !status.IsSuccess() {
			s.t.Fatalf("Reserve: %v", status)
		}
		node.AddPodInfo(podInfo(s.t, pod))
		return fmt.Sprintf("%s on %s: %v", pod.Name, name, cycleOf(state).devices), asked
	}
	return "never", 0
}

// checkLedger compares what the plugin follows with what the in-tree code gathers.
func (s *fakeScheduler) checkLedger() {
	s.t.Helper()
	want, err := s.claims.GatherAllocatedState()
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := s.source.AllocatedState()
	if err != nil {
		s.t.Fatal(err)
	}
	if !want.AllocatedDevices.Equal(got.AllocatedDevices) {
		s.t.Fatalf("allocated devices: got %v, want %v", got.AllocatedDevices, want.AllocatedDevices)
	}
	shared := sets.KeySet(want.AggregatedCapacity)
	for id := range want.AllocatedSharedDeviceIDs {
		shared.Insert(id.GetDeviceID())
	}
	if !shared.Equal(sets.KeySet(got.AggregatedCapacity)) {
		s.t.Fatalf("shared devices: got %v, want %v", got.AggregatedCapacity, want.AggregatedCapacity)
	}
	for id, amounts := range want.AggregatedCapacity {
		if !sameAmounts(amounts, got.AggregatedCapacity[id]) {
			s.t.Fatalf("consumed of %s: got %v, want %v", id, got.AggregatedCapacity[id], amounts)
		}
	}
}

func sameAmounts(a, b structured.ConsumedCapacity) bool {
	if len(a) != len(b) {
		return false
	}
	for name, amount := range a {
		if other := b[name]; other == nil || amount.Cmp(*other) != 0 {
			return false
		}
	}
	return true
}
