package forecast

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

func TestPlaceTakesFirstFreeGPUs(t *testing.T) {
	c := newCluster(t, Capacity{Name: "n", CPU: 10_000, GPUs: 4, Model: "A"})
	half, err := c.Place(Pod{Class: share(1000, 500)}, Choice{Node: 0, GPU: 1})
	require.NoError(t, err)
	require.Equal(t, GPUSet(0b10), half.GPUs)
	two, err := c.Place(Pod{Class: whole(2000, 2)}, Choice{Node: 0})
	require.NoError(t, err)
	require.Equal(t, GPUSet(0b101), two.GPUs)

	n := c.Node(0)
	require.Equal(t, []topology.MilliGPU{0, 500, 0, 1000}, n.GPUs())
	require.Equal(t, topology.MilliGPU(1500), n.Idle)
	require.Equal(t, int64(7000), n.CPU)
	require.Equal(t, int64(98), n.Pods)
	require.Equal(t, int64(1), n.Kinds[0])
	require.Equal(t, int64(1), n.Kinds[2])
	require.Equal(t, topology.MilliGPU(1500), c.Idle())
}

func TestPlaceRefusesWhatDoesNotFit(t *testing.T) {
	c := newCluster(t, Capacity{Name: "n", CPU: 10_000, GPUs: 2, Model: "A", Pods: 2})
	_, err := c.Place(Pod{Class: share(0, 500)}, Choice{GPU: 1})
	require.NoError(t, err)
	for name, pod := range map[string]Pod{
		"CPU":             {Class: Class{CPU: 10_001}},
		"memory":          {Memory: topology.GiB + 1},
		"negative memory": {Memory: -1},
		"two whole GPUs":  {Class: whole(0, 2)},
		"other model":     {Class: Class{GPUs: 1, PerGPU: 1000, Models: "B|C"}},
		"share, GPU 1":    {Class: share(0, 600)},
		"negative CPU":    {Class: Class{CPU: -1}},
		"share of two":    {Class: Class{GPUs: 2, PerGPU: 500}},
		"nothing of one":  {Class: Class{GPUs: 1}},
		"model, no GPU":   {Class: Class{Models: "A"}},
	} {
		_, err := c.Place(pod, Choice{GPU: 1})
		require.Error(t, err, name)
	}
	for _, at := range []Choice{{Node: -1}, {Node: 1}, {GPU: -1}, {GPU: 2}} {
		_, err := c.Place(Pod{Class: share(0, 500)}, at)
		require.Error(t, err, at)
	}
	_, err = c.Place(Pod{}, Choice{})
	require.NoError(t, err)
	_, err = c.Place(Pod{}, Choice{})
	require.Error(t, err, "a third pod on a node for two")
}

// Release undoes Place, in any order.
func TestReleaseUndoesPlace(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 50 {
		c, err := New(randomNodes(rng, 10))
		require.NoError(t, err)
		before := slices.Clone(c.nodes)
		pods := randomPods(rng, 100, 10)
		chooser := Random{}.Chooser(c, demandOf(pods), rng.Int63())
		var grants []Grant
		for _, pod := range pods {
			if at, found := chooser.Choose(pod); found {
				grant, err := c.Place(pod, at)
				require.NoError(t, err)
				grants = append(grants, grant)
			}
		}
		require.Greater(t, len(grants), 10)
		require.Less(t, c.Idle(), c.Capacity())
		rng.Shuffle(len(grants), func(i, j int) { grants[i], grants[j] = grants[j], grants[i] })
		for _, grant := range grants {
			c.Release(grant)
		}
		for i := range c.nodes {
			c.nodes[i].changes = 0
		}
		require.Equal(t, before, c.nodes)
		require.Equal(t, c.Capacity(), c.Idle())
	}
}

func TestNewRefuses(t *testing.T) {
	many := make([]Capacity, maxModels+1)
	for i := range many {
		many[i] = Capacity{GPUs: 1, Model: string(rune('a' + i))}
	}
	for name, nodes := range map[string][]Capacity{
		"no model":        {{GPUs: 1}},
		"two models":      {{GPUs: 1, Model: "A|B"}},
		"too many GPUs":   {{GPUs: 17, Model: "A"}},
		"negative CPU":    {{CPU: -1}},
		"endless memory":  {{Memory: MaxMemory + 1}},
		"negative pods":   {{Pods: -1}},
		"too many models": many,
	} {
		_, err := New(nodes)
		require.Error(t, err, name)
	}
}

func TestTypicalClasses(t *testing.T) {
	a, b, large, rare := whole(1, 1), share(1, 500), whole(9, 1), share(2, 100)
	var pods []Class
	for class, n := range map[Class]int{a: 50, b: 23, large: 23, rare: 4} {
		for range n {
			pods = append(pods, class)
		}
	}
	demand := NewDemand(pods)
	typical := demand.Typical(TypicalPercent)
	require.Len(t, typical, 3, "they cover 96 %%")
	require.Equal(t, []Class{a, large, b}, []Class{typical[0].Class, typical[1].Class, typical[2].Class}, "of equally many the larger first")
	require.InDelta(t, 50.0/96, typical[0].Probability, 1e-15)
	require.Len(t, demand.Typical(50), 1)
	require.Len(t, demand.Typical(100), 4)
	require.Empty(t, NewDemand(nil).Typical(95))
}
