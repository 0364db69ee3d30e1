package deviceplacement

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// scoresOf spreads the nodes over the upper span points of the framework's range of
// scores by rank, so that a better node has a better score however close they are. Of the
// best nodes the first by name is a point ahead: the same pods then go to the same nodes,
// unless another plugin cares which. With a span of 0 all nodes score the same.
func scoresOf(ratings map[string]cluster.NodeScore, span int64) map[string]int64 {
	seen := map[cluster.NodeScore]bool{}
	var distinct []cluster.NodeScore
	for _, rating := range ratings {
		if !seen[rating] {
			seen[rating] = true
			distinct = append(distinct, rating)
		}
	}
	order := func(a, b cluster.NodeScore) int { return cluster.CompareNodes(b, a) } // the worst first
	slices.SortFunc(distinct, order)
	scores := make(map[string]int64, len(ratings))
	first := ""
	for node, rating := range ratings {
		rank, _ := slices.BinarySearchFunc(distinct, rating, order)
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
	_ fwk.ScorePlugin = ScorePlugin{}
	_ fwk.SignPlugin  = ScorePlugin{}
)

// NewScore builds the scoring plugin. It takes no arguments.
func NewScore(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return ScorePlugin{}, nil
}

// Name implements fwk.Plugin.
func (ScorePlugin) Name() string { return ScoreName }

// ScoreExtensions implements fwk.ScorePlugin; scores are normalized already.
func (ScorePlugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

// Score implements fwk.ScorePlugin.
func (ScorePlugin) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	if c := cycleOf(state); c != nil {
		return c.scores[node.Node().Name], nil
	}
	if counted := countedOf(state); counted != nil {
		return counted.scores[node.Node().Name], nil
	}
	return 0, nil
}

// SignPod implements fwk.SignPlugin. The score depends on nothing that the
// in-tree plugin does not sign: it refuses pods with claims.
func (ScorePlugin) SignPod(context.Context, *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return nil, nil
}
