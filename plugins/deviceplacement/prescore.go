package deviceplacement

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PreScore asks the in-tree code which devices it would allocate on each feasible
// node, and ranks the nodes by what placement says of exactly those devices.
func (p *Plugin) PreScore(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	c, counted := cycleOf(state), countedOf(state)
	if c == nil && counted == nil {
		return inTreeScores(pod) // which may be of claims that are allocated
	}
	if err := p.forecast.updateNodes(p.source, p.counted); err != nil {
		return fwk.AsStatus(err)
	}
	rated := nodeRatings{names: make([]string, 0, len(nodes)), of: make([]int, 0, len(nodes))}
	takesNothing := -1
	alike := map[countedKind]int{}
	cpu := cpuOf(pod)
	for _, node := range nodes {
		name := node.Node().Name
		if counted != nil {
			if rating, known := p.rateCounted(counted, cpu, node, alike, &rated); known {
				rated.addNode(name, rating)
				continue
			}
		}
		var view *dra.View
		if c != nil {
			view = c.ViewNode(name, nil)
		}
		if view == nil {
			if takesNothing < 0 {
				takesNothing = rated.addRating(cluster.NodeScore{})
			}
			rated.addNode(name, takesNothing)
			continue
		}
		claims, status := p.source.AskReserve(ctx, state, pod, name)
		if !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("asking what node %s would allocate: %w", name, status.AsError()))
		}
		devices, gpus := view.DevicesOf(claims), view.GPUs()
		rating := cluster.NodeScore{Rating: placement.RateAllocation(view.Inventory(), gpus, devices, p.options.Policy)}
		if p.options.Forecast && view.Inventory() == p.source.Inventory(name) {
			rating.ForecastCost = p.forecast.costOn(node, gpus, cpu, devices)
		}
		rated.addNode(name, rated.addRating(rating))
	}
	state.Write(scoresKey, rated.scoreNodes(p.options.ScoreSpan))
	return inTreeScores(pod)
}

// inTreeScores skips the in-tree Score for a pod for which it has nothing to say: it ranks
// prioritized lists of claims.
func inTreeScores(pod *v1.Pod) *fwk.Status {
	if len(pod.Spec.ResourceClaims) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// countedKind tells nodes apart whose score differs for one pod.
type countedKind struct {
	key     deviceplugin.ChoiceKey
	cpuLeft int64
}

// rateCounted rates a node by what its device plugin would hand to a pod that asks for so
// many milli-CPU; false if that is nothing. Each kind of node is rated once.
func (p *Plugin) rateCounted(c *countedCycle, cpu int64, node fwk.NodeInfo, alike map[countedKind]int, rated *nodeRatings) (int, bool) {
	key, keyed := p.counted.KeyOn(c.request, node)
	kind := countedKind{key: key, cpuLeft: node.GetAllocatable().GetMilliCPU() - node.GetRequested().GetMilliCPU()}
	if rating, known := alike[kind]; keyed && known {
		return rating, true
	}
	choice := p.counted.ChooseOn(c.request, node)
	if choice == nil {
		return 0, false
	}
	score := cluster.NodeScore{Rating: choice.Rate(p.options.Policy)}
	if p.options.Forecast && choice.Inventory != nil {
		score.ForecastCost = p.forecast.costOn(node, choice.GPUs, cpu, choice.Devices)
	}
	rating := rated.addRating(score)
	if keyed {
		alike[kind] = rating
	}
	return rating, true
}
