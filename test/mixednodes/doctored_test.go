package mixednodes

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// The nodes of the doctored clusters, of two GPUs each.
const (
	alone   = "exclusive"
	sliced  = "time-sliced-by-4"
	limited = "mps-by-2"
	blank   = "unlabelled"
	cut     = "nvidia-dynamic-mig"
	divided = "nvidia-shares"
	tainted = "nvidia-tainted"
	both    = "nvidia-and-plugin"
	drivers = "ashlar-and-nvidia"
)

// doctoredFacts are what the checker knows of these nodes.
func doctoredFacts(t *testing.T) map[string]*nodeFacts {
	t.Helper()
	random := rand.New(rand.NewSource(1))
	var fleet []*fleetNode
	var nodes []corev1.Node
	var published []resourceapi.ResourceSlice
	add := func(name, model, form, pluginForm string, change func(*fleetNode)) {
		known, err := catalogue.Default().Model(model)
		if err != nil {
			t.Fatal(err)
		}
		n := &fleetNode{name: name, kind: "doctored", form: form, node: topology.FlatNode(known, 2)}
		n.uuids = []string{"GPU-00000000-0000-0000-0000-" + name, "GPU-00000000-0000-0000-0001-" + name}
		if pluginForm != "" {
			n.plugin = newPluginOffer(pluginForm, known, 2, random)
		}
		if form != "" {
			n.slices = nvidiaSlices(t, n, random)
		}
		change(n)
		fleet = append(fleet, n)
		node := corev1.Node{}
		node.Name, node.Status.Allocatable = name, n.capacity()
		nodes = append(nodes, node)
		for _, slice := range n.slices {
			published = append(published, *slice)
		}
	}
	as := func(second string) func(*fleetNode) { return func(n *fleetNode) { n.second = second } }
	by := func(replicas int64) func(*fleetNode) {
		return func(n *fleetNode) { n.plugin.resources[0].replicas = replicas }
	}
	add(alone, "T4", "", exclusive, as(""))
	add(sliced, "L40S", "", timeSliced, by(4))
	add(limited, "L40S", "", withMPS, by(2))
	add(blank, "T4", "", unlabelled, as(""))
	add(cut, "A100-SXM4-80GB", dynamicMIG, "", as(""))
	add(divided, "L40S", memoryShares, "", as(""))
	add(tainted, "L40S", withTaint, "", as(""))
	add(both, "L40S", wholeGPUs, exclusive, as(pluginKind))
	add(drivers, "L40S", wholeGPUs, "", func(n *fleetNode) {
		n.second = ashlarKind
		other := n.slices[0].DeepCopy() // of the same GPUs
		other.Spec.Driver = ashlarDriver
		n.slices = append(n.slices, other)
	})
	return readNodes(fleet, nodes, published)
}

// boundPod is a pod on a node that asks for an amount of a resource, or has a claim named
// as itself if that is "".
func boundPod(name, node, resourceName string, count int64, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name, pod.UID, pod.Annotations, pod.Spec.NodeName = name, types.UID(name), map[string]string{}, node
	pod.Spec.Containers = []corev1.Container{{Name: "main"}}
	if resourceName != "" {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceName(resourceName): *resource.NewQuantity(count, resource.DecimalSI),
		}
	} else {
		pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimName: &pod.Name}}
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func serving(s modelServer) func(*corev1.Pod) { return s.serve }

func stating(memory string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Annotations[memoryAnnotation] = memory }
}

func ended(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded }

// heldClaim is a claim that has devices of a node for the pod of its name. An amount after
// a device's name is what it has of its memory, in GiB.
func heldClaim(name, node, driver string, devices ...string) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{}
	claim.Name = name
	claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: name, UID: types.UID(name)}}
	claim.Status.Allocation = &resourceapi.AllocationResult{}
	for _, device := range devices {
		device, amount, _ := strings.Cut(device, " ")
		result := resourceapi.DeviceRequestAllocationResult{Request: "gpu", Driver: driver, Pool: node, Device: device}
		if amount != "" {
			result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{"memory": resource.MustParse(amount)}
		}
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, result)
	}
	return claim
}

// What a case lists.
type (
	podList   = []*corev1.Pod
	claimList = []*resourceapi.ResourceClaim
)

