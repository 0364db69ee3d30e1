package policy

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// What every policy must do: choose what fits, find something whenever something
// fits, and choose the same again.
func TestEveryPolicy(t *testing.T) {
	for _, policy := range All() {
		t.Run(policy.Name(), func(t *testing.T) {
			if named, err := ByName(policy.Name()); err != nil || named != policy {
				t.Errorf("ByName: got %v, %v", named, err)
			}
			rng := rand.New(rand.NewSource(7))
			for range 20 {
				nodes, pods := randomNodes(rng, 1+rng.Intn(30)), randomPods(rng, 300, 20)
				c, again := newState(t, nodes), newState(t, nodes)
				selector, other := policy.Selector(c, demandOf(pods), 9), policy.Selector(again, demandOf(pods), 9)
				for i, pod := range pods {
					at, found := selector.SelectNode(pod)
					if same, foundSame := other.SelectNode(pod); at != same || found != foundSame {
						t.Fatalf("pod %d: got %+v, %t, and then %+v, %t", i, at, found, same, foundSame)
					}
					if fits := fitsSomewhere(c, &pod); fits != found {
						t.Fatalf("pod %d: found is %t, want %t", i, found, fits)
					}
					if found {
						placePod(t, c, pod, at)
						placePod(t, again, pod, at)
					}
				}
			}
		})
	}
	_, err := ByName("best")
	if want := `unknown policy "best": want one of ashlar, fgd`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("ByName: got %v, want %s", err, want)
	}
}

func fitsSomewhere(c *ClusterState, pod *TracePod) bool {
	r := c.amounts.ResolveClass(pod.PodClass)
	for i := range c.nodes {
		if c.nodes[i].Fits(&r) && c.nodes[i].admitsPod(pod.Memory) {
			return true
		}
	}
	return false
}

// selectNode asks a policy about one pod.
func selectNode(t *testing.T, policy NodePolicy, c *ClusterState, demand []forecast.PodClass, pod forecast.PodClass) NodeChoice {
	t.Helper()
	at, found := policy.Selector(c, forecast.NewClassDemand(demand), 1).SelectNode(TracePod{PodClass: pod})
	if !found {
		t.Fatalf("%s finds nothing", policy.Name())
	}
	return at
}

func place(t *testing.T, c *ClusterState, class forecast.PodClass, at NodeChoice) PodAllocation {
	t.Helper()
	return placePod(t, c, TracePod{PodClass: class}, at)
}

