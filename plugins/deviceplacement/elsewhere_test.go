package deviceplacement

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	inTree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// labelled and tainted change a node.
func labelled(key, value string) func(*v1.Node) {
	return func(node *v1.Node) { node.Labels = map[string]string{key: value} }
}

func tainted(key, value string, effect v1.TaintEffect) func(*v1.Node) {
	return func(node *v1.Node) {
		node.Spec.Taints = append(node.Spec.Taints, v1.Taint{Key: key, Value: value, Effect: effect})
	}
}

// wanting makes a pod ask for a label with one of some values.
func wanting(key string, values ...string) func(*v1.Pod) {
	return func(pod *v1.Pod) {
		operator := v1.NodeSelectorOpIn
		if len(values) == 0 {
			operator = v1.NodeSelectorOpExists
		}
		pod.Spec.Affinity = &v1.Affinity{NodeAffinity: &v1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &v1.NodeSelector{
			NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{
				{Key: key, Operator: operator, Values: values},
			}}},
		}}}
	}
}

// What other plugins leave out of their refusals is said of the nodes that have GPUs.
func TestRefusedElsewhere(t *testing.T) {
	for name, tc := range map[string]struct {
		pod    func(*v1.Pod)
		a, b   func(*v1.Node) // of the nodes, of which only b has GPUs
		plugin string         // that refused both
		want   []string
	}{
		"nobody": {},
		"a label of GPU feature discovery that no node has": {
			pod: wanting("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"), plugin: inTree.NodeAffinity,
			want: []string{
				"no node carries the label nvidia.com/gpu.product (GPU feature discovery is not running)",
				"node b publishes 4 free NVIDIA H100 80GB HBM3",
				`ask for the product by CEL: device.attributes["gpu.ashlar.dev"].productName == "NVIDIA H100 80GB HBM3"`,
			},
		},
		"another product": {
			pod: wanting("nvidia.com/gpu.product", "NVIDIA-L40S"), plugin: inTree.NodeAffinity,
			want: []string{"no node carries the label nvidia.com/gpu.product (GPU feature discovery is not running)"},
		},
		"a label that is missing although others are there": {
			pod: wanting("nvidia.com/gpu.family"), a: labelled("nvidia.com/gpu.count", "8"), plugin: inTree.NodeAffinity,
			want: []string{"no node carries the label nvidia.com/gpu.family"},
		},
		"a label of node feature discovery, in the node selector": {
			pod: func(pod *v1.Pod) {
				pod.Spec.NodeSelector = map[string]string{"feature.node.kubernetes.io/pci-10de.present": "true"}
			}, plugin: inTree.NodeAffinity,
			want: []string{"no node carries the label feature.node.kubernetes.io/pci-10de.present (node feature discovery is not running)"},
		},
		"a label with another value": {
			pod: wanting("zone", "here"), a: labelled("zone", "nowhere"), b: labelled("zone", "there"), plugin: inTree.NodeAffinity,
			want: []string{"the label zone of nodes with GPUs is there"},
		},
		"a label that only nodes without GPUs have": {
			pod: wanting("zone", "here"), a: labelled("zone", "here"), plugin: inTree.NodeAffinity,
			want: []string{"no node with GPUs carries the label zone"},
		},
		"a label that is as it should be": {pod: wanting("zone", "here"), b: labelled("zone", "here"), plugin: inTree.NodeAffinity},
		"one node by its name":            {pod: wanting(v1.LabelHostname, "c"), b: labelled(v1.LabelHostname, "b"), plugin: inTree.NodeAffinity},
		"a taint": {
			b: tainted("nvidia.com/gpu", "present", v1.TaintEffectNoSchedule), plugin: inTree.TaintToleration,
			want: []string{"1 node(s) with GPUs have the taint nvidia.com/gpu=present:NoSchedule, which the pod does not tolerate"},
		},
		"a taint of nodes without GPUs": {a: tainted("dedicated", "", v1.TaintEffectNoSchedule), plugin: inTree.TaintToleration},
		"a taint that is tolerated, and one that does not matter": {
			pod: func(pod *v1.Pod) {
				pod.Spec.Tolerations = []v1.Toleration{{Key: "nvidia.com/gpu", Operator: v1.TolerationOpExists}}
			},
			b: func(node *v1.Node) {
				tainted("nvidia.com/gpu", "present", v1.TaintEffectNoSchedule)(node)
				tainted("hint", "", v1.TaintEffectPreferNoSchedule)(node)
			}, plugin: inTree.TaintToleration,
		},
		"a cordon": {
			plugin: inTree.NodeUnschedulable, b: tainted(v1.TaintNodeUnschedulable, "", v1.TaintEffectNoSchedule),
			want: []string{"there is room for what it asks of GPUs on a node that is cordoned: b"},
		},
		"a cordon, and the pod may not go there anyway": {
			plugin: inTree.NodeUnschedulable, b: tainted("dedicated", "", v1.TaintEffectNoSchedule),
		},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := []*v1.Node{newNode("a"), newNode("b")}
			for i, change := range []func(*v1.Node){tc.a, tc.b} {
				if change != nil {
					change(nodes[i])
				}
			}
			s := newFakeScheduler(t, nil, nodes, newClaim("pod", gpuClass, 1), publish("b", fourGPUs()...))
			pod := newPod("pod")
			if tc.pod != nil {
				tc.pod(pod)
			}
			state := s.preFilter(pod)
			refused := framework.NewDefaultNodeToStatus()
			for _, node := range nodes {
				refused.Set(node.Name, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "because").WithPlugin(tc.plugin))
			}
			sentences, tainted := s.refusedElsewhere(context.Background(), cycleOf(state), pod, refused)
			got := append(sentences, tainted...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("sentences (-want +got):\n%s", diff)
			}
		})
	}
}

