package policy

import (
	"math"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// FGD is fragmentation gradient descent: it chooses the node on which the pod raises
// fragmentation the least. Source: Weng et al., "Beware of Fragmentation", USENIX ATC
// 2023; this makes the same choices as its simulator.
type FGD struct{}

// Name implements NodePolicy.
func (FGD) Name() string { return "fgd" }

// Selector implements NodePolicy.
func (FGD) Selector(c *ClusterState, demand *forecast.ClassDemand, _ int64) NodeSelector {
	return NewNodeRanking(c, gradientScorer{forecast.NewFragmentationGradient(c.amounts, demand)}, nil)
}

type gradientScorer struct {
	gradient *forecast.FragmentationGradient
}

// ScoreNode implements NodeScorer.
func (s gradientScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	if !r.SharesGPU() {
		return s.gradient.Points(n.NodeAmounts, r, 0), 0
	}
	best, bestGPU := int64(math.MinInt64), 0
	for gpu := range n.SharableGPUs(r.PerGPU) {
		if points := s.gradient.Points(n.NodeAmounts, r, gpu); points > best {
			best, bestGPU = points, gpu
		}
	}
	return best, bestGPU
}
