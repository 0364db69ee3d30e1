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
		return nil // the in-tree Score may still have work: prioritized lists of allocated claims
	}
	if err := p.forecast.updateNodes(p.source, p.counted); err != nil {
		return fwk.AsStatus(err)
	}
	ratings := make(map[string]cluster.NodeScore, len(nodes))
	alike := map[countedKind]cluster.NodeScore{}
	for _, node := range nodes {
		name := node.Node().Name
		if counted != nil {
			kind := countedKind{cpuLeft: node.GetAllocatable().GetMilliCPU() - node.GetRequested().GetMilliCPU()}
			keyed := false
			kind.key, keyed = p.counted.KeyOn(counted.request, node)
			if known, found := alike[kind]; keyed && found {
				ratings[name] = known
				continue
			}
			if choice := p.counted.ChooseOn(counted.request, node); choice != nil {
				ratings[name] = p.scoreChoice(choice, pod, node)
				if keyed {
					alike[kind] = ratings[name]
				}
				continue
			}
		}
		var view *dra.View
		if c != nil {
			view = c.ViewNode(name, nil)
		}
		if view == nil {
			ratings[name] = cluster.NodeScore{} // takes no GPU from anybody
			continue
		}
		claims, status := p.source.AskReserve(ctx, state, pod, name)
		if !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("asking what node %s would allocate: %w", name, status.AsError()))
		}
		devices, gpus := view.DevicesOf(claims), view.GPUs()
		rating := cluster.NodeScore{Rating: placement.RateAllocation(view.Inventory(), gpus, devices, p.options.Policy)}
		if p.options.Forecast && view.Inventory() == p.source.Inventory(name) {
			rating.ForecastCost = p.forecast.costOn(node, gpus, pod, devices)
		}
		ratings[name] = rating
	}
	scores := scoresOf(ratings, p.options.ScoreSpan)
	if c != nil {
		c.scores = scores
	} else {
		counted.scores = scores
	}
	return nil
}

// countedKind tells nodes apart whose score differs for one pod.
type countedKind struct {
	key     deviceplugin.ChoiceKey
	cpuLeft int64
}

// scoreChoice is how good it is for a pod to get devices of a device plugin.
func (p *Plugin) scoreChoice(choice *deviceplugin.NodeChoice, pod *v1.Pod, node fwk.NodeInfo) cluster.NodeScore {
	score := cluster.NodeScore{Rating: choice.Rate(p.options.Policy)}
	if p.options.Forecast && choice.Inventory != nil {
		score.ForecastCost = p.forecast.costOn(node, choice.GPUs, pod, choice.Devices)
	}
	return score
}