// Nodes whose GPUs a device plugin hands out are looked at, too.
func TestRefusedElsewhereByDevicePlugin(t *testing.T) {
	node := newNode("n")
	node.Status.Allocatable["nvidia.com/gpu"] = resource.MustParse("8")
	tainted("nvidia.com/gpu", "present", v1.TaintEffectNoSchedule)(node)
	s := newFakeScheduler(t, nil, []*v1.Node{node, newNode("other")})
	pod := newPod("pod")
	pod.Spec.ResourceClaims = nil
	pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	refused := framework.NewDefaultNodeToStatus()
	refused.Set("n", fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "because").WithPlugin(inTree.TaintToleration))
	state := s.preFilter(pod)
	_, status := s.PostFilter(context.Background(), state, pod, refused)
	const want = "1 node(s) with GPUs have the taint nvidia.com/gpu=present:NoSchedule, which the pod does not tolerate"
	if status.Message() != want {
		t.Errorf("got %q, want %q", status.Message(), want)
	}
	// A pod that asks for nothing of the kind is told nothing.
	pod.Spec.Containers[0].Resources.Requests = nil
	if got := s.ExplainRefusal(context.Background(), state, pod, refused, time.Second); got != "" {
		t.Errorf("got %q of a pod without GPUs", got)
	}
}

// A resource that nothing serves is named, with what there is in its place.
func TestUnservedResources(t *testing.T) {
	for name, tc := range map[string]struct {
		resource string
		provided v1.ResourceList
		objects  []runtime.Object
		want     []string
	}{
		"CPU":                           {resource: "cpu"},
		"a resource behind a class":     {resource: gpuResource},
		"a resource of a device plugin": {resource: "nvidia.com/gpu", provided: v1.ResourceList{"nvidia.com/gpu": resource.MustParse("8")}},
		"a resource that a plugin took back": {
			resource: "nvidia.com/gpu", provided: v1.ResourceList{"nvidia.com/gpu": resource.MustParse("0")},
			want: []string{"no DeviceClass and no node serves nvidia.com/gpu"},
		},
		"a misspelt one": {
			resource: "example.com/gpus", want: []string{"no DeviceClass and no node serves example.com/gpus; there is example.com/gpu"},
		},
		"another profile": {
			resource: "nvidia.com/mig-3g.45gb",
			provided: v1.ResourceList{"nvidia.com/mig-3g.40gb": resource.MustParse("2"), "nvidia.com/mig-3g.47gb": resource.MustParse("2")},
			want: []string{
				"no DeviceClass and no node serves nvidia.com/mig-3g.45gb; there are nvidia.com/mig-3g.40gb, nvidia.com/mig-3g.47gb",
			},
		},
		"a profile where slices are claimed": {
			resource: "nvidia.com/mig-1g.5gb", objects: []runtime.Object{publish("n", migSlice(0, 0))},
			want: []string{"no DeviceClass and no node serves nvidia.com/mig-1g.5gb; MIG profiles to claim here are 1g.10gb"},
		},
		"a name of HAMi": {
			resource: "nvidia.com/gpumem", want: []string{"no DeviceClass and no node serves nvidia.com/gpumem: it is a name of HAMi's scheduler"},
		},
		"time slices under their other name": {
			resource: "nvidia.com/gpu.shared", provided: v1.ResourceList{"nvidia.com/gpu": resource.MustParse("32")},
			want: []string{
				"no DeviceClass and no node serves nvidia.com/gpu.shared: it stands for time-sliced GPUs; there is nvidia.com/gpu",
			},
		},
		"shared slices under their other name": {
			resource: "nvidia.com/mig-1g.5gb.shared", provided: v1.ResourceList{"nvidia.com/mig-1g.5gb": resource.MustParse("14")},
			want: []string{
				"no DeviceClass and no node serves nvidia.com/mig-1g.5gb.shared: it stands for time-sliced MIG slices; there is " +
					"nvidia.com/mig-1g.5gb",
			},
		},
		"another vendor": {resource: "amd.com/gpu", want: []string{"no DeviceClass and no node serves amd.com/gpu"}},
	} {
		t.Run(name, func(t *testing.T) {
			node := newNode("n")
			for resourceName, amount := range tc.provided {
				node.Status.Allocatable[resourceName] = amount
			}
			s := newFakeScheduler(t, nil, []*v1.Node{node}, tc.objects...)
			if err := s.source.Refresh(); err != nil {
				t.Fatal(err)
			}
			pod := newPod("pod")
			pod.Spec.ResourceClaims = nil
			pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceName(tc.resource): resource.MustParse("1")}
			if diff := cmp.Diff(tc.want, s.unservedResources(pod)); diff != "" {
				t.Errorf("sentences (-want +got):\n%s", diff)
			}
		})
	}
}

