package deviceplacement

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Of thousands of nodes few matter to a pod: the best by what placement says of their devices.
// The snapshot answers that once for nodes that are alike, and only those few are asked by
// the in-tree code and by other plugins. If these refuse all of them for reasons of their
// own, the pod comes again at once and all nodes are asked.

// manyCandidates is how many times as many nodes are asked for a pod that other plugins are
// likely to keep from some, for what is on the nodes already.
const manyCandidates = 4

// nodeFinder finds nodes of a cycle by their numbers in the snapshot.
type nodeFinder struct {
	snapshot *dra.NodeSnapshot
	nodes    []fwk.NodeInfo
	// at[i] is where in nodes node i is, -1 if it is not there.
	at []int
}

// findNodes prepares to find nodes. at is of an earlier cycle, in which most nodes were at
// the same places.
func findNodes(snapshot *dra.NodeSnapshot, nodes []fwk.NodeInfo, at []int) *nodeFinder {
	f := &nodeFinder{snapshot: snapshot, nodes: nodes, at: at}
	same := len(at) == snapshot.Len()
	for i := 0; same && i < len(at); i++ {
		same = at[i] >= 0 && at[i] < len(nodes) && nodes[at[i]].Node().Name == snapshot.NodeName(i)
	}
	if same {
		return f
	}
	f.at = make([]int, snapshot.Len())
	for i := range f.at {
		f.at[i] = -1
	}
	for k, node := range nodes {
		if i, found := snapshot.NumberOf(node.Node().Name); found {
			f.at[i] = k
		}
	}
	return f
}

// node is node i, nil if the scheduler does not know it.
func (f *nodeFinder) node(i int) fwk.NodeInfo {
	if f.at[i] < 0 {
		return nil
	}
	return f.nodes[f.at[i]]
}

// narrowNodes finds the nodes to ask for the pod of a cycle: the best, and those that cannot
// be compared with them. It is nil if all are to be asked: none is known to serve the pod,
// or too many cannot be compared. held is what is kept for others. Where nodes are alike, their
// refusals are too.
func (p *Plugin) narrowNodes(
	ctx context.Context, c *dra.Cycle, pod *v1.Pod, nodes []fwk.NodeInfo, held map[string][]heldDevices,
) ([]string, *nodeRefusals) {
	if !c.Narrowable() {
		return nil, nil
	}
	if len(held) > 0 {
		snapshot := c.Snapshot()
		snapshot.Fork()
		defer snapshot.Revert()
		p.holdPlans(snapshot, held)
	}
	_, rankStep := tracing.StartStep(ctx, "RankNodes")
	ranking := c.RankNodes(ctx, p.options.Policy, providedBy(c.Request().ResourceNames(), nodes))
	rankStep.EndStep(nil)
	refusals := newNodeRefusals(ranking)
	limit := p.options.Candidates
	if limit == 0 || p.refusedNarrow.knowsPod(pod.UID) {
		return nil, refusals
	}
	if dependsOnPods(pod) {
		limit *= manyCandidates
	}
	if err := p.forecast.updateNodes(p.source, p.counted); err != nil {
		return nil, refusals // PreScore says so
	}
	ctx, step := tracing.StartStep(ctx, "FindCandidates")
	defer step.EndStep(nil)
	others, comparable := ranking.Elsewhere()
	if !comparable {
		return nil, refusals
	}
	found := findNodes(c.Snapshot(), nodes, p.nodesAt)
	p.nodesAt = found.at
	search := &candidateSearch{plugin: p, cycle: c, found: found, admission: newNodeAdmission(p, pod), cpu: cpuOf(pod)}
	best, undecided := ranking.Candidates(search.query(limit))
	for _, i := range undecided {
		others = append(others, c.Snapshot().NodeName(i))
	}
	best, others = search.addIrregular(ctx, ranking.Irregular(), limit, best, others)
	if len(best) == 0 || len(others) > limit {
		return nil, refusals
	}
	for _, one := range best {
		others = append(others, c.Snapshot().NodeName(one.Node))
	}
	if nominated := pod.Status.NominatedNodeName; nominated != "" {
		others = append(others, nominated)
	}
	slices.Sort(others)
	others = slices.Compact(others)
	step.NoteCount(tracing.CandidatesKey, len(others))
	return others, refusals
}

