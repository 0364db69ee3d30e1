package policy

import "github.com/ashlar-dev/ashlar/topology/forecast"

// DotProduct chooses the node whose rest, as a vector of CPU and GPU, is least aligned
// with the request. Source: the DotProd baseline of FGD's simulator, after Grandl et
// al., "Multi-resource packing for cluster schedulers", SIGCOMM 2014.
type DotProduct struct{}

// Name implements NodePolicy.
func (DotProduct) Name() string { return "dot-product" }

// Selector implements NodePolicy.
func (DotProduct) Selector(c *ClusterState, _ *forecast.ClassDemand, _ int64) NodeSelector {
	return NewNodeRanking(c, dotProductScorer{largestOf(c)}, nil)
}

type dotProductScorer struct{ largest largestNode }

// ScoreNode implements NodeScorer: 0 to 100, the less aligned the more.
func (s dotProductScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	cpu := float64(n.CPU) / s.largest.cpu * (float64(r.CPU) / s.largest.cpu)
	gpu := float64(n.Idle) / s.largest.gpu * (float64(r.AllGPUs()) / s.largest.gpu)
	return int64(100 * (1 - (float64(cpu)+float64(gpu))/2)), n.bestFitGPU(r.PerGPU)
}
