package forecast

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

// What every policy must do: choose what fits, find something whenever something
// fits, and choose the same again.
func TestEveryPolicy(t *testing.T) {
	for _, policy := range Policies() {
		t.Run(policy.Name(), func(t *testing.T) {
			named, err := PolicyNamed(policy.Name())
			require.NoError(t, err)
			require.Equal(t, policy, named)
			rng := rand.New(rand.NewSource(7))
			for range 20 {
				nodes, pods := randomNodes(rng, 1+rng.Intn(30)), randomPods(rng, 300, 20)
				c, err := New(nodes)
				require.NoError(t, err)
				again, err := New(nodes)
				require.NoError(t, err)
				chooser, other := policy.Chooser(c, demandOf(pods), 9), policy.Chooser(again, demandOf(pods), 9)
				for _, pod := range pods {
					at, found := chooser.Choose(pod)
					same, foundSame := other.Choose(pod)
					require.Equal(t, at, same)
					require.Equal(t, found, foundSame)
					r, fits := c.Request(pod.Class), false
					for i := range c.nodes {
						fits = fits || c.nodes[i].fits(&r) && c.nodes[i].admits(pod.Memory)
					}
					require.Equal(t, fits, found)
					if found {
						_, err = c.Place(pod, at)
						require.NoError(t, err)
						_, err = again.Place(pod, at)
						require.NoError(t, err)
					}
				}
			}
		})
	}
	_, err := PolicyNamed("best")
	require.ErrorContains(t, err, `unknown policy "best": want one of ashlar, fgd`)
}

// choose asks a policy about one pod.
func choose(t *testing.T, policy Policy, c *Cluster, demand []Class, pod Class) Choice {
	t.Helper()
	at, found := policy.Chooser(c, NewDemand(demand), 1).Choose(Pod{Class: pod})
	require.True(t, found)
	return at
}

func place(t *testing.T, c *Cluster, class Class, at Choice) {
	t.Helper()
	_, err := c.Place(Pod{Class: class}, at)
	require.NoError(t, err)
}

// Three nodes with one GPU each, of which 500, 600 and 1000 are left: a share of 500
// belongs where nothing remains.
func TestSharesJoinTheFullestGPU(t *testing.T) {
	for _, policy := range []Policy{Ashlar{}, FGD{}, BestFit{}, GPUPacking{}} {
		c := newCluster(t,
			Capacity{Name: "free", CPU: 8000, GPUs: 1, Model: "A"},
			Capacity{Name: "600", CPU: 8000, GPUs: 1, Model: "A"},
			Capacity{Name: "500", CPU: 8000, GPUs: 1, Model: "A"})
		place(t, c, share(1000, 400), Choice{Node: 1})
		place(t, c, share(1000, 500), Choice{Node: 2})
		at := choose(t, policy, c, []Class{share(1000, 500), share(1000, 500), whole(1000, 1)}, share(1000, 500))
		require.Equal(t, 2, at.Node, policy.Name())
	}
}

// Beside 0.3 of a GPU, 0.7 fits without waste, and 0.65 wastes a twentieth.
func TestAshlarCutsWithoutWaste(t *testing.T) {
	c := newCluster(t, Capacity{Name: "n", CPU: 64_000, GPUs: 2, Model: "A"})
	place(t, c, share(1000, 650), Choice{GPU: 0})
	place(t, c, share(1000, 700), Choice{GPU: 1})
	demand := []Class{share(1000, 650), share(1000, 350), share(1000, 700), share(1000, 300)}
	require.Equal(t, Choice{GPU: 1}, choose(t, Ashlar{}, c, demand, share(1000, 300)))
}

// Half of the demand must have model A, of which there is less: others take B.
func TestAshlarKeepsScarceModels(t *testing.T) {
	c := newCluster(t,
		Capacity{Name: "a", CPU: 64_000, GPUs: 1, Model: "A"},
		Capacity{Name: "b", CPU: 64_000, GPUs: 8, Model: "B"})
	onlyA := Class{CPU: 1000, GPUs: 1, PerGPU: 1000, Models: "A"}
	require.Equal(t, 1, choose(t, Ashlar{}, c, []Class{onlyA, whole(1000, 1)}, whole(1000, 1)).Node)
}

// A pod that needs no GPU goes where CPU is plenty, though both nodes would still
// have some for each GPU.
func TestAshlarKeepsCPUForGPUs(t *testing.T) {
	c := newCluster(t,
		Capacity{Name: "lean", CPU: 32_000, GPUs: 4, Model: "A"},
		Capacity{Name: "rich", CPU: 128_000, GPUs: 4, Model: "A"})
	for range 4 { // the rich node's GPUs are taken, most of its CPU is not
		place(t, c, whole(8000, 1), Choice{Node: 1})
	}
	require.Equal(t, 1, choose(t, Ashlar{}, c, []Class{whole(8000, 1), {CPU: 16_000}}, Class{CPU: 16_000}).Node)
}

func TestGPUClusteringRatings(t *testing.T) {
	c := newCluster(t, Capacity{Name: "n", CPU: 64_000, GPUs: 8, Model: "A"})
	p := gpuClustering{c.largest()}
	rate := func(class Class) int64 {
		r := c.Request(class)
		rating, _ := p.Rate(&c.nodes[0], &r)
		return rating
	}
	require.Equal(t, int64(25), rate(whole(0, 1)), "no GPU pod yet")
	place(t, c, whole(0, 1), Choice{})
	require.Equal(t, int64(75+3), rate(whole(0, 1)), "only its kind")
	require.Equal(t, int64(3), rate(whole(0, 2)), "only other kinds")
	place(t, c, share(0, 500), Choice{GPU: 1})
	require.Equal(t, int64(50+4), rate(share(0, 400)), "its kind among others")
	require.Zero(t, rate(Class{CPU: 1}))
}

func TestGPUPackingRatings(t *testing.T) {
	c := newCluster(t, Capacity{Name: "n", CPU: 64_000, GPUs: 8, Model: "A"})
	rate := func(class Class) int64 {
		r := c.Request(class)
		rating, _ := gpuPacking{}.Rate(&c.nodes[0], &r)
		return rating
	}
	require.Equal(t, int64(25), rate(whole(0, 1)), "an empty node")
	place(t, c, share(0, 500), Choice{})
	require.Equal(t, int64(95), rate(share(0, 400)), "a GPU in use")
	require.Equal(t, int64(49), rate(share(0, 600)), "a free GPU of a node in use")
	require.Equal(t, int64(46), rate(whole(0, 4)))
	require.Zero(t, rate(Class{CPU: 1}))
}

// Every node that fits is as likely as any other, and so is every GPU on it.
func TestRandomIsUniform(t *testing.T) {
	c := newCluster(t,
		Capacity{Name: "two", CPU: 8000, GPUs: 2, Model: "A"},
		Capacity{Name: "none", CPU: 8000},
		Capacity{Name: "one", CPU: 8000, GPUs: 1, Model: "A"})
	chooser := Random{}.Chooser(c, NewDemand(nil), 1)
	count := map[Choice]int{}
	const draws = 40_000
	for range draws {
		at, found := chooser.Choose(Pod{Class: share(1000, 500)})
		require.True(t, found)
		count[at]++
	}
	require.InDelta(t, draws/4, count[Choice{0, 0}], 400)
	require.InDelta(t, draws/4, count[Choice{0, 1}], 400)
	require.InDelta(t, draws/2, count[Choice{2, 0}], 400)
}
