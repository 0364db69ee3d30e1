package cluster

import (
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// linkedPair asks for two GPUs that a bridge connects.
func linkedPair(inv *placement.Inventory) *placement.Request {
	request := *gpusFor(2)(inv)
	request.Parts = slices.Clone(request.Parts)
	request.Parts[0].Needs.GBps = 20
	return &request
}

// randomGroup is a group with what it asks for, for the search and for brute force.
type randomGroup struct {
	group    *Group
	requests []requestFor
}

// A group fits exactly when some choice of nodes and devices for all members does: with
// members of several kinds, room on hosts, nodes that a member may not use, domains and
// models. What it gets fits together, and nothing of it stays behind.
func TestGroupEqualsEveryChoice(t *testing.T) {
	random := rand.New(rand.NewSource(11))
	inventories := []*placement.Inventory{
		inventoryOf(t, "4gpu-mixed-bridge"), inventoryOf(t, "4xA30-pcie"), inventoryOf(t, "azure-nc96ads-a100"),
	}
	asks := []requestFor{
		gpusFor(1), gpusFor(2), gpusFor(3), linkedPair, onlyOn(inventories[1], gpusFor(1)), onlyOn(inventories[0], gpusFor(1)),
	}
	outcomes := map[placement.Outcome]int{}
	for n := range 600 {
		s := NewSnapshot(nil)
		for range 2 + random.Intn(2) {
			node := s.AddNode(Node{
				Inventory: inventories[random.Intn(3)], Host: cores(topology.MilliCPU(1 + random.Intn(6))), Domain: int64(random.Intn(2)),
			})
			if gpu := 1 + random.Intn(2); random.Intn(2) == 0 {
				s.RecordAllocation(node, placement.Allocation{Holder: "before", Devices: []placement.DeviceAllocation{{
					Device: slices.IndexFunc(s.Node(node).Inventory.Devices, func(d placement.Device) bool {
						return d.Form == placement.Whole && d.GPU == gpu
					}),
				}}})
			}
		}
		g := drawGroup(random, s, asks)
		verdict := s.SolveGroup(g.group)
		outcomes[verdict.Outcome]++
		possible := false
		for _, scope := range everyScope(s, g.group) {
			possible = possible || servable(s, g, 0, scope)
		}
		if want := map[bool]placement.Outcome{true: placement.Fits, false: placement.Refused}[possible]; verdict.Outcome != want {
			t.Fatalf("group %d: %s, want %s", n, verdict.Outcome, want)
		}
		if verdict.Outcome == placement.Fits {
			if verdict.Shortfall.Fit != 0 {
				t.Fatalf("group %d fits, and lacks %+v", n, verdict.Shortfall)
			}
			checkTogether(t, s, g, verdict.Decisions)
			continue
		}
		checkShortfall(t, s, g, verdict.Shortfall)
	}
	if outcomes[placement.Fits] < 150 || outcomes[placement.Refused] < 150 {
		t.Errorf("outcomes %v: the test says little", outcomes)
	}
}

// drawGroup draws a group of up to five members of up to three kinds.
func drawGroup(random *rand.Rand, s *Snapshot, asks []requestFor) randomGroup {
	g := randomGroup{group: &Group{SameModel: ConstraintMode(random.Intn(3))}}
	if random.Intn(3) == 0 {
		g.group.Levels = []GroupLevel{s.NVLinkLevel(ConstraintMode(1 + random.Intn(2)))}
	}
	for range 1 + random.Intn(3) {
		ask := asks[random.Intn(len(asks))]
		member := GroupMember{Ranking: s.Rank(s.ByInventory(ask), placement.KeepPlaceable{}), Host: cores(topology.MilliCPU(random.Intn(3)))}
		if random.Intn(4) == 0 {
			member.Nodes = &NodeSet{}
			member.Nodes.Add(0)
			member.Nodes.Add(1)
		}
		for range 1 + random.Intn(2) {
			g.group.Members = append(g.group.Members, member)
			g.requests = append(g.requests, ask)
		}
	}
	return g
}

// choiceScope is the nodes and the model that all members are held to.
type choiceScope struct {
	domain *int64
	model  string
}

// everyScope lists what a group's required constraints may come to.
func everyScope(s *Snapshot, group *Group) []choiceScope {
	models := []string{""}
	if group.SameModel == Required && len(group.Members) > 1 {
		models = nil
		for node := range s.Len() {
			models = append(models, gpuModels(s.Node(node).Inventory)...)
		}
	}
	var scopes []choiceScope
	for _, model := range models {
		if len(group.Levels) > 0 && group.Levels[0].Mode == Required {
			for _, domain := range []int64{0, 1} {
				scopes = append(scopes, choiceScope{&domain, model})
			}
			continue
		}
		scopes = append(scopes, choiceScope{nil, model})
	}
	return scopes
}

// servable tries every node and all devices for every member.
func servable(s *Snapshot, g randomGroup, member int, scope choiceScope) bool {
	if member == len(g.requests) {
		return true
	}
	m := &g.group.Members[member]
	for node := range s.Len() {
		if !m.Nodes.Has(node) || !m.Host.Within(s.FreeHost(node)) || scope.domain != nil && s.Node(node).Domain != *scope.domain {
			continue
		}
		inv := s.Node(node).Inventory
		request := *g.requests[member](inv)
		request.Parts = slices.Clone(request.Parts)
		var wholes []int
		for d := range inv.Devices {
			if request.Parts[0].Accepts.Has(d) && (scope.model == "" || inv.Node.GPUs[inv.Devices[d].GPU].Model.Name == scope.model) {
				wholes = append(wholes, d)
			}
		}
		found := false
		if len(wholes) < request.Parts[0].Count {
			continue
		}
		eachSet(len(wholes), request.Parts[0].Count, func(set []int) bool {
			request.Parts[0].Accepts = placement.NewDeviceSet(len(inv.Devices))
			for _, i := range set {
				request.Parts[0].Accepts.Add(wholes[i])
			}
			verdict := placement.Place(inv, s.NodeState(node).GPUs(), &request, placement.FirstFit{})
			if verdict.Outcome != placement.Fits {
				return true
			}
			s.Fork()
			s.RecordAllocation(node, placement.Allocation{Holder: "tried", Host: m.Host, Devices: verdict.Devices})
			found = servable(s, g, member+1, scope)
			s.Revert()
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// checkTogether allocates what the members got.
func checkTogether(t *testing.T, s *Snapshot, g randomGroup, decisions []Decision) {
	t.Helper()
	s.Fork()
	defer s.Revert()
	models, domains := map[string]bool{}, map[int64]bool{}
	for i, d := range decisions {
		m := &g.group.Members[i]
		if !m.Nodes.Has(d.Node) {
			t.Errorf("member %d is on node %d, which it may not use", i, d.Node)
		}
		held := placement.Allocation{Holder: placement.HolderID(strconv.Itoa(i)), Host: m.Host, Devices: d.Devices}
		if err := s.Allocate(d.Node, held); err != nil {
			t.Errorf("member %d: %v", i, err)
		}
		inv := s.Node(d.Node).Inventory
		for _, device := range d.Devices {
			models[inv.Node.GPUs[inv.Devices[device.Device].GPU].Model.Name] = true
		}
		domains[s.Node(d.Node).Domain] = true
	}
	if g.group.SameModel == Required && len(models) > 1 {
		t.Errorf("models %v", models)
	}
	if len(g.group.Levels) > 0 && g.group.Levels[0].Mode == Required && len(domains) > 1 {
		t.Errorf("domains %v", domains)
	}
}

// checkShortfall holds what is said of a group that does not fit to what is found by leaving
// members out.
func checkShortfall(t *testing.T, s *Snapshot, g randomGroup, shortfall GroupShortfall) {
	t.Helper()
	most := 0
	for subset := range 1 << len(g.requests) {
		part, count := randomGroup{group: &Group{}}, 0
		for i := range g.requests {
			if subset&(1<<i) != 0 {
				part.group.Members, part.requests = append(part.group.Members, g.group.Members[i]), append(part.requests, g.requests[i])
				count++
			}
		}
		for _, scope := range everyScope(s, g.group) {
			if count > most && servable(s, part, 0, scope) {
				most = count
			}
		}
	}
	if shortfall.Fit != most {
		t.Errorf("%+v: it says that %d of %d members fit together, %d do", g.group, shortfall.Fit, len(g.requests), most)
	}
	if len(shortfall.Shapes) == 0 {
		t.Errorf("no shape lacks anything: %s", fmt.Sprint(shortfall))
	}
}
