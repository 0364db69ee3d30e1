package policy

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// BestFit chooses the node that has the least left afterwards, CPU and GPU weighing
// the same. Source: the BestFit baseline of FGD's simulator.
type BestFit struct{}

// Name implements NodePolicy.
func (BestFit) Name() string { return "best-fit" }

// Selector implements NodePolicy.
func (BestFit) Selector(c *ClusterState, _ *forecast.ClassDemand, _ int64) NodeSelector {
	return NewNodeRanking(c, bestFitScorer{largestOf(c)}, nil)
}

type bestFitScorer struct{ largest largestNode }

// ScoreNode implements NodeScorer: 0 to 100, the less left the more.
func (s bestFitScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	left := float64(0.5*(float64(n.CPU-r.CPU)/s.largest.cpu)) + float64(0.5*(float64(n.Idle-r.AllGPUs())/s.largest.gpu))
	return int64(100 * (1 - left)), n.bestFitGPU(r.PerGPU)
}

// largestNode is the most CPU, in milli-CPU, and GPU thousandths that any node has when
// empty, at least 1: what amounts of the two are made comparable by.
type largestNode struct{ cpu, gpu float64 }

func largestOf(c *ClusterState) largestNode {
	l := largestNode{1, 1}
	for i := range c.nodes {
		capacity := &c.nodes[i].Capacity
		l.cpu = max(l.cpu, float64(capacity.CPU))
		l.gpu = max(l.gpu, float64(topology.MilliGPU(capacity.GPUs)*topology.WholeGPU))
	}
	return l
}
