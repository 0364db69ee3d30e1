package deviceplacement

import (
	"context"
	"errors"
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// NodeHost is a node by its name and what pods can have of it besides devices.
type NodeHost struct {
	Name string
	Host topology.HostResources
	// Closed says that the node takes nothing new.
	Closed bool
}

// errNoGPUs is of a pod about which nothing can be asked.
var errNoGPUs = errors.New("the pod asks for no GPU that Ashlar chooses")

// SnapshotNodes is a snapshot of nodes, under the numbers that they are given in, with who holds
// what of their GPUs. state is that of a pod's cycle after PreFilter. identify says of each
// allocation, whose holder is the UID of a claim, as what it is recorded.
func (p *Plugin) SnapshotNodes(
	state fwk.CycleState, nodes []NodeHost, identify func(node string, a placement.Allocation) placement.Allocation,
) (*cluster.Snapshot, error) {
	c := cycleOf(state)
	if c == nil {
		return nil, errNoGPUs
	}
	snapshot := cluster.NewSnapshot(nil)
	for i, node := range nodes {
		view := c.ViewNode(node.Name, nil)
		if view == nil {
			snapshot.AddNode(cluster.Node{Name: node.Name, Host: node.Host, Domain: cluster.NoDomain})
			snapshot.SetSchedulable(i, false)
			continue
		}
		snapshot.AddNode(cluster.Node{Name: node.Name, Inventory: view.Inventory(), Host: node.Host, Domain: cluster.NoDomain})
		snapshot.SetSchedulable(i, !node.Closed)
		held, err := view.State()
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", node.Name, err)
		}
		for _, a := range held.Allocations() {
			snapshot.RecordAllocation(i, identify(node.Name, a))
		}
	}
	return snapshot, nil
}

// RankPod ranks the nodes of a snapshot for the pod whose cycle it is after PreFilter, as far as
// devices decide. admits says whether a node takes the pod for all else.
func (p *Plugin) RankPod(
	ctx context.Context, state fwk.CycleState, snapshot *cluster.Snapshot, admits func(node string) bool,
) (*cluster.NodeRanking, error) {
	c := cycleOf(state)
	if c == nil {
		return nil, errNoGPUs
	}
	if reason := c.Request().UnsupportedReason(); reason != "" {
		return nil, errors.New(reason)
	}
	views := make([]*dra.View, snapshot.Len())
	for i := range views {
		node := snapshot.Node(i)
		view := c.ViewNode(node.Name, nil)
		// Where two drivers publish GPUs the pod may see those that the snapshot is not about.
		if view != nil && view.Inventory() == node.Inventory && admits(node.Name) && view.UnsupportedReason(ctx) == "" {
			views[i] = view
		}
	}
	return snapshot.Rank(&admittedRequests{viewRequests: newViewRequests(ctx, views)}, p.options.Policy), nil
}

// admittedRequests are requests to the nodes that take the pod: nothing is asked of others.
type admittedRequests struct{ *viewRequests }

// RequestOn implements cluster.PodRequest.
func (r *admittedRequests) RequestOn(node, preference int) *placement.Request {
	if r.views[node] == nil {
		return nil
	}
	return r.viewRequests.RequestOn(node, preference)
}

// notAdmitted is the key of nodes of which nothing is asked.
const notAdmitted cluster.AcceptanceKey = -1

// AcceptanceKey implements cluster.Selective.
func (r *admittedRequests) AcceptanceKey(node int) cluster.AcceptanceKey {
	if r.views[node] == nil {
		return notAdmitted
	}
	return r.viewRequests.AcceptanceKey(node)
}

// ProfileNames are the MIG profiles of a node's devices, "" for others. state is as for
// SnapshotNodes.
func (p *Plugin) ProfileNames(state fwk.CycleState, node string) []string {
	view := cycleOf(state).ViewNode(node, nil)
	names := make([]string, len(view.Inventory().Devices))
	for i := range names {
		if view.Inventory().Devices[i].Form == placement.MIG {
			names[i] = view.ProfileName(i)
		}
	}
	return names
}
