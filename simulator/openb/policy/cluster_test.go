package policy

import (
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestPlaceTakesFirstFreeGPUs(t *testing.T) {
	c := newCluster(t, NodeCapacity{Name: "n", CPU: 10_000, GPUs: 4, Model: "A"})
	half, err := c.Place(TracePod{PodClass: share(1000, 500)}, NodeChoice{Node: 0, GPU: 1})
	if err != nil || half.GPUs != 0b10 {
		t.Errorf("half: got GPUs %b, %v, want %b", half.GPUs, err, 0b10)
	}
	two, err := c.Place(TracePod{PodClass: whole(2000, 2)}, NodeChoice{Node: 0})
	if want := placement.GPUSet(0b101); err != nil || two.GPUs != want {
		t.Errorf("two: got GPUs %b, %v, want %b", two.GPUs, err, want)
	}

	n := c.Node(0)
	if diff := cmp.Diff([]topology.MilliGPU{0, 500, 0, 1000}, n.GPUs()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	type left struct {
		idle, all topology.MilliGPU
		cpu, pods int64
		shares    int64
		pairs     int64
	}
	want := left{idle: 1500, all: 1500, cpu: 7000, pods: 98, shares: 1, pairs: 1}
	if got := (left{n.Idle, c.Idle(), n.CPU, n.Pods, n.GPUPods[0], n.GPUPods[2]}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPlaceRefusesWhatDoesNotFit(t *testing.T) {
	c := newCluster(t, NodeCapacity{Name: "n", CPU: 10_000, GPUs: 2, Model: "A", Pods: 2})
	place(t, c, share(0, 500), NodeChoice{GPU: 1})
	for name, pod := range map[string]TracePod{
		"CPU":             {PodClass: forecast.PodClass{CPU: 10_001}},
		"memory":          {Memory: topology.GiB + 1},
		"negative memory": {Memory: -1},
		"two whole GPUs":  {PodClass: whole(0, 2)},
		"other model":     {PodClass: forecast.PodClass{GPUs: 1, PerGPU: 1000, Models: "B|C"}},
		"share, GPU 1":    {PodClass: share(0, 600)},
		"negative CPU":    {PodClass: forecast.PodClass{CPU: -1}},
		"share of two":    {PodClass: forecast.PodClass{GPUs: 2, PerGPU: 500}},
		"nothing of one":  {PodClass: forecast.PodClass{GPUs: 1}},
		"model, no GPU":   {PodClass: forecast.PodClass{Models: "A"}},
	} {
		if _, err := c.Place(pod, NodeChoice{GPU: 1}); err == nil {
			t.Errorf("%s: placed", name)
		}
	}
	for _, at := range []NodeChoice{{Node: -1}, {Node: 1}, {GPU: -1}, {GPU: 2}} {
		if _, err := c.Place(TracePod{PodClass: share(0, 500)}, at); err == nil {
			t.Errorf("at %+v: placed", at)
		}
	}
	if _, err := c.Place(TracePod{}, NodeChoice{}); err != nil {
		t.Errorf("a pod that asks for nothing: %v", err)
	}
	if _, err := c.Place(TracePod{}, NodeChoice{}); err == nil {
		t.Error("a third pod is placed on a node for two")
	}
}

// nodesOf copies what the nodes have left, without how often it changed.
func nodesOf(c *ClusterState) []NodeState {
	nodes := make([]NodeState, c.Len())
	for i := range nodes {
		nodes[i] = *c.Node(i)
		amounts := *nodes[i].NodeAmounts
		nodes[i].NodeAmounts, nodes[i].changes = &amounts, 0
	}
	return nodes
}

// Release undoes Place, in any order.
func TestReleaseUndoesPlace(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 50 {
		c := newState(t, randomNodes(rng, 10))
		before := nodesOf(c)
		pods := randomPods(rng, 100, 10)
		selector := Random{}.Selector(c, demandOf(pods), rng.Int63())
		var placed []PodAllocation
		for _, pod := range pods {
			if at, found := selector.SelectNode(pod); found {
				a, err := c.Place(pod, at)
				if err != nil {
					t.Fatal(err)
				}
				placed = append(placed, a)
			}
		}
		if len(placed) <= 10 || c.Idle() >= c.Capacity() {
			t.Fatalf("%d pods placed, %d of %d idle: too few to mean anything", len(placed), c.Idle(), c.Capacity())
		}
		rng.Shuffle(len(placed), func(i, j int) { placed[i], placed[j] = placed[j], placed[i] })
		for _, a := range placed {
			c.Release(a)
		}
		unexported := []cmp.Option{cmp.AllowUnexported(NodeState{}), cmpopts.IgnoreUnexported(forecast.NodeAmounts{})}
		if diff := cmp.Diff(before, nodesOf(c), unexported...); diff != "" {
			t.Fatalf("all released (-want +got):\n%s", diff)
		}
		if c.Idle() != c.Capacity() {
			t.Fatalf("%d of %d idle once all are released", c.Idle(), c.Capacity())
		}
	}
}

func TestNewClusterStateRefuses(t *testing.T) {
	many := make([]NodeCapacity, 65)
	for i := range many {
		many[i] = NodeCapacity{GPUs: 1, Model: string(rune('a' + i))}
	}
	for name, nodes := range map[string][]NodeCapacity{
		"no model":        {{GPUs: 1}},
		"two models":      {{GPUs: 1, Model: "A|B"}},
		"too many GPUs":   {{GPUs: 17, Model: "A"}},
		"negative CPU":    {{CPU: -1}},
		"endless memory":  {{Memory: MaxMemory + 1}},
		"negative pods":   {{Pods: -1}},
		"too many models": many,
	} {
		if _, err := NewClusterState(nodes); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