func placePod(t *testing.T, c *ClusterState, pod TracePod, at NodeChoice) PodAllocation {
	t.Helper()
	a, err := c.Place(pod, at)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Three nodes with one GPU each, of which 500, 600 and 1000 are left: a share of 500
// belongs where nothing remains.
func TestSharesJoinTheFullestGPU(t *testing.T) {
	for _, policy := range []NodePolicy{Ashlar{}, FGD{}, BestFit{}, GPUPacking{}} {
		c := newCluster(t,
			NodeCapacity{Name: "free", CPU: 8000, GPUs: 1, Model: "A"},
			NodeCapacity{Name: "600", CPU: 8000, GPUs: 1, Model: "A"},
			NodeCapacity{Name: "500", CPU: 8000, GPUs: 1, Model: "A"})
		place(t, c, share(1000, 400), NodeChoice{Node: 1})
		place(t, c, share(1000, 500), NodeChoice{Node: 2})
		demand := []forecast.PodClass{share(1000, 500), share(1000, 500), whole(1000, 1)}
		if at := selectNode(t, policy, c, demand, share(1000, 500)); at.Node != 2 {
			t.Errorf("%s: got node %d, want 2", policy.Name(), at.Node)
		}
	}
}

// Beside 0.3 of a GPU, 0.7 fits without waste, and 0.65 wastes a twentieth.
func TestAshlarCutsWithoutWaste(t *testing.T) {
	c := newCluster(t, NodeCapacity{Name: "n", CPU: 64_000, GPUs: 2, Model: "A"})
	place(t, c, share(1000, 650), NodeChoice{GPU: 0})
	place(t, c, share(1000, 700), NodeChoice{GPU: 1})
	demand := []forecast.PodClass{share(1000, 650), share(1000, 350), share(1000, 700), share(1000, 300)}
	if got, want := selectNode(t, Ashlar{}, c, demand, share(1000, 300)), (NodeChoice{GPU: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Half of the demand must have model A, of which there is less: others take B.
func TestAshlarKeepsScarceModels(t *testing.T) {
	c := newCluster(t,
		NodeCapacity{Name: "a", CPU: 64_000, GPUs: 1, Model: "A"},
		NodeCapacity{Name: "b", CPU: 64_000, GPUs: 8, Model: "B"})
	onlyA := forecast.PodClass{CPU: 1000, GPUs: 1, PerGPU: 1000, Models: "A"}
	if got := selectNode(t, Ashlar{}, c, []forecast.PodClass{onlyA, whole(1000, 1)}, whole(1000, 1)).Node; got != 1 {
		t.Errorf("got node %d, want 1", got)
	}
}

// A pod that needs no GPU goes where CPU is plenty, though both nodes would still
// have some for each GPU.
func TestAshlarKeepsCPUForGPUs(t *testing.T) {
	c := newCluster(t,
		NodeCapacity{Name: "lean", CPU: 32_000, GPUs: 4, Model: "A"},
		NodeCapacity{Name: "rich", CPU: 128_000, GPUs: 4, Model: "A"})
	for range 4 { // the rich node's GPUs are taken, most of its CPU is not
		place(t, c, whole(8000, 1), NodeChoice{Node: 1})
	}
	cpuOnly := forecast.PodClass{CPU: 16_000}
	if got := selectNode(t, Ashlar{}, c, []forecast.PodClass{whole(8000, 1), cpuOnly}, cpuOnly).Node; got != 1 {
		t.Errorf("got node %d, want 1", got)
	}
}

func TestGPUClusteringScores(t *testing.T) {
	c := newCluster(t, NodeCapacity{Name: "n", CPU: 64_000, GPUs: 8, Model: "A"})
	scorer := gpuClusteringScorer{largestOf(c)}
	expect := func(what string, class forecast.PodClass, want int64) {
		t.Helper()
		r := c.amounts.ResolveClass(class)
		if got, _ := scorer.ScoreNode(&c.nodes[0], &r); got != want {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}
	expect("no GPU pod yet", whole(0, 1), 25)
	place(t, c, whole(0, 1), NodeChoice{})
	expect("only its kind", whole(0, 1), 75+3)
	expect("only other kinds", whole(0, 2), 3)
	place(t, c, share(0, 500), NodeChoice{GPU: 1})
	expect("its kind among others", share(0, 400), 50+4)
	expect("no GPU", forecast.PodClass{CPU: 1}, 0)
}

func TestGPUPackingScores(t *testing.T) {
	c := newCluster(t, NodeCapacity{Name: "n", CPU: 64_000, GPUs: 8, Model: "A"})
	expect := func(what string, class forecast.PodClass, want int64) {
		t.Helper()
		r := c.amounts.ResolveClass(class)
		if got, _ := (gpuPackingScorer{}).ScoreNode(&c.nodes[0], &r); got != want {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}
	expect("an empty node", whole(0, 1), 25)
	place(t, c, share(0, 500), NodeChoice{})
	expect("a GPU in use", share(0, 400), 95)
	expect("a free GPU of a node in use", share(0, 600), 49)
	expect("four free GPUs of it", whole(0, 4), 46)
	expect("no GPU", forecast.PodClass{CPU: 1}, 0)
}

// Every node that fits is as likely as any other, and so is every GPU on it.
func TestRandomIsUniform(t *testing.T) {
	c := newCluster(t,
		NodeCapacity{Name: "two", CPU: 8000, GPUs: 2, Model: "A"},
		NodeCapacity{Name: "none", CPU: 8000},
		NodeCapacity{Name: "one", CPU: 8000, GPUs: 1, Model: "A"})
	selector := Random{}.Selector(c, forecast.NewClassDemand(nil), 1)
	count := map[NodeChoice]int{}
	const draws = 40_000
	for range draws {
		at, found := selector.SelectNode(TracePod{PodClass: share(1000, 500)})
		if !found {
			t.Fatal("nothing found")
		}
		count[at]++
	}
	for at, want := range map[NodeChoice]int{{0, 0}: draws / 4, {0, 1}: draws / 4, {2, 0}: draws / 2} {
		if got := count[at]; got < want-400 || got > want+400 {
			t.Errorf("%+v: drawn %d times, want about %d", at, got, want)
		}
	}
}
