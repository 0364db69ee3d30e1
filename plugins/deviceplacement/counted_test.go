package deviceplacement

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	inTree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	"k8s.io/utils/ptr"
)

const pluginResource = "nvidia.com/gpu"

// countedNode is a node whose device plugin hands out GPUs. product may be "" for a node
// without labels.
func countedNode(name, product, memory string, count string, labels ...string) *v1.Node {
	node := newNode(name)
	node.Labels = map[string]string{}
	if product != "" {
		node.Labels["nvidia.com/gpu.product"], node.Labels["nvidia.com/gpu.memory"] = product, memory
	}
	for i := 0; i < len(labels); i += 2 {
		node.Labels[labels[i]] = labels[i+1]
	}
	node.Status.Allocatable = maps.Clone(node.Status.Allocatable)
	node.Status.Allocatable[pluginResource] = resource.MustParse(count)
	return node
}

// countedPod asks a device plugin for GPUs.
func countedPod(name, count string, args ...string) *v1.Pod {
	pod := newPod(name)
	pod.Spec.ResourceClaims = nil
	amounts := v1.ResourceList{pluginResource: resource.MustParse(count)}
	pod.Spec.Containers = []v1.Container{{
		Name: "server", Image: "vllm/vllm-openai:v0.11.0", Args: args,
		Resources: v1.ResourceRequirements{Limits: amounts, Requests: amounts},
	}}
	return pod
}

var eightB = []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096"}

// The nodes of the tests: a T4, which is too small for a model of 8B, an L40S that is large
// enough, an H100 that is larger than needed, and one of which nothing is known.
func countedNodes() []*v1.Node {
	return []*v1.Node{
		countedNode("t4", "Tesla-T4", "15360", "4"),
		countedNode("l40s", "NVIDIA-L40S", "46068", "8"),
		countedNode("h100", "NVIDIA-H100-80GB-HBM3", "81559", "8"),
		countedNode("unlabelled", "", "", "8"),
	}
}

func nodeNames(nodes []fwk.NodeInfo) []string {
	var names []string
	for _, node := range nodes {
		names = append(names, node.Node().Name)
	}
	return names
}

func TestCountedNodesAreAskedForMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		pod  *v1.Pod
		want []string
	}{
		"no model server":        {countedPod("pod", "1"), []string{"t4", "l40s", "h100", "unlabelled"}},
		"one that needs an L40S": {countedPod("pod", "1", eightB...), []string{"l40s", "h100", "unlabelled"}},
		"one that is spread wider": {
			countedPod("pod", "4", append(eightB, "--tensor-parallel-size=4")...), []string{"t4", "l40s", "h100", "unlabelled"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, countedNodes())
			feasible, _ := s.filterAll(s.preFilter(tc.pod), tc.pod)
			if diff := cmp.Diff(tc.want, nodeNames(feasible)); diff != "" {
				t.Errorf("feasible (-want +got):\n%s", diff)
			}
		})
	}
}

// Of the nodes that do, the one with the least to lose is best.
// Nodes are asked only if one of them could refuse the pod.
func TestNodesAreAskedOnlyIfOneMayRefuse(t *testing.T) {
	shared := countedNode(
		"shared",
		"NVIDIA-L40S-SHARED",
		"46068",
		"32",
		"nvidia.com/gpu.replicas",
		"4",
		"nvidia.com/gpu.sharing-strategy",
		"time-slicing",
	)
	for name, tc := range map[string]struct {
		nodes    []*v1.Node
		pod      *v1.Pod
		wantSkip bool
	}{
		"no model server":              {countedNodes(), countedPod("pod", "1"), true},
		"a model server":               {countedNodes(), countedPod("pod", "1", eightB...), false},
		"a node whose GPUs are shared": {append(countedNodes(), shared), countedPod("pod", "1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, tc.nodes)
			if _, status := s.PreFilter(context.Background(), framework.NewCycleState(), tc.pod, s.nodes); status.IsSkip() != tc.wantSkip {
				t.Errorf("PreFilter: %s, want skip: %v", status.Code(), tc.wantSkip)
			}
		})
	}
}

