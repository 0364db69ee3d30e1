package cluster

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// modelScope is the GPUs that a group is tried on: those of one model, or all.
type modelScope struct {
	model string // "" for all
	// rankings replaces those of the members by ones that accept such GPUs only; nil where
	// it is enough to look at the nodes.
	rankings map[*NodeRanking]*NodeRanking
}

// admitsInventory reports whether a node has GPUs of the scope.
func (m *modelScope) admitsInventory(inv *placement.Inventory) bool {
	return m.model == "" || slices.Contains(gpuModels(inv), m.model)
}

// rankingOf is the ranking with which a member is asked for in the scope.
func (m *modelScope) rankingOf(ranking *NodeRanking) *NodeRanking {
	if own := m.rankings[ranking]; own != nil {
		return own
	}
	return ranking
}

// modelScopes lists the models that a group is tried on, the one that suits its first
// member best first, and then all models together unless one is required.
func (s *Snapshot) modelScopes(group *Group) []*modelScope {
	all := []*modelScope{{}}
	if group.SameModel == Indifferent || len(group.Members) < 2 {
		return all
	}
	mixed := false
	var models []string
	best := map[string]*NodeScore{}
	seen := map[*placement.Inventory]bool{}
	for node := range s.nodes {
		inv := s.nodes[node].Inventory
		if inv == nil || seen[inv] {
			continue
		}
		seen[inv] = true
		of := gpuModels(inv)
		mixed = mixed || len(of) > 1
		for _, model := range of {
			if !slices.Contains(models, model) {
				models = append(models, model)
			}
		}
	}
	if len(models) < 2 {
		return all
	}
	if first := firstRanking(group); first != nil && !mixed {
		best = s.bestOfModels(first)
	}
	var scopes []*modelScope
	for _, model := range models {
		scope := &modelScope{model: model}
		if mixed {
			scope.rankings = s.rankingsForModel(group, model)
		}
		scopes = append(scopes, scope)
	}
	slices.SortStableFunc(scopes, func(a, b *modelScope) int {
		x, y := best[a.model], best[b.model]
		switch {
		case x == nil || y == nil:
			return boolOrder(x != nil, y != nil)
		default:
			return CompareNodes(*x, *y)
		}
	})
	if group.SameModel == Preferred {
		scopes = append(scopes, all...)
	}
	return scopes
}

// boolOrder puts what holds first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// firstRanking is that of the first member with GPUs.
func firstRanking(group *Group) *NodeRanking {
	for i := range group.Members {
		if r := group.Members[i].Ranking; r != nil {
			return r
		}
	}
	return nil
}

// bestOfModels is the best score of a pod on nodes of each model.
func (s *Snapshot) bestOfModels(ranking *NodeRanking) map[string]*NodeScore {
	ranking.refreshAnswers()
	best := map[string]*NodeScore{}
	for node := range s.nodes {
		if s.rooms[node].class == noClass || s.rooms[node].closed {
			continue
		}
		a := ranking.answerOn(node)
		if !a.fits {
			continue
		}
		model := s.nodes[node].Inventory.Node.GPUs[0].Model.Name
		score := NodeScore{Rating: a.rating}
		if best[model] == nil || CompareNodes(score, *best[model]) < 0 {
			best[model] = &score
		}
	}
	return best
}

// gpuModels lists the models of an inventory's GPUs.
func gpuModels(inv *placement.Inventory) []string {
	var models []string
	for i := range inv.Node.GPUs {
		if name := inv.Node.GPUs[i].Model.Name; !slices.Contains(models, name) {
			models = append(models, name)
		}
	}
	return models
}

// rankingsForModel are the members' rankings for GPUs of one model.
func (s *Snapshot) rankingsForModel(group *Group, model string) map[*NodeRanking]*NodeRanking {
	rankings := map[*NodeRanking]*NodeRanking{}
	for i := range group.Members {
		if r := group.Members[i].Ranking; r != nil && rankings[r] == nil {
			limited := modelRequest{PodRequest: r.request, snapshot: s, model: model}
			if r.selective != nil {
				rankings[r] = s.Rank(selectiveModelRequest{modelRequest: limited, selective: r.selective}, r.policy)
				continue
			}
			rankings[r] = s.Rank(limited, r.policy)
		}
	}
	return rankings
}

// modelRequest is a request for GPUs of one model only.
type modelRequest struct {
	PodRequest
	snapshot *Snapshot
	model    string
}

// RequestOn implements PodRequest.
func (m modelRequest) RequestOn(node, preference int) *placement.Request {
	request := m.PodRequest.RequestOn(node, preference)
	inv := m.snapshot.nodes[node].Inventory
	if request == nil || len(gpuModels(inv)) < 2 {
		return request
	}
	limited := *request
	limited.Parts = slices.Clone(request.Parts)
	for i := range limited.Parts {
		part := &limited.Parts[i]
		accepts := part.Accepts
		part.Accepts = inv.SelectDevices(func(*placement.Device) bool { return false })
		for d := range inv.Devices {
			if accepts.Has(d) && inv.Node.GPUs[inv.Devices[d].GPU].Model.Name == m.model {
				part.Accepts.Add(d)
			}
		}
	}
	return &limited
}

// selectiveModelRequest is a modelRequest of a Selective one.
type selectiveModelRequest struct {
	modelRequest
	selective Selective
}

// AcceptanceKey implements Selective.
func (m selectiveModelRequest) AcceptanceKey(node int) AcceptanceKey {
	return m.selective.AcceptanceKey(node)
}
