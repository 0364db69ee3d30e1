package forecast

import (
	"fmt"
	"strings"
)

// Policy is a way to choose nodes.
type Policy interface {
	// Name is how users refer to the policy.
	Name() string
	// Chooser makes what chooses nodes of one cluster. demand is which pods to expect,
	// seed what Random draws from.
	Chooser(c *Cluster, demand *Demand, seed int64) Chooser
}

// Chooser chooses nodes of one cluster.
type Chooser interface {
	// Choose says where a pod should go; not found if it fits nowhere. It places
	// nothing.
	Choose(pod Pod) (at Choice, found bool)
}

// Rater rates nodes for classes of pods. A rating depends on the node and the class
// only, so that Ranking can keep it until the node changes.
type Rater interface {
	// Rate says how good it is to place a pod of the class on a node that it fits on,
	// and which GPU a share should take there. The highest rating wins.
	Rate(n *Node, r *Request) (rating int64, gpu int)
}

// Pricer is a Rater with prices by GPU model, which may change at any time.
type Pricer interface {
	Rater
	// Prices is taken off the ratings of a class, by number of the model; nil for
	// classes without a price.
	Prices(r *Request) []int64
}

// Policies lists every policy, the default first.
func Policies() []Policy {
	return []Policy{Ashlar{}, FGD{}, BestFit{}, DotProduct{}, GPUPacking{}, GPUClustering{}, Random{}}
}

// PolicyNamed finds a policy by its name.
func PolicyNamed(name string) (Policy, error) {
	var names []string
	for _, policy := range Policies() {
		if policy.Name() == name {
			return policy, nil
		}
		names = append(names, policy.Name())
	}
	return nil, fmt.Errorf("unknown policy %q: want one of %s", name, strings.Join(names, ", "))
}
