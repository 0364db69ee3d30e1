package deviceplacement

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// nodeRatings are how good nodes are for a pod. Nodes that are alike share a rating.
type nodeRatings struct {
	ratings []cluster.NodeScore
	names   []string
	of      []int // of[i] is the rating of the node names[i]
}

// addRating adds a rating and returns its number.
func (r *nodeRatings) addRating(rating cluster.NodeScore) int {
	r.ratings = append(r.ratings, rating)
	return len(r.ratings) - 1
}

// addNode says which rating a node has.
func (r *nodeRatings) addNode(name string, rating int) {
	r.names, r.of = append(r.names, name), append(r.of, rating)
}

// scoreNodes spreads the nodes over the upper span points of the framework's range of
// scores by rank, so that a better node has a better score however close they are. Of the
// best nodes the first by name is a point ahead: the same pods then go to the same nodes,
// unless another plugin cares which. With a span of 0 all nodes score the same.
func (r *nodeRatings) scoreNodes(span int64) nodeScores {
	order := func(a, b cluster.NodeScore) int { return cluster.CompareNodes(b, a) } // the worst first
	distinct := slices.Clone(r.ratings)
	slices.SortFunc(distinct, order)
	distinct = slices.Compact(distinct)
	ranks := make([]int, len(r.ratings))
	for i, rating := range r.ratings {
		ranks[i], _ = slices.BinarySearchFunc(distinct, rating, order)
	}
	scores := make(nodeScores, len(r.names))
	first := ""
	for i, node := range r.names {
		rank := ranks[r.of[i]]
		if rank < len(distinct)-1 {
			scores[node] = fwk.MaxScore - span + span*int64(rank)/int64(len(distinct)-1)
			continue
		}
		scores[node] = fwk.MaxScore - min(1, span)
		if first == "" || node < first {
			first = node
		}
	}
	if first != "" {
		scores[first] = fwk.MaxScore
	}
	return scores
}

// ScoreName is the scoring plugin's name in a KubeSchedulerConfiguration.
const ScoreName = "DevicePlacementScore"

// ScorePlugin scores nodes by the devices that the pod would get there. It is a
// plugin of its own because Plugin's Score is the in-tree one, which ranks
// prioritized lists, and the two need separate weights.
type ScorePlugin struct{}

var (
	_ fwk.PreScorePlugin = ScorePlugin{}
	_ fwk.ScorePlugin    = ScorePlugin{}
	_ fwk.SignPlugin     = ScorePlugin{}
)

// NewScore builds the scoring plugin. It takes no arguments.
func NewScore(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return ScorePlugin{}, nil
}

// Name implements fwk.Plugin.
func (ScorePlugin) Name() string { return ScoreName }

// PreScore implements fwk.PreScorePlugin: nodes are not scored for a pod that needs no
// devices. It goes by what PreFilter left, since it may run before Plugin's PreScore.
func (ScorePlugin) PreScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	if cycleOf(state) == nil && countedOf(state) == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// ScoreExtensions implements fwk.ScorePlugin; scores are normalized already.
func (ScorePlugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

// Score implements fwk.ScorePlugin.
func (ScorePlugin) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	return scoresOf(state)[node.Node().Name], nil
}

// SignPod implements fwk.SignPlugin. The score depends on nothing that the
// in-tree plugin does not sign: it refuses pods with claims.
func (ScorePlugin) SignPod(context.Context, *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return nil, nil
}
