package policy

import (
	"math"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// NodeRanking chooses by a NodeScorer and keeps its scores, class by class. When a class
// comes again, only the nodes that changed in between are scored anew.
//
// Nodes with GPUs of one model compete among themselves first: prices by model then
// change without a single score.
type NodeRanking struct {
	cluster *ClusterState
	scorer  NodeScorer
	// scarcity prices GPU models, nil if all cost the same.
	scarcity *forecast.ModelScarcity
	// groups are the nodes by model, those without GPUs first; group and slot say
	// where a node stands.
	groups [][]int32
	slot   []int32
	// ranked is by class. There are at most limit scores, those of the class not asked
	// for the longest go first.
	ranked map[forecast.PodClass]*rankedClass
	limit  int
	asked  int64
}

// maxScores bounds what a NodeRanking keeps: 21 bytes each, so 168 MiB.
const maxScores = 8 << 20

// rankedClass is the scores of one class.
type rankedClass struct {
	class forecast.ResolvedClass
	// seen is the cluster's count of changes that the scores know of, asked the
	// NodeRanking's count of questions when the class last came.
	seen, asked int64
	groups      []rankedGroup
}

// rankedGroup is the scores of the nodes with one GPU model.
type rankedGroup struct {
	scoreTournament
	gpu []int8
	// changes is the node's count of changes when it was scored.
	changes []int64
}

// NewNodeRanking makes a selector of a scorer. scarcity, if not nil, prices the GPU
// models; prices are taken off the scores.
func NewNodeRanking(c *ClusterState, scorer NodeScorer, scarcity *forecast.ModelScarcity) *NodeRanking {
	k := &NodeRanking{
		cluster: c, scorer: scorer, scarcity: scarcity,
		ranked: map[forecast.PodClass]*rankedClass{}, limit: maxScores, slot: make([]int32, c.Len()),
	}
	k.groups = make([][]int32, c.amounts.Models()+1)
	for i := range c.nodes {
		group := &k.groups[c.nodes[i].Model()+1]
		k.slot[i] = int32(len(*group))
		*group = append(*group, int32(i))
	}
	return k
}

// SelectNode implements NodeSelector.
func (k *NodeRanking) SelectNode(pod TracePod) (NodeChoice, bool) {
	ranked := k.currentScores(pod.PodClass)
	var prices []int64
	if k.scarcity != nil {
		prices = k.scarcity.ModelPrices(&ranked.class)
	}
	best, bestScore := NodeChoice{Node: -1}, int64(math.MinInt64)
	for i, nodes := range k.groups {
		if ranked.groups[i].scores == nil {
			continue
		}
		group := &ranked.groups[i]
		slot, found := group.bestAdmitted(func(slot int32) bool { return k.cluster.nodes[nodes[slot]].admitsPod(pod.Memory) })
		if !found {
			continue
		}
		score := group.scores[slot]
		if prices != nil && i > 0 {
			score -= prices[i-1]
		}
		node := int(nodes[slot])
		if best.Node < 0 || score > bestScore || score == bestScore && node < best.Node {
			best, bestScore = NodeChoice{Node: node, GPU: int(group.gpu[slot])}, score
		}
	}
	return best, best.Node >= 0
}

// currentScores is the scores of a class, brought up to date.
func (k *NodeRanking) currentScores(class forecast.PodClass) *rankedClass {
	k.asked++
	ranked, found := k.ranked[class]
	if !found {
		ranked = k.newScores(class)
		k.ranked[class] = ranked
	}
	ranked.asked = k.asked
	k.refreshScores(ranked)
	return ranked
}

// newScores makes the scores of a class, all outdated.
func (k *NodeRanking) newScores(class forecast.PodClass) *rankedClass {
	for len(k.ranked) > 0 && (len(k.ranked)+1)*k.cluster.Len() > k.limit {
		k.forgetOldest()
	}
	ranked := &rankedClass{class: k.cluster.amounts.ResolveClass(class), seen: -1, groups: make([]rankedGroup, len(k.groups))}
	for i, nodes := range k.groups {
		if class.GPUs > 0 && !ranked.class.AcceptsModel(i-1) {
			continue
		}
		changes := make([]int64, len(nodes))
		for slot := range changes {
			changes[slot] = -1
		}
		ranked.groups[i] = rankedGroup{newScoreTournament(make([]int64, len(nodes))), make([]int8, len(nodes)), changes}
	}
	return ranked
}

// forgetOldest drops the class not asked for the longest. No two were asked for at once, so
// the order of the map does not matter.
func (k *NodeRanking) forgetOldest() {
	var oldest *rankedClass
	for _, ranked := range k.ranked {
		if oldest == nil || ranked.asked < oldest.asked {
			oldest = ranked
		}
	}
	delete(k.ranked, oldest.class.PodClass)
}

// refreshScores scores the nodes that changed since the class last came.
func (k *NodeRanking) refreshScores(ranked *rankedClass) {
	changed, known := k.cluster.log.changedSince(ranked.seen)
	// Beyond a quarter of the nodes, one whole tournament is cheaper than many updates.
	if known && ranked.seen >= 0 && 4*len(changed) < k.cluster.Len() {
		for _, i := range changed {
			n := &k.cluster.nodes[i]
			if group := &ranked.groups[n.Model()+1]; group.scores != nil && k.scoreAnew(ranked, group, n) {
				group.replayMatches(k.slot[i])
			}
		}
	} else {
		for i, nodes := range k.groups {
			group := &ranked.groups[i]
			if group.scores == nil {
				continue
			}
			anew := false
			for _, node := range nodes {
				anew = k.scoreAnew(ranked, group, &k.cluster.nodes[node]) || anew
			}
			if anew {
				group.playAll()
			}
		}
	}
	ranked.seen = k.cluster.log.countChanges()
}

// scoreAnew scores a node unless its score is up to date.
func (k *NodeRanking) scoreAnew(ranked *rankedClass, group *rankedGroup, n *NodeState) (anew bool) {
	slot := k.slot[n.index]
	if group.changes[slot] == n.changes {
		return false
	}
	group.changes[slot] = n.changes
	score, gpu := int64(unfitScore), 0
	if n.Fits(&ranked.class) {
		score, gpu = k.scorer.ScoreNode(n, &ranked.class)
	}
	group.scores[slot], group.gpu[slot] = score, int8(gpu)
	return true
}
