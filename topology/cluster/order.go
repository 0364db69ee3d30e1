package cluster

import (
	"cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// NodeScore is how good a node is for a pod.
type NodeScore struct {
	// Rating is what placement says of the devices that the pod would get there.
	Rating placement.Rating
	// ForecastCost is what the choice takes from the pods to come on all nodes, in
	// millionths of a GPU; 0 where the forecast has no say.
	ForecastCost int64
}

// CompareNodes is the one order of nodes, the better first: the bandwidth that the pod
// itself gets, then what the whole cluster loses by the choice, then what the node does.
func CompareNodes(a, b NodeScore) int {
	if a.Rating.Bandwidth != b.Rating.Bandwidth {
		return cmp.Compare(b.Rating.Bandwidth, a.Rating.Bandwidth)
	}
	if a.ForecastCost != b.ForecastCost {
		return cmp.Compare(a.ForecastCost, b.ForecastCost)
	}
	return a.Rating.Compare(b.Rating)
}
