package deviceplacement

import (
	"context"
	"errors"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// The pods of a PodGroup come one by one. When the first of a complete group comes, the nodes
// and devices of all that have none are chosen together, and each is sent to its place when
// its turn is. Nobody else gets what a plan holds, until it is used or ends: so two groups
// that each need most of the cluster never have half of it each.

// groupAnswer is what is known of the pod of a cycle that belongs to a group; nil for a pod
// that is placed by itself.
type groupAnswer struct {
	group *groupcycle.Group
	// place is where the pod goes, nil if the group does not fit: refusal says why.
	place   *plannedMember
	refusal string
}

// answerGroup finds the place of a group's pod, planning the group if that was not done.
func (p *Plugin) answerGroup(ctx context.Context, c *dra.Cycle, group *groupcycle.Group, pod *v1.Pod, nodes []fwk.NodeInfo) *groupAnswer {
	found := findNodes(c.Snapshot(), nodes, p.nodesAt)
	p.nodesAt = found.at
	switch place, standing := p.plans.standingOf(group.Key, pod, group.Needed()); standing {
	case memberPlaced:
		if p.stillServes(c, found, pod, place) {
			return p.sendMember(group, pod, place)
		}
		p.plans.dropPlan(group.Key)
	case memberDeviceless:
		return nil
	case memberSpared:
		return spareMember(group)
	case memberUnplanned:
	}
	if group.Needed() == 0 {
		return nil // it has started, and is no longer held up by this one
	}
	version := p.versionOf(c, group, nodes)
	var known *groupRefusal
	singly := false
	p.plans.readRecord(group.Key, func(r *groupRecord) {
		version.plans = p.plans.version
		singly = p.plans.now().Before(r.singlyUntil)
		if r.refusal != nil && r.refusal.version == version {
			known = r.refusal
		}
		r.member = pod
	})
	switch {
	case singly:
		return nil
	case known != nil:
		return refuseGroup(group, known)
	}
	ctx, step := tracing.StartStep(ctx, "PlanGroup")
	defer step.EndStep(nil)
	solve := &groupSolve{plugin: p, cycle: c, group: group, found: found, nodes: nodes, deviceless: sets.New[types.UID]()}
	answer := solve.answerPod(ctx, pod, version)
	if step.IsKept() {
		step.NoteText(tracing.GroupKey, group.Key.String())
		step.NoteCount(tracing.MembersKey, len(group.Pending))
		noteAnswer(step, answer)
	}
	return answer
}

// sendMember sends a pod to its place.
func (p *Plugin) sendMember(group *groupcycle.Group, pod *v1.Pod, place *plannedMember) *groupAnswer {
	answer := &groupAnswer{group: group, place: place}
	if group.OneCycle {
		group.NoteSent(func() string { return p.replanGroup(answer, pod) })
	}
	return answer
}

// refuseGroup says in the cycle what the group lacks.
func refuseGroup(group *groupcycle.Group, refusal *groupRefusal) *groupAnswer {
	shortfall := groupcycle.Shortfall{Fit: refusal.fit, Because: refusal.because}
	group.NoteShortfall(shortfall)
	return &groupAnswer{group: group, refusal: group.ShortfallWords(shortfall)}
}

// stillServes reports whether what was planned for a pod is still free, on a node to which it
// may still go.
func (p *Plugin) stillServes(c *dra.Cycle, found *nodeFinder, pod *v1.Pod, place *plannedMember) bool {
	number, there := c.Snapshot().NumberOf(place.node)
	if !there || c.Snapshot().Node(number).Inventory != place.inventory {
		return false
	}
	node := found.node(number)
	return node != nil && newNodeAdmission(p, pod).admits(node) &&
		allFree(place.inventory, c.Snapshot().NodeState(number).GPUs(), place.devices)
}

// allFree reports whether devices fit beside what is held.
func allFree(inv *placement.Inventory, gpus placement.GPUStates, devices []placement.DeviceAllocation) bool {
	left := slices.Clone(gpus)
	for _, device := range devices {
		if inv.TakeDevice(left, device.Device, device.ShareSize) != nil {
			return false
		}
	}
	return true
}

// groupSolve is one attempt to place a group.
type groupSolve struct {
	plugin *Plugin
	cycle  *dra.Cycle
	group  *groupcycle.Group
	found  *nodeFinder
	nodes  []fwk.NodeInfo
	// unmade are the pods of which it is not known yet what they ask for.
	unmade []*v1.Pod
	// shapes are those of the pods that are placed, pods of them in the same order.
	shapes []*groupShape
	pods   []*v1.Pod
	// deviceless are those that need no devices of their own.
	deviceless sets.Set[types.UID]
	// partial says that a refusal is not certain.
	partial bool
}

// answerPod plans the group and answers for one of its pods.
func (s *groupSolve) answerPod(ctx context.Context, pod *v1.Pod, version groupVersion) *groupAnswer {
	plans := s.plugin.plans
	singly := func(why string) *groupAnswer {
		klog.FromContext(ctx).V(4).Info("Placing the pods of a group one by one", "podGroup", s.group.Key, "because", why)
		plans.readRecord(s.group.Key, func(r *groupRecord) { r.placeSingly(plans.now().Add(s.group.Timeout)) })
		return nil
	}
	members, err := s.readMembers(ctx)
	switch {
	case err != nil:
		return singly(err.Error())
	case s.spare() < 0:
		return s.refuseMembers(pod, version, len(s.group.Assigned), s.missingWords())
	case !slices.ContainsFunc(s.pods, func(other *v1.Pod) bool { return other.UID == pod.UID }):
		return nil // it needs no devices of its own
	}
	levels, because := members.groupLevels(&s.group.Constraints, members.nodesOfMembers(s.group.Assigned))
	if because != "" {
		return s.refuseMembers(pod, version, 0, because)
	}
	verdict := s.solveFor(pod, levels)
	switch {
	case verdict.Outcome == placement.Fits:
		plan := s.planOf(&verdict)
		plans.openPlan(s.group.Key, plan)
		if place, _ := plans.standingOf(s.group.Key, pod, s.group.Needed()); place != nil {
			return s.plugin.sendMember(s.group, pod, place)
		}
		if !s.group.OneCycle {
			plans.activate(s.pods)
		}
		return spareMember(s.group)
	case verdict.Outcome == placement.Undecided:
		return singly("the search was cut short")
	case s.partial || members.partial:
		return singly("there are nodes of which it is not known what fits there")
	case s.fitsWithoutLower(pod, levels):
		return singly("it fits once pods of lower priority are gone")
	}
	s.reservePlaces(pod, levels)
	return s.refuseMembers(pod, version, len(s.group.Assigned)+verdict.Shortfall.Fit, s.shortfallWords(&verdict.Shortfall))
}

// refuseMembers remembers why the group does not fit. The other pods, which may have waited since
// before the group was complete, are told too.
func (s *groupSolve) refuseMembers(pod *v1.Pod, version groupVersion, fit int, because string) *groupAnswer {
	refusal := &groupRefusal{version: version, fit: fit, because: because}
	plans := s.plugin.plans
	news := false
	plans.readRecord(s.group.Key, func(r *groupRecord) {
		news = r.refusal == nil || r.refusal.fit != fit || r.refusal.because != because
		refusal.version.plans = plans.version
		if r.refusal = refusal; r.since.IsZero() {
			r.since = plans.now()
		}
	})
	others := slices.DeleteFunc(slices.Clone(s.group.Pending), func(other *v1.Pod) bool { return other.UID == pod.UID })
	if enough := s.spare() >= 0; news && enough && len(others) > 0 && !s.group.OneCycle {
		plans.activate(others)
	}
	return refuseGroup(s.group, refusal)
}

// readMembers reads the pods that have no node. Those without devices of their own are placed
// by themselves.
func (s *groupSolve) readMembers(ctx context.Context) (*groupMembers, error) {
	requests, err := s.plugin.source.ReadPods(s.group.Pending)
	if err != nil {
		return nil, err
	}
	refusedOn := func(shape, node string) bool {
		refused := false
		s.plugin.plans.readRecord(s.group.Key, func(r *groupRecord) {
			refused = r.refusedOn[shape].Has(node)
			s.partial = s.partial || refused
		})
		return refused
	}
	members := &groupMembers{
		plugin: s.plugin, cycle: s.cycle, found: s.found, nodes: s.nodes, shapes: map[string]*groupShape{},
	}
	for i, pod := range s.group.Pending {
		if requests[i] == nil {
			s.unmade = append(s.unmade, pod)
			continue
		}
		if requests[i].Empty() {
			s.deviceless.Insert(pod.UID)
			continue
		}
		shape := members.shapeOf(ctx, pod, requests[i], refusedOn)
		if shape == nil {
			return nil, errors.New("pod " + pod.Name + " asks for devices that are not chosen here")
		}
		s.shapes, s.pods = append(s.shapes, shape), append(s.pods, pod)
	}
	return members, nil
}

// groupOf is the group as the core places it. more is what nodes have besides devices beyond
// what is free now.
func (s *groupSolve) groupOf(levels []cluster.GroupLevel, more func(node int) topology.HostResources) *cluster.Group {
	alike := !slices.ContainsFunc(s.shapes, func(shape *groupShape) bool { return shape != s.shapes[0] })
	group := &cluster.Group{Levels: levels, SameModel: sameModel(&s.group.Constraints, alike)}
	for _, shape := range s.shapes {
		group.Members = append(group.Members, shape.member)
	}
	group.FreeHost = func(node int) topology.HostResources {
		info := s.found.node(node)
		if info == nil {
			return topology.HostResources{}
		}
		if more == nil {
			return freeHost(info)
		}
		return freeHost(info).Plus(more(node))
	}
	return group
}

// planOf is the plan of a verdict.
func (s *groupSolve) planOf(verdict *cluster.GroupVerdict) *groupPlan {
	plan := &groupPlan{
		members: map[types.UID]*plannedMember{}, deviceless: s.deviceless, spare: map[types.UID]*v1.Pod{},
		ends: s.plugin.plans.now().Add(s.group.Timeout),
	}
	for i, decision := range verdict.Decisions {
		plan.members[s.pods[i].UID] = &plannedMember{
			node: s.cycle.Snapshot().NodeName(decision.Node), inventory: s.cycle.Snapshot().Node(decision.Node).Inventory,
			devices: slices.Clone(decision.Devices), shape: s.shapes[i].name,
		}
	}
	return plan
}

// holdPlans holds in a fork of the snapshot what plans hold.
func (p *Plugin) holdPlans(snapshot *dra.NodeSnapshot, held map[string][]heldDevices) {
	for name, all := range held {
		node, there := snapshot.NumberOf(name)
		if !there {
			continue
		}
		for _, one := range all {
			if snapshot.Node(node).Inventory == one.inventory {
				snapshot.RecordAllocation(node, placement.Allocation{Holder: "planned", Devices: one.devices})
			}
		}
	}
}
