package forecast

import (
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func newAmounts(t testing.TB, nodes ...NodeCapacity) *ClusterAmounts {
	t.Helper()
	c, err := NewClusterAmounts(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// randomNodes are nodes of a few makes.
func randomNodes(rng *rand.Rand, n int) []NodeCapacity {
	makes := []NodeCapacity{
		{CPU: 96_000, GPUs: 8, Model: "B"}, {CPU: 64_000, GPUs: 2, Model: "A"}, {CPU: 8_000, GPUs: 1, Model: "C"},
		{CPU: 128_000, GPUs: 8, Model: "A"}, {CPU: 32_000},
	}
	nodes := make([]NodeCapacity, n)
	for i := range nodes {
		nodes[i] = makes[rng.Intn(len(makes))]
	}
	return nodes
}

// randomClasses draws pods of up to kinds classes.
func randomClasses(rng *rand.Rand, n, kinds int) []PodClass {
	known := make([]PodClass, kinds)
	for i := range known {
		known[i] = PodClass{CPU: int64(rng.Intn(16)) * 1000}
		switch rng.Intn(6) {
		case 0:
		case 1:
			known[i].GPUs, known[i].PerGPU = 1<<rng.Intn(4), topology.WholeGPU
		default:
			known[i].GPUs, known[i].PerGPU = 1, topology.MilliGPU(50*(1+rng.Intn(20)))
		}
		if known[i].GPUs > 0 {
			known[i].Models = []string{"", "", "A", "A|C", "B|A", "unknown"}[rng.Intn(6)]
		}
	}
	pods := make([]PodClass, n)
	for i := range pods {
		pods[i] = known[rng.Intn(kinds)]
	}
	return pods
}

// setLeft says what a node has left, and leaves the rest of its GPUs empty.
func setLeft(c *ClusterAmounts, i int, cpu int64, gpus ...topology.MilliGPU) *NodeAmounts {
	var left [topology.MaxGPUs]topology.MilliGPU
	copy(left[:], gpus)
	c.SetLeft(i, cpu, left[:])
	return c.Node(i)
}

func TestAmountsAreTakenAndReturned(t *testing.T) {
	c := newAmounts(t, NodeCapacity{Name: "n", CPU: 10_000, GPUs: 4, Model: "A"}, NodeCapacity{Name: "m", GPUs: 1, Model: "B"})
	half, two := share(1000, 500), whole(2000, 2)
	c.TakeAmounts(0, &half, 0b10)
	set := c.Node(0).PickGPUs(&two, 0)
	if want := placement.GPUSet(0b101); set != want {
		t.Errorf("two whole GPUs: got %b, want the first free ones %b", set, want)
	}
	c.TakeAmounts(0, &two, set)
	if diff := cmp.Diff([]topology.MilliGPU{0, 500, 0, 1000}, c.Node(0).GPUs()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if n := c.Node(0); n.Idle != 1500 || n.CPU != 7000 || c.Idle() != 2500 || c.Capacity() != 5000 {
		t.Errorf("idle %d, CPU %d, idle of %d, %d: want 1500, 7000, 2500 of 5000", n.Idle, n.CPU, c.Idle(), c.Capacity())
	}
	c.ReturnAmounts(0, &half, 0b10)
	c.ReturnAmounts(0, &two, set)
	if n := c.Node(0); n.Idle != 4000 || n.CPU != 10_000 || c.Idle() != c.Capacity() {
		t.Errorf("given back: idle %d, CPU %d, idle of all %d", n.Idle, n.CPU, c.Idle())
	}
}

func TestNewClusterAmountsRefuses(t *testing.T) {
	many := make([]NodeCapacity, maxModels+1)
	for i := range many {
		many[i] = NodeCapacity{GPUs: 1, Model: string(rune('a' + i))}
	}
	for name, nodes := range map[string][]NodeCapacity{
		"no model":        {{GPUs: 1}},
		"two models":      {{GPUs: 1, Model: "A|B"}},
		"too many GPUs":   {{GPUs: 17, Model: "A"}},
		"negative CPU":    {{CPU: -1}},
		"too many models": many,
	} {
		if _, err := NewClusterAmounts(nodes); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
