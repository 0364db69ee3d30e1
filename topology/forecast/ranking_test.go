package forecast

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

// rescan chooses by rating every node anew: what Ranking must agree with.
func rescan(k *Ranking, pod Pod) (Choice, bool) {
	c := k.cluster
	r := c.Request(pod.Class)
	var prices []int64
	if k.pricer != nil {
		prices = k.pricer.Prices(&r)
	}
	best, found, most := Choice{Node: -1}, false, int64(0)
	for i := range c.nodes {
		n := &c.nodes[i]
		if !n.fits(&r) || !n.admits(pod.Memory) {
			continue
		}
		rating, gpu := k.rater.Rate(n, &r)
		if prices != nil {
			rating -= prices[n.model]
		}
		if !found || rating > most {
			best, found, most = Choice{i, gpu}, true, rating
		}
	}
	return best, found
}

// Whatever is placed and released, Ranking chooses what a look at every node would.
func TestRankingMatchesRescan(t *testing.T) {
	rng := rand.New(rand.NewSource(3))
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for range rounds {
		nodes := randomNodes(rng, 1+rng.Intn(60))
		pods := randomPods(rng, 400, 1+rng.Intn(30))
		for _, policy := range Policies() {
			c, err := New(nodes)
			require.NoError(t, err)
			ranking, ok := policy.Chooser(c, demandOf(pods), 1).(*Ranking)
			if !ok {
				continue // Random looks at every node itself
			}
			ranking.limit = len(nodes) * (1 + rng.Intn(30)) // forget some
			var grants []Grant
			for i, pod := range pods {
				want, wantFound := rescan(ranking, pod)
				at, found := ranking.Choose(pod)
				require.Equal(t, wantFound, found, policy.Name())
				require.Equal(t, want, at, "%s, pod %d", policy.Name(), i)
				require.LessOrEqual(t, len(ranking.ranked)*len(nodes), ranking.limit)
				if found {
					grant, err := c.Place(pod, at)
					require.NoError(t, err)
					grants = append(grants, grant)
				}
				for len(grants) > 0 && rng.Intn(3) == 0 {
					i := rng.Intn(len(grants))
					c.Release(grants[i])
					grants[i] = grants[len(grants)-1]
					grants = grants[:len(grants)-1]
				}
			}
		}
	}
}

func TestTournamentMatchesScan(t *testing.T) {
	rng := rand.New(rand.NewSource(4))
	for range 300 {
		ratings := make([]int64, 1+rng.Intn(40))
		field := newTournament(ratings)
		field.build()
		for range 60 {
			i := rng.Intn(len(ratings))
			ratings[i] = int64(rng.Intn(8))
			if rng.Intn(5) == 0 {
				ratings[i] = unfit
			}
			field.update(int32(i))
			refused := rng.Intn(8)
			admits := func(i int32) bool { return int(i)%8 != refused }
			want, wantFound := int32(0), false
			for i, rating := range ratings {
				if rating != unfit && admits(int32(i)) && (!wantFound || rating > ratings[want]) {
					want, wantFound = int32(i), true
				}
			}
			best, found := field.best(admits)
			require.Equal(t, wantFound, found)
			if found {
				require.Equal(t, want, best)
			}
		}
	}
}

// counting counts what it rates.
type counting struct {
	bestFit
	rated int
}

func (p *counting) Rate(n *Node, r *Request) (int64, int) {
	p.rated++
	return p.bestFit.Rate(n, r)
}

// However many nodes there are, a decision rates those that changed since the class
// last came, each once.
func TestRankingRatesOnlyWhatChanged(t *testing.T) {
	for _, nodes := range []int{100, 5000} {
		list := make([]Capacity, nodes)
		for i := range list {
			list[i] = Capacity{CPU: 96_000, GPUs: 8, Model: "A"}
		}
		c := newCluster(t, list...)
		rater := &counting{bestFit: bestFit{c.largest()}}
		ranking := NewRanking(c, rater)
		first, second := Pod{Class: share(1000, 100)}, Pod{Class: whole(1000, 1)}
		ask := func(pod Pod) (rated int) {
			rater.rated = 0
			_, found := ranking.Choose(pod)
			require.True(t, found)
			return rater.rated
		}
		require.Equal(t, nodes, ask(first), "every node, the first time")
		require.Zero(t, ask(first))
		require.Equal(t, nodes, ask(second))
		var grants []Grant
		for _, node := range []int{3, 7, 7, 9} {
			grant, err := c.Place(first, Choice{Node: node})
			require.NoError(t, err)
			grants = append(grants, grant)
		}
		require.Equal(t, 3, ask(first))
		c.Release(grants[0])
		require.Equal(t, 1, ask(first))
		require.Equal(t, 3, ask(second), "it has not come since")
	}
}