func TestCountedNodesAreRanked(t *testing.T) {
	s := newFakeScheduler(t, nil, countedNodes()[:3])
	pod := countedPod("pod", "1", eightB...)
	state := s.preFilter(pod)
	feasible, _ := s.filterAll(state, pod)
	if status := s.PreScore(context.Background(), state, pod, feasible); !status.IsSuccess() && !status.IsSkip() {
		t.Fatal(status)
	}
	scores := map[string]int64{}
	for _, node := range feasible {
		score, status := (ScorePlugin{}).Score(context.Background(), state, pod, node)
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		scores[node.Node().Name] = score
	}
	if scores["l40s"] <= scores["h100"] {
		t.Errorf("scores %v, want l40s ahead of h100", scores)
	}
}

// What is a device plugin's on one node is an extended resource on another. Ranking both,
// the in-tree plugin is asked what it would allocate there, which it must not do here.
func TestCountedPodsAllocateNothing(t *testing.T) {
	class := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "behind-the-resource"}}
	class.Spec.ExtendedResourceName = ptr.To(pluginResource)
	ctx := context.Background()
	s := newFakeScheduler(t, nil, []*v1.Node{countedNodes()[1], newNode("n")}, class, publish("n", fourGPUs()...))
	for deadline := time.Now().Add(10 * time.Second); !s.source.ClassFor(pluginResource); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the class is not known")
		}
	}
	for node, want := range map[string][]string{"l40s": nil, "n": {"gpu-0"}} {
		t.Run(node, func(t *testing.T) {
			pod := countedPod("pod", "1")
			state := s.preFilter(pod)
			feasible, _ := s.filterAll(state, pod)
			if diff := cmp.Diff([]string{"l40s", "n"}, nodeNames(feasible)); diff != "" {
				t.Fatalf("feasible (-want +got):\n%s", diff)
			}
			if status := s.PreScore(ctx, state, pod, feasible); !status.IsSuccess() && !status.IsSkip() {
				t.Fatal(status)
			}
			if status := s.Reserve(ctx, state, pod, node); !status.IsSuccess() {
				t.Fatal(status)
			}
			if diff := cmp.Diff(want, s.allocated(state, pod, node)); diff != "" {
				t.Errorf("allocated (-want +got):\n%s", diff)
			}
			if want == nil {
				if status := s.PreBind(ctx, state, pod, node); !status.IsSuccess() {
					t.Error(status)
				}
			}
			s.Unreserve(ctx, state, pod, node)
		})
	}
}

// A pod that no node's device plugin could serve is not looked at any further.
func TestPodsWithoutGPUsAreSkipped(t *testing.T) {
	s := newFakeScheduler(t, nil, countedNodes())
	pod := countedPod("pod", "0")
	pod.Spec.Containers[0].Resources = v1.ResourceRequirements{}
	if _, status := s.PreFilter(context.Background(), framework.NewCycleState(), pod, s.nodes); !status.IsSkip() {
		t.Errorf("got %v, want Skip", status)
	}
}

func TestServersThatCannotStartAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		pod  *v1.Pod
		want string
	}{
		"a degree above the GPUs": {countedPod("pod", "1", append(eightB, "--tensor-parallel-size=4")...), "vllm spans 4 GPUs"},
		"more than all memory": {
			countedPod("pod", "1", append(eightB, "--gpu-memory-utilization=1.5")...), "want a number above 0 and up to 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, countedNodes())
			_, status := s.PreFilter(context.Background(), framework.NewCycleState(), tc.pod, s.nodes)
			if status.Code() != fwk.UnschedulableAndUnresolvable || !strings.Contains(status.Message(), tc.want) {
				t.Errorf("got %v, want %q", status, tc.want)
			}
		})
	}
}

