package policy

import "github.com/ashlar-dev/ashlar/topology/forecast"

// Ashlar is the default policy: keep the most of the expected demand placeable. It takes
// the node that costs the pods to come least, by forecast.CostModel and, since the trace
// says which GPU models a pod accepts, forecast.ModelScarcity: a scarce model is not
// given to pods that accept any.
type Ashlar struct{}

// Name implements NodePolicy.
func (Ashlar) Name() string { return "ashlar" }

// Selector implements NodePolicy.
func (Ashlar) Selector(c *ClusterState, demand *forecast.ClassDemand, _ int64) NodeSelector {
	return NewNodeRanking(c, costScorer{forecast.NewCostModel(c.amounts, demand)}, forecast.NewModelScarcity(c.amounts, demand))
}

// costScorer scores by cost.
type costScorer struct{ costs *forecast.CostModel }

// ScoreNode implements NodeScorer.
func (s costScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	cost, gpu := s.costs.CheapestCost(n.NodeAmounts, r)
	return -cost, gpu
}