// The checker finds what it is there for, and nothing else.
func TestCheckerFindsWhatIsWrong(t *testing.T) {
	small := modelServer{Model: "Qwen/Qwen3-0.6B", Release: 11, MaxModelLen: 2048, Percent: 40}
	large := modelServer{Model: "meta-llama/Llama-3.1-8B-Instruct", Release: 11, MaxModelLen: 4096}
	for name, tc := range map[string]struct {
		pods   podList
		claims claimList
		leave  []string // pods that leave before the last one comes
		want   []string // kinds of violations
	}{
		"as many as there are": {pods: podList{boundPod("a", alone, gpuResource, 1), boundPod("b", alone, gpuResource, 1)}},
		"one more": {pods: podList{boundPod("a", alone, gpuResource, 2), boundPod("b", alone, gpuResource, 1)},
			want: []string{countsWrong}},
		"one more, after another ended": {
			pods: podList{boundPod("a", alone, gpuResource, 2, ended), boundPod("b", alone, gpuResource, 1)},
		},
		"one more, after another left": {
			pods:  podList{boundPod("a", alone, gpuResource, 2), boundPod("b", alone, gpuResource, 1)},
			leave: []string{"a"},
		},
		"what a node does not have": {pods: podList{boundPod("a", alone, "nvidia.com/mig-1g.10gb", 1)}, want: []string{countsWrong}},
		"a server too large":        {pods: podList{boundPod("a", alone, gpuResource, 1, serving(large))}, want: []string{serverMisled}},
		"a server that fits":        {pods: podList{boundPod("a", alone, gpuResource, 1, serving(small))}},
		"a server where nothing is told": {
			pods: podList{boundPod("a", blank, gpuResource, 1, serving(large))},
		},
		"more stated than there is": {pods: podList{boundPod("a", alone, gpuResource, 1, stating("16Gi"))}, want: []string{serverMisled}},
		"a server that contradicts itself": {
			pods: podList{boundPod("a", blank, gpuResource, 1, func(pod *corev1.Pod) { pod.Annotations[hopelessAnnotation] = "cannot" })},
			want: []string{serverMisled},
		},

		"two servers, each on a GPU of its own": {
			pods: podList{boundPod("a", sliced, gpuResource, 1, stating("30Gi")), boundPod("b", sliced, gpuResource, 1, stating("30Gi"))},
		},
		"a third on one of them": {
			pods: podList{
				boundPod("a", sliced, gpuResource, 1, stating("30Gi")), boundPod("b", sliced, gpuResource, 1, stating("30Gi")),
				boundPod("c", sliced, gpuResource, 1, stating("15Gi")),
			},
			want: []string{memoryWrong},
		},
		"the plugin may take the fuller of two": {
			pods: podList{
				boundPod("a", sliced, gpuResource, 1, stating("1Gi")), boundPod("b", sliced, gpuResource, 1, stating("40Gi")),
				boundPod("c", sliced, gpuResource, 1, stating("20Gi")),
			},
			want: []string{memoryWrong},
		},
		"it takes what somebody left": {
			pods: podList{
				boundPod("a", sliced, gpuResource, 1, stating("1Gi")), boundPod("b", sliced, gpuResource, 1, stating("40Gi")),
				boundPod("c", sliced, gpuResource, 1, stating("20Gi")),
			},
			leave: []string{"b"},
		},
		"a server beside pods of which nothing is known": {
			pods: podList{
				boundPod("a", sliced, gpuResource, 2), boundPod("b", sliced, gpuResource, 2), boundPod("c", sliced, gpuResource, 1, serving(large)),
			},
			want: []string{memoryWrong},
		},
		"a small server beside them": {
			pods: podList{
				boundPod("a", sliced, gpuResource, 2), boundPod("b", sliced, gpuResource, 2), boundPod("c", sliced, gpuResource, 1, serving(small)),
			},
		},
		"a server within its part":     {pods: podList{boundPod("a", limited, gpuResource, 1, serving(small))}},
		"a server that takes all":      {pods: podList{boundPod("a", limited, gpuResource, 1, serving(large))}, want: []string{serverMisled}},
		"more stated than MPS gives":   {pods: podList{boundPod("a", limited, gpuResource, 1, stating("23Gi"))}, want: []string{serverMisled}},
		"as much stated as MPS grants": {pods: podList{boundPod("a", limited, gpuResource, 1, stating("22Gi"))}},

		"a GPU twice": {
			claims: claimList{heldClaim("a", tainted, nvidiaDriver, "gpu-1"), heldClaim("b", tainted, nvidiaDriver, "gpu-1")},
			want:   []string{slicesWrong},
		},
		"a GPU that is not there": {claims: claimList{heldClaim("a", tainted, nvidiaDriver, "gpu-7")}, want: []string{slicesWrong}},
		"a GPU with a taint":      {claims: claimList{heldClaim("a", tainted, nvidiaDriver, "gpu-0")}, want: []string{slicesWrong}},
		"slices side by side": {
			claims: claimList{heldClaim("a", cut, nvidiaDriver, "gpu-0-mig-3g40gb-9-0"), heldClaim("b", cut, nvidiaDriver, "gpu-0-mig-3g40gb-9-4")},
		},
		"slices on top of one another": {
			claims: claimList{heldClaim("a", cut, nvidiaDriver, "gpu-0-mig-3g40gb-9-0"), heldClaim("b", cut, nvidiaDriver, "gpu-0-mig-1g10gb-19-3")},
			want:   []string{slicesWrong},
		},
		"shares side by side": {
			claims: claimList{heldClaim("a", divided, nvidiaDriver, "gpu-0 20Gi"), heldClaim("b", divided, nvidiaDriver, "gpu-0 20Gi")},
		},
		"shares of more than there is": {
			claims: claimList{heldClaim("a", divided, nvidiaDriver, "gpu-0 30Gi"), heldClaim("b", divided, nvidiaDriver, "gpu-0 20Gi")},
			want:   []string{slicesWrong},
		},
		"a server beyond its share": {
			pods:   podList{boundPod("a", divided, "", 0, serving(small))},
			claims: claimList{heldClaim("a", divided, nvidiaDriver, "gpu-0 8Gi")},
			want:   []string{serverMisled},
		},
		"a server on a slice": {
			pods:   podList{boundPod("a", cut, "", 0, serving(small))},
			claims: claimList{heldClaim("a", cut, nvidiaDriver, "gpu-0-mig-1g10gb-19-3")},
		},
		"a server on too small a slice": {
			pods:   podList{boundPod("a", cut, "", 0, serving(large))},
			claims: claimList{heldClaim("a", cut, nvidiaDriver, "gpu-0-mig-1g10gb-19-3")},
			want:   []string{serverMisled},
		},
		"a pod without its claim": {pods: podList{boundPod("a", tainted, "", 0)}, want: []string{claimsMissing}},
		"a pod away from its GPU": {
			pods:   podList{boundPod("a", divided, "", 0)},
			claims: claimList{heldClaim("a", tainted, nvidiaDriver, "gpu-1")},
			want:   []string{claimsMissing},
		},
		"a claim and the device plugin": {
			pods:   podList{boundPod("a", both, gpuResource, 1)},
			claims: claimList{heldClaim("b", both, nvidiaDriver, "gpu-1")},
			want:   []string{offeredTwice},
		},
		"a claim after the device plugin": {
			pods:   podList{boundPod("a", both, gpuResource, 1), boundPod("b", both, "", 0)},
			claims: claimList{heldClaim("b", both, nvidiaDriver, "gpu-1")},
			leave:  []string{"a"},
			want:   []string{offeredTwice}, // the claim was there before the pod was
		},
		"two drivers, a GPU each": {
			claims: claimList{heldClaim("a", drivers, nvidiaDriver, "gpu-0"), heldClaim("b", drivers, ashlarDriver, "gpu-1")},
		},
		"two drivers on one GPU": {
			claims: claimList{heldClaim("a", drivers, nvidiaDriver, "gpu-0"), heldClaim("b", drivers, ashlarDriver, "gpu-0")},
			want:   []string{offeredTwice},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecker(doctoredFacts(t))
			for _, claim := range tc.claims {
				c.replay(change{claim: readClaim(claim)})
			}
			for i, pod := range tc.pods {
				if i == len(tc.pods)-1 {
					for _, name := range tc.leave {
						c.replay(change{pod: c.pods[name], gone: true})
					}
				}
				read, err := readPod(pod)
				if err != nil {
					t.Fatal(err)
				}
				c.replay(change{pod: read})
			}
			got := map[string]bool{}
			for _, v := range c.found {
				got[v.what] = true
			}
			if want := slices.Sorted(slices.Values(tc.want)); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
				t.Fatalf("found %v, want %v", fmt.Sprint(c.found), want)
			}
		})
	}
}

// A snapshot is looked at in the same way.
func TestCheckerFindsWhatIsWrongNow(t *testing.T) {
	c := newChecker(doctoredFacts(t))
	for _, name := range []string{"a", "b"} {
		pod, err := readPod(boundPod(name, alone, gpuResource, 2))
		if err != nil {
			t.Fatal(err)
		}
		c.pods[name] = pod
		into(c.podsOn, pod.node)[name] = pod
	}
	c.checkAll()
	if c.count(countsWrong) != 1 || len(c.found) != 1 {
		t.Fatalf("found %v, want one of %q", c.found, countsWrong)
	}
}

// Every seed has nodes of every kind and form, and a stream of pods for them.
func TestFleetsOfManySeeds(t *testing.T) {
	for seed := range int64(40) {
		random := rand.New(rand.NewSource(seed))
		fleet := newFleet(t, random)
		if arrivals := newWorkload(random, fleet, 50); len(fleet) != 3*ofEachKind || len(arrivals) != 50 {
			t.Fatalf("seed %d: %d nodes and %d pods, want %d and 50", seed, len(fleet), len(arrivals), 3*ofEachKind)
		}
	}
}
