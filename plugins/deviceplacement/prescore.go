package deviceplacement

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PreScore asks the in-tree code which devices it would allocate on each feasible
// node, and ranks the nodes by what placement says of exactly those devices.
func (p *Plugin) PreScore(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	c := cycleOf(state)
	if c == nil {
		return nil // the in-tree Score may still have work: prioritized lists of allocated claims
	}
	if err := p.forecast.updateNodes(p.source); err != nil {
		return fwk.AsStatus(err)
	}
	ratings := make(map[string]cluster.NodeScore, len(nodes))
	for _, node := range nodes {
		name := node.Node().Name
		view := c.ViewNode(name, nil)
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
	c.scores = scoresOf(ratings, p.options.ScoreSpan)
	return nil
}
