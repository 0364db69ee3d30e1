package policy

import (
	"math/rand"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// selectByRescan chooses by scoring every node anew: what NodeRanking must agree with.
func selectByRescan(k *NodeRanking, pod TracePod) (NodeChoice, bool) {
	c := k.cluster
	r := c.amounts.ResolveClass(pod.PodClass)
	var prices []int64
	if k.scarcity != nil {
		prices = k.scarcity.ModelPrices(&r)
	}
	best, found, most := NodeChoice{Node: -1}, false, int64(0)
	for i := range c.nodes {
		n := &c.nodes[i]
		if !n.Fits(&r) || !n.admitsPod(pod.Memory) {
			continue
		}
		score, gpu := k.scorer.ScoreNode(n, &r)
		if prices != nil {
			score -= prices[n.Model()]
		}
		if !found || score > most {
			best, found, most = NodeChoice{i, gpu}, true, score
		}
	}
	return best, found
}

// Whatever is placed and released, NodeRanking chooses what a look at every node would.
func TestRankingMatchesRescan(t *testing.T) {
	rng := rand.New(rand.NewSource(3))
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for range rounds {
		nodes := randomNodes(rng, 1+rng.Intn(60))
		pods := randomPods(rng, 400, 1+rng.Intn(30))
		for _, policy := range All() {
			c := newState(t, nodes)
			ranking, ok := policy.Selector(c, demandOf(pods), 1).(*NodeRanking)
			if !ok {
				continue // Random looks at every node itself
			}
			ranking.limit = len(nodes) * (1 + rng.Intn(30)) // forget some
			var placed []PodAllocation
			for i, pod := range pods {
				want, wantFound := selectByRescan(ranking, pod)
				if at, found := ranking.SelectNode(pod); found != wantFound || at != want {
					t.Fatalf("%s, pod %d: got %+v, %t, want %+v, %t", policy.Name(), i, at, found, want, wantFound)
				}
				if kept := len(ranking.ranked) * len(nodes); kept > ranking.limit {
					t.Fatalf("%s, pod %d: keeps %d scores, at most %d are allowed", policy.Name(), i, kept, ranking.limit)
				}
				if wantFound {
					placed = append(placed, placePod(t, c, pod, want))
				}
				for len(placed) > 0 && rng.Intn(3) == 0 {
					i := rng.Intn(len(placed))
					c.Release(placed[i])
					placed[i] = placed[len(placed)-1]
					placed = placed[:len(placed)-1]
				}
			}
		}
	}
}

func TestTournamentMatchesScan(t *testing.T) {
	rng := rand.New(rand.NewSource(4))
	for range 300 {
		scores := make([]int64, 1+rng.Intn(40))
		field := newScoreTournament(scores)
		field.playAll()
		for range 60 {
			i := rng.Intn(len(scores))
			scores[i] = int64(rng.Intn(8))
			if rng.Intn(5) == 0 {
				scores[i] = unfitScore
			}
			field.replayMatches(int32(i))
			refused := rng.Intn(8)
			admits := func(i int32) bool { return int(i)%8 != refused }
			want, wantFound := int32(0), false
			for i, score := range scores {
				if score != unfitScore && admits(int32(i)) && (!wantFound || score > scores[want]) {
					want, wantFound = int32(i), true
				}
			}
			best, found := field.bestAdmitted(admits)
			if found != wantFound || found && best != want {
				t.Fatalf("scores %v, %d refused: got %d, %t, want %d, %t", scores, refused, best, found, want, wantFound)
			}
		}
	}
}

// countingScorer counts what it scores.
type countingScorer struct {
	bestFitScorer
	scored int
}

func (s *countingScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	s.scored++
	return s.bestFitScorer.ScoreNode(n, r)
}

// However many nodes there are, a decision scores those that changed since the class
// last came, each once.
func TestRankingScoresOnlyWhatChanged(t *testing.T) {
	for _, nodes := range []int{100, 5000} {
		list := make([]NodeCapacity, nodes)
		for i := range list {
			list[i] = NodeCapacity{CPU: 96_000, GPUs: 8, Model: "A"}
		}
		c := newCluster(t, list...)
		scorer := &countingScorer{bestFitScorer: bestFitScorer{largestOf(c)}}
		ranking := NewNodeRanking(c, scorer, nil)
		first, second := TracePod{PodClass: share(1000, 100)}, TracePod{PodClass: whole(1000, 1)}
		expect := func(what string, pod TracePod, want int) {
			t.Helper()
			scorer.scored = 0
			if _, found := ranking.SelectNode(pod); !found {
				t.Fatalf("%d nodes, %s: nothing found", nodes, what)
			}
			if scorer.scored != want {
				t.Errorf("%d nodes, %s: scored %d, want %d", nodes, what, scorer.scored, want)
			}
		}
		expect("the first time every node", first, nodes)
		expect("nothing changed", first, 0)
		expect("another class", second, nodes)
		var placed []PodAllocation
		for _, node := range []int{3, 7, 7, 9} {
			placed = append(placed, placePod(t, c, first, NodeChoice{Node: node}))
		}
		expect("three nodes changed", first, 3)
		c.Release(placed[0])
		expect("one node changed", first, 1)
		expect("it has not come since", second, 3)
	}
}