// A class that is not there is refused with those that are.
func TestPreFilterNamesTheClasses(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, newClaim("pod", "slices", 1), publish("n", fourGPUs()...))
	_, status := s.PreFilter(context.Background(), framework.NewCycleState(), newPod("pod"), s.nodes)
	const want = "request devices: device class slices does not exist; there are slice, gpu, nics, nvidia, share, vfio"
	if !status.IsRejected() || status.Message() != want {
		t.Errorf("got %s %q, want %q", status.Code(), status.Message(), want)
	}
}

// A selector that does not compile is refused before any node is looked at.
func TestPreFilterRefusesSelectorsThatDoNotCompile(t *testing.T) {
	claim := newClaim("pod", gpuClass, 1, where(`device.memory >= 10Gi`))
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, claim, publish("n", fourGPUs()...))
	_, status := s.PreFilter(context.Background(), framework.NewCycleState(), newPod("pod"), s.nodes)
	const want = `claim pod: request devices: selectors[0], device.memory >= 10Gi, does not compile: ` +
		`Syntax error: extraneous input 'Gi' expecting <EOF> at column 20; ` +
		`write device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("10Gi")) >= 0`
	if status.Code() != fwk.UnschedulableAndUnresolvable || status.Message() != want {
		t.Errorf("got %s %q, want %q", status.Code(), status.Message(), want)
	}
}

// A status has 400 characters, whatever there is to say: further remedies go first, then
// details.
func TestCutClauses(t *testing.T) {
	clauses := []textClause{
		{text: "cause"}, {text: "the arithmetic of it", kind: detailClause},
		{text: "would fit with a change: this", kind: remedyClause},
		{text: "or that, with so many words that it is left out first", kind: remedyClause, joined: true},
	}
	const more = "; more: ashlar whatif --waiting"
	for name, tc := range map[string]struct{ text, more string }{
		"all":               {text: joinClauses(clauses)},
		"the first remedy":  {text: "cause. the arithmetic of it. would fit with a change: this", more: more},
		"without details":   {text: "cause. would fit with a change: this", more: more},
		"the cause alone":   {text: "cause", more: more},
		"part of the cause": {text: "c...", more: more},
	} {
		t.Run(name, func(t *testing.T) {
			want := tc.text + tc.more
			if got := cutClauses(clauses, len(want)); got != want {
				t.Errorf("within %d: got %q, want %q", len(want), got, want)
			}
		})
	}
	arithmetic := []textClause{{text: "cause"}, {text: "one minus two is less than nothing, which does not do", kind: detailClause}}
	if got, want := cutClauses(arithmetic, 50), "cause. one..."+more; got != want {
		t.Errorf("without a remedy: got %q, want %q", got, want)
	}
	if got := cutClauses(nil, 10); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
