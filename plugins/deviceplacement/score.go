package deviceplacement

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PreScore asks the in-tree code which devices it would allocate on each feasible
// node, and ranks the nodes by what placement says of exactly those devices.
func (p *Plugin) PreScore(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	c := cycleOf(state)
	if c == nil {
		return nil // the in-tree Score may still have work: prioritized lists of allocated claims
	}
	ratings := make(map[string]nodeRating, len(nodes))
	cpu := cpuOf(pod)
	if err := p.outlook.update(&p.pools); err != nil {
		return fwk.AsStatus(err)
	}
	for _, node := range nodes {
		name := node.Node().Name
		gpus := p.pools.gpuPool(name)
		if gpus == nil {
			ratings[name] = nodeRating{} // takes no GPU from anybody
			continue
		}
		p.recorded.allocated = nil
		if status := p.recorder.Reserve(ctx, withoutPodGroup{state}, pod, name); !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("asking what node %s would allocate: %w", name, status.AsError()))
		}
		grants, held := gpus.grants(p.recorded.allocated), c.held.state(gpus)
		ratings[name] = nodeRating{
			Rating: placement.RateAllocation(gpus.gpus.inventory, held, grants, p.policy),
			outlook: p.outlook.OpportunityCost(
				name, node.GetAllocatable().GetMilliCPU()-node.GetRequested().GetMilliCPU(), held, cpu, grants),
		}
	}
	c.scores = scoresOf(ratings)
	return nil
}

// grants are the devices of this pool that claims would be allocated, one part
// for each request.
func (p *pool) grants(claims []*resourceapi.ResourceClaim) []placement.DeviceAllocation {
	var grants []placement.DeviceAllocation
	part := -1
	for _, claim := range claims {
		previous := ""
		if claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			if result.Request != previous {
				previous = result.Request
				part++
			}
			i, found := p.gpus.byName[result.Device]
			if !found || result.Driver != p.driver || result.Pool != p.name {
				continue
			}
			grant := placement.DeviceAllocation{Part: part, Device: i}
			if memory, found := result.ConsumedCapacity[deviceapi.Memory]; found {
				grant.Bytes = topology.Bytes(memory.Value())
			}
			grants = append(grants, grant)
		}
	}
	return grants
}

// scoresOf spreads the nodes' ratings over the framework's range of scores by
// rank, so that a better rating is a better score however close they are. Of the best
// nodes the first by name is a point ahead: the same pods then go to the same nodes,
// unless another plugin cares which.
func scoresOf(ratings map[string]nodeRating) map[string]int64 {
	var distinct []nodeRating
	for _, rating := range ratings {
		distinct = append(distinct, rating)
	}
	order := func(a, b nodeRating) int { return b.compare(a) } // the worst first
	slices.SortFunc(distinct, order)
	distinct = slices.Compact(distinct)
	scores := make(map[string]int64, len(ratings))
	first := ""
	for node, rating := range ratings {
		rank, _ := slices.BinarySearchFunc(distinct, rating, order)
		if rank < len(distinct)-1 {
			scores[node] = fwk.MinScore + (fwk.MaxScore-fwk.MinScore)*int64(rank)/int64(len(distinct)-1)
			continue
		}
		scores[node] = fwk.MaxScore - 1
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
	c := cycleOf(state)
	if c == nil {
		return 0, nil
	}
	return c.scores[node.Node().Name], nil
}

// SignPod implements fwk.SignPlugin. The score depends on nothing that the
// in-tree plugin does not sign: it refuses pods with claims.
func (ScorePlugin) SignPod(context.Context, *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return nil, nil
}
