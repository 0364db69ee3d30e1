package deviceplacement

import (
	"cmp"
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// nodeRating is what the pod would get on a node, and what that takes from the pods to
// come.
type nodeRating struct {
	placement.Rating
	outlook int64
}

// compare sorts ratings, the better first: the job's own bandwidth, then what the whole
// cluster loses, then what the node does.
func (r nodeRating) compare(other nodeRating) int {
	if r.Bandwidth == other.Bandwidth && r.outlook != other.outlook {
		return cmp.Compare(r.outlook, other.outlook)
	}
	return r.Compare(other.Rating)
}

// nodeOutlook is the forecast for the nodes of the pools.
type nodeOutlook struct {
	*forecast.DemandForecast
	// seen are pods that were noted lately: one whose binding failed comes again, and
	// still is one pod.
	seen map[types.UID]struct{}
}

// maxSeen bounds how many pods are remembered.
const maxSeen = 4096

// see notes what a pod takes, once.
func (o nodeOutlook) see(pod *v1.Pod, gpus *pool, grants []placement.DeviceAllocation) {
	if _, again := o.seen[pod.UID]; again {
		return
	}
	if len(o.seen) >= maxSeen {
		clear(o.seen)
	}
	o.seen[pod.UID] = struct{}{}
	o.ObservePod(cpuOf(pod), gpus.gpus.inventory, grants)
}

// update takes the nodes that there are now.
func (o nodeOutlook) update(x *pools) error {
	var nodes []forecast.Node
	for name := range x.byNode {
		if gpus := x.gpuPool(name); gpus != nil {
			nodes = append(nodes, forecast.Node{Name: name, Inventory: gpus.gpus.inventory})
		}
	}
	slices.SortFunc(nodes, func(a, b forecast.Node) int { return cmp.Compare(a.Name, b.Name) })
	if slices.Equal(nodes, o.Nodes()) {
		return nil
	}
	return o.SetNodes(nodes)
}

// cpuOf is the milli-CPU that a pod asks for.
func cpuOf(pod *v1.Pod) int64 {
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{})
	return requests.Cpu().MilliValue()
}

// Reserve lets the in-tree plugin reserve, and notes what the pod takes.
func (p *Plugin) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	status := p.DynamicResources.Reserve(ctx, state, pod, node)
	gpus := p.pools.gpuPool(node)
	if !status.IsSuccess() || cycleOf(state) == nil || gpus == nil {
		return status
	}
	p.recorded.allocated = nil
	if p.recorder.Reserve(ctx, withoutPodGroup{state}, pod, node).IsSuccess() {
		p.outlook.see(pod, gpus, gpus.grants(p.recorded.allocated))
	}
	return status
}