// Pods that leave in a dry run of preemption give back the memory that they took.
func TestCountedMemoryFollowsTheNode(t *testing.T) {
	shared := countedNode("shared", "NVIDIA-L40S-SHARED", "46068", "4", "nvidia.com/gpu.replicas", "4")
	s := newFakeScheduler(t, nil, []*v1.Node{shared})
	running := countedPod("running", "1", eightB...)
	running.UID = "running"
	info := framework.NewNodeInfo(running)
	info.SetNode(shared)
	pod := countedPod("pod", "1", eightB...)
	state := s.preFilter(pod)
	if status := s.Filter(context.Background(), state, pod, info); status.Code() != fwk.Unschedulable {
		t.Errorf("beside another server: %v, want Unschedulable", status)
	}
	info = framework.NewNodeInfo()
	info.SetNode(shared)
	if status := s.Filter(context.Background(), state, pod, info); !status.IsSuccess() {
		t.Errorf("alone: %v, want success", status)
	}
}

// Nothing tells which of its GPUs a device plugin gave away, so that a node which also
// publishes them serves either kind of pod, and never both.
func TestGPUsAreNotHandedOutTwice(t *testing.T) {
	both := countedNode("n", "NVIDIA-H100-80GB-HBM3", "81559", "4")
	published := []runtime.Object{publish("n", fourGPUs()...)}
	t.Run("to a device plugin's pod", func(t *testing.T) {
		s := newFakeScheduler(t, nil, []*v1.Node{both}, append(published, held("n", newClaim("other", gpuClass, 1), "gpu-0"))...)
		pod := countedPod("pod", "1")
		_, refused := s.filterAll(s.preFilter(pod), pod)
		if got := refused.Get("n").Message(); !strings.Contains(got, "claims hold some") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("to a pod with a claim", func(t *testing.T) {
		s := newFakeScheduler(t, nil, []*v1.Node{both}, append(published, newClaim("pod", gpuClass, 1))...)
		s.nodes[0] = framework.NewNodeInfo(countedPod("running", "1"))
		s.nodes[0].SetNode(both)
		pod := newPod("pod")
		_, refused := s.filterAll(s.preFilter(pod), pod)
		if got := refused.Get("n").Message(); !strings.Contains(got, "through the device plugin") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("to nobody yet", func(t *testing.T) {
		s := newFakeScheduler(t, nil, []*v1.Node{both}, append(published, newClaim("pod", gpuClass, 1))...)
		for _, pod := range []*v1.Pod{newPod("pod"), countedPod("counted", "1")} {
			if feasible, _ := s.filterAll(s.preFilter(pod), pod); len(feasible) != 1 {
				t.Errorf("%s fits on %d nodes, want 1", pod.Name, len(feasible))
			}
		}
	})
}

func TestCountedPodsAreTold(t *testing.T) {
	for node, want := range map[string][]string{
		"l40s": nil,
		"unlabelled": {
			"Warning ModelServerDoubt its model server's memory was not checked on node unlabelled: the node has no label " +
				"nvidia.com/gpu.product (GPU feature discovery is not running there)",
		},
	} {
		s := newFakeScheduler(t, nil, countedNodes())
		pod := countedPod("pod", "1", eightB...)
		state := s.preFilter(pod)
		if status := s.Reserve(context.Background(), state, pod, node); !status.IsSuccess() {
			t.Fatal(status)
		}
		s.PostBind(context.Background(), state, pod, node)
		if diff := cmp.Diff(want, s.events()); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", node, diff)
		}
	}
}

func TestExplainCounted(t *testing.T) {
	for name, tc := range map[string]struct {
		nodes   []*v1.Node
		running []*v1.Pod // on the first node
		pod     *v1.Pod
		want    []string
	}{
		"too large for any": {
			nodes: countedNodes()[:1], pod: countedPod("pod", "1", eightB...),
			want: []string{"Tesla T4: nothing is left for the KV cache", "would fit: nvidia.com/gpu: 2 with --tensor-parallel-size=2 on node t4"},
		},
		"all in use": {
			nodes: []*v1.Node{countedNode("t4", "Tesla-T4", "15360", "1")}, running: []*v1.Pod{countedPod("busy", "1")}, pod: countedPod("pod", "1"),
			want: []string{"it fits once one nvidia.com/gpu of node t4 is free (held by default/busy)"},
		},
		"more than a node has": {
			nodes: countedNodes()[:3], pod: countedPod("pod", "16"),
			want: []string{"3 node(s) hand out fewer than 16 nvidia.com/gpu; the most on one node is 8 (h100)"},
		},
		"large enough and in use": {
			nodes:   []*v1.Node{countedNode("l40s", "NVIDIA-L40S", "46068", "1"), countedNode("t4", "Tesla-T4", "15360", "4")},
			running: []*v1.Pod{countedPod("busy", "1")}, pod: countedPod("pod", "1", eightB...),
			want: []string{"it fits once one nvidia.com/gpu of node l40s is free (held by default/busy)"},
		},
		"a name that nobody has, among many": {
			nodes: []*v1.Node{manyProfiles("many", 200)}, pod: countedPod("pod", "1"),
			want: []string{"no DeviceClass and no node serves nvidia.com/gpu; there are nvidia.com/mig-1g.100gb, ", ", ..."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, tc.nodes)
			s.nodes[0] = framework.NewNodeInfo(tc.running...)
			s.nodes[0].SetNode(tc.nodes[0])
			state := s.preFilter(tc.pod)
			_, status := s.PostFilter(context.Background(), state, tc.pod, framework.NewDefaultNodeToStatus())
			for _, want := range tc.want {
				if !strings.Contains(status.Message(), want) {
					t.Errorf("got %q, want %q", status.Message(), want)
				}
			}
		})
	}
}

// A node on which the server would start is none for a pod that rules it out itself.
func TestExplainCountedOnSelectedNodes(t *testing.T) {
	s := newFakeScheduler(t, nil, countedNodes()[:2])
	pod := countedPod("pod", "1", eightB...)
	state := s.preFilter(pod)
	statuses := framework.NewDefaultNodeToStatus()
	statuses.Set("t4", fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) have no GPU").WithPlugin(Name))
	statuses.Set("l40s", fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't match").WithPlugin(inTree.NodeAffinity))
	_, status := s.PostFilter(context.Background(), state, pod, statuses)
	for _, want := range []string{"Tesla T4: nothing is left for the KV cache", "would fit: nvidia.com/gpu: 2 with --tensor-parallel-size=2 on node t4"} {
		if !strings.Contains(status.Message(), want) {
			t.Errorf("got %q, want %q", status.Message(), want)
		}
	}
	if strings.Contains(status.Message(), "on node l40s") {
		t.Errorf("a node that the pod may not go to is named: %q", status.Message())
	}
}

// manyProfiles is a node that hands out slices of many profiles.
func manyProfiles(name string, count int) *v1.Node {
	node := countedNode(name, "", "", "0")
	for i := range count {
		node.Status.Allocatable[v1.ResourceName(fmt.Sprintf("nvidia.com/mig-1g.%dgb", 100+i))] = resource.MustParse("1")
	}
	return node
}

// Pods are alike for the scheduler only if they start the same server.
func TestSignPod(t *testing.T) {
	s := newFakeScheduler(t, nil, countedNodes())
	sign := func(pod *v1.Pod) []fwk.SignFragment {
		fragments, status := s.SignPod(context.Background(), pod)
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		return fragments
	}
	first := countedPod("a", "1", eightB...)
	if diff := cmp.Diff(sign(first), sign(countedPod("b", "1", eightB...))); diff != "" {
		t.Errorf("the same server signs differently:\n%s", diff)
	}
	if diff := cmp.Diff(sign(first), sign(countedPod("c", "1", slices.Concat(eightB, []string{"--max-num-seqs=8"})...))); diff == "" {
		t.Error("another server signs the same")
	}
	pair := func(first, second v1.ResourceName) *v1.Pod {
		pod := countedPod("d", "1", eightB...)
		pod.Spec.Containers = append(pod.Spec.Containers, pod.Spec.Containers[0])
		for i, name := range []v1.ResourceName{first, second} {
			amounts := v1.ResourceList{name: resource.MustParse("1")}
			pod.Spec.Containers[i].Resources = v1.ResourceRequirements{Limits: amounts, Requests: amounts}
		}
		return pod
	}
	const gpu, slice = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"
	if diff := cmp.Diff(sign(pair(gpu, slice)), sign(pair(slice, gpu))); diff == "" {
		t.Error("servers on each other's GPUs sign the same")
	}
}
