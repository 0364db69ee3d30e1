package policy

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// NodePolicy is a way to choose nodes.
type NodePolicy interface {
	// Name is how users refer to the policy.
	Name() string
	// Selector makes what chooses nodes of one cluster. demand is which pods to expect,
	// seed what Random draws from.
	Selector(c *ClusterState, demand *forecast.ClassDemand, seed int64) NodeSelector
}

// NodeSelector chooses nodes of one cluster.
type NodeSelector interface {
	// SelectNode says where a pod should go; not found if it fits nowhere. It places
	// nothing.
	SelectNode(pod TracePod) (at NodeChoice, found bool)
}

// NodeScorer scores nodes for classes of pods. A score depends on the node and the class
// only, so that NodeRanking can keep it until the node changes.
type NodeScorer interface {
	// ScoreNode says how good it is to place a pod of the class on a node that it fits
	// on, and which GPU a share should take there. The highest score wins.
	ScoreNode(n *NodeState, r *forecast.ResolvedClass) (score int64, gpu int)
}

// All lists every policy, the default first.
func All() []NodePolicy {
	return []NodePolicy{Ashlar{}, FGD{}, BestFit{}, DotProduct{}, GPUPacking{}, GPUClustering{}, Random{}}
}

// ByName finds a policy by its name.
func ByName(name string) (NodePolicy, error) {
	var names []string
	for _, policy := range All() {
		if policy.Name() == name {
			return policy, nil
		}
		names = append(names, policy.Name())
	}
	return nil, fmt.Errorf("unknown policy %q: want one of %s", name, strings.Join(names, ", "))
}