// dependsOnPods reports whether other plugins decide on nodes by what runs there.
func dependsOnPods(pod *v1.Pod) bool {
	if affinity := pod.Spec.Affinity; affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil) {
		return true
	}
	if len(pod.Spec.TopologySpreadConstraints) > 0 {
		return true
	}
	return slices.ContainsFunc(pod.Spec.Volumes, func(volume v1.Volume) bool {
		return volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil
	}) || slices.ContainsFunc(pod.Spec.Containers, func(container v1.Container) bool {
		return slices.ContainsFunc(container.Ports, func(port v1.ContainerPort) bool { return port.HostPort > 0 })
	})
}

// providedBy says which nodes' device plugins hand out one of some resources; nil for none.
func providedBy(resources []v1.ResourceName, nodes []fwk.NodeInfo) func(string) bool {
	if len(resources) == 0 {
		return nil
	}
	provided := sets.New[string]()
	for _, node := range nodes {
		allocatable := providedResources(node)
		for _, name := range resources {
			if allocatable[name] > 0 {
				provided.Insert(node.Node().Name)
			}
		}
	}
	return provided.Has
}

// candidateSearch is the search for one pod's candidates.
type candidateSearch struct {
	plugin    *Plugin
	cycle     *dra.Cycle
	found     *nodeFinder
	admission *nodeAdmission
	cpu       int64
}

func (s *candidateSearch) query(limit int) *cluster.CandidateQuery {
	q := &cluster.CandidateQuery{
		Limit: limit,
		Kind: func(i int) int64 {
			if node := s.found.node(i); node != nil {
				return hostKind(node)
			}
			return -1
		},
		Admits: func(i int) bool {
			node := s.found.node(i)
			return node != nil && s.admission.admits(node)
		},
	}
	if s.plugin.options.Forecast {
		q.Cost = func(i int, devices []placement.DeviceAllocation) int64 {
			if node := s.found.node(i); node != nil {
				return s.plugin.forecast.costOn(node, s.cycle.Snapshot().NodeState(i).GPUs(), s.cpu, devices)
			}
			return 0
		}
	}
	return q
}

// hostKind tells apart nodes that have different amounts of CPU or memory left, to the
// milli-CPU and to 64 MiB: the forecast and other plugins' scores depend on that.
func hostKind(node fwk.NodeInfo) int64 {
	allocatable, requested := node.GetAllocatable(), node.GetRequested()
	const memoryStep = 64 << 20
	cpu := allocatable.GetMilliCPU() - requested.GetMilliCPU()
	memory := (allocatable.GetMemory() - requested.GetMemory()) / memoryStep
	return cpu<<32 ^ memory&0xffffffff
}

// addIrregular looks at nodes one by one, adds the best on which the pod fits to the best, and
// those of which that cannot be told to the others. Cycles in which that are many are
// rare: another driver publishes the same GPUs, or the pod asks for adapters too.
func (s *candidateSearch) addIrregular(
	ctx context.Context, irregular []int, limit int, best []cluster.Decision, others []string,
) ([]cluster.Decision, []string) {
	p := s.plugin
	var fitting []cluster.Decision
	for _, i := range irregular {
		node := s.found.node(i)
		if node == nil || !s.admission.admits(node) {
			continue
		}
		view := s.cycle.ViewNode(node.Node().Name, providedResources(node))
		if view == nil {
			continue
		}
		gpus := view.GPUs()
		switch verdict, asked := p.placeFirst(ctx, view, gpus); {
		case verdict.Outcome == placement.Fits && view.Inventory() == p.source.Inventory(node.Node().Name):
			score := cluster.NodeScore{Rating: verdict.Rating}
			if p.options.Forecast {
				score.ForecastCost = p.forecast.costOn(node, gpus, s.cpu, verdict.Devices)
			}
			fitting = append(fitting, cluster.Decision{Node: i, Devices: verdict.Devices, NodeScore: score})
		case !asked || !verdict.final:
			others = append(others, node.Node().Name)
		}
	}
	slices.SortStableFunc(fitting, func(a, b cluster.Decision) int { return cluster.CompareNodes(a.NodeScore, b.NodeScore) })
	return append(best, fitting[:min(len(fitting), limit)]...), others
}
