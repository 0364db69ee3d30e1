package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// podExplanation is why a pod fits on none of some nodes. explanation.go puts it into words.
type podExplanation struct {
	// nothingPublished says that there are no devices at all.
	nothingPublished bool
	// unmet are the requests that no GPU satisfies by what it is; nothing else is looked
	// for then.
	unmet []dra.UnmetRequest
	// The core's explanation, nil if it was not asked for, and its suggestions with what
	// the core has no words for.
	*cluster.Explanation
	suggestions []nodeSuggestion
	// forOthers says that a request is meant for devices that are no GPUs, of which nothing
	// is known here.
	forOthers bool
	// timeout is how long the search might take, and took how long it did.
	timeout, took time.Duration
	timedOut      bool
}

// nodeSuggestion is a change on one node.
type nodeSuggestion struct {
	placement.Suggestion
	node string
	// request is the name of the request to change, "" for none.
	request string
	// holders are the pods that have something of the GPUs to free, as namespace/name.
	holders []string
	// profile is the MIG profile that would fit.
	profile string
}

// explainPod finds out why the pod fits on none of the nodes, whose order is kept, and
// the smallest change of each kind after which it would.
func (p *Plugin) explainPod(ctx context.Context, c *podCycle, nodes []string, timeout time.Duration) *podExplanation {
	start := time.Now()
	e := &podExplanation{timeout: timeout}
	if c.Request().UnsupportedReason() != "" {
		return e
	}
	if p.source.PublishesNothing() {
		e.nothingPublished = true
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	classes := p.searchChanges(ctx, c, nodes, e)
	e.timedOut, e.took = ctx.Err() != nil, time.Since(start)
	metrics.ObserveExplanation(!e.timedOut && (e.Explanation == nil || e.Complete), e.took, classes)
	return e
}

// searchChanges fills in the explanation. It returns how many classes the nodes are of, 0
// if they were not looked at.
func (p *Plugin) searchChanges(ctx context.Context, c *podCycle, nodes []string, e *podExplanation) int {
	var views []*dra.View
	others := p.source.HasUnmanagedPools()
	for _, name := range nodes {
		view := c.ViewNode(name, nil)
		others = others || view == nil || !view.OnlyPool()
		if view != nil && view.UnsupportedReason(ctx) == "" {
			views = append(views, view)
		}
	}
	if len(views) == 0 {
		return 0
	}
	makes := oneOfEachMake(views)
	if e.unmet = c.UnmetRequests(ctx, makes, others); len(e.unmet) > 0 {
		return 0
	}
	if !slices.ContainsFunc(makes, func(view *dra.View) bool { return view.WhyTooSmall(ctx) == "" }) {
		return 0 // the nodes say so, with the arithmetic
	}
	e.forOthers = others && c.MeantForOthers(ctx, makes)
	snapshot, err := snapshotOf(views)
	if err != nil {
		return 0
	}
	requests := newViewRequests(ctx, views)
	e.Explanation = snapshot.Rank(requests, p.options.Policy).Explain(allNodes(views), cluster.ExplainLimit{
		Classes: p.options.MaxExplainedNodes,
		Stop:    func() bool { return ctx.Err() != nil },
	})
	e.suggestions = p.nameSuggestions(e.Suggestions, views, requests)
	return snapshot.Classes()
}

// oneOfEachMake picks one view of each inventory.
func oneOfEachMake(views []*dra.View) []*dra.View {
	seen := map[*placement.Inventory]bool{}
	var makes []*dra.View
	for _, view := range views {
		if !seen[view.Inventory()] {
			seen[view.Inventory()] = true
			makes = append(makes, view)
		}
	}
	return makes
}

// snapshotOf is the views' nodes with who holds what of each, under the views' numbers.
func snapshotOf(views []*dra.View) (*cluster.Snapshot, error) {
	snapshot := cluster.NewSnapshot(nil)
	for i, view := range views {
		snapshot.AddNode(cluster.Node{Name: view.Node(), Inventory: view.Inventory(), Domain: cluster.NoDomain})
		state, err := view.State()
		if err != nil {
			return nil, err
		}
		for _, allocation := range state.Allocations() {
			snapshot.RecordAllocation(i, allocation)
		}
	}
	return snapshot, nil
}

func allNodes(views []*dra.View) []int {
	all := make([]int, len(views))
	for i := range all {
		all[i] = i
	}
	return all
}

// nameSuggestions says of the core's suggestions what they are about.
func (p *Plugin) nameSuggestions(suggestions []cluster.NodeSuggestion, views []*dra.View, requests *viewRequests) []nodeSuggestion {
	var named []nodeSuggestion
	for _, s := range suggestions {
		found := nodeSuggestion{Suggestion: s.Suggestion, node: views[s.Node].Node()}
		switch s.Kind {
		case placement.FreeGPUs:
			found.holders = p.podsOf(s.Holders)
		case placement.OtherProfile:
			found.profile = views[s.Node].ProfileName(s.Device)
		}
		if request := requests.RequestOn(s.Node, 0); s.Part >= 0 && request != nil {
			found.request = request.Parts[s.Part].Name
		}
		named = append(named, found)
	}
	return named
}

// podsOf names the pods that use claims.
func (p *Plugin) podsOf(holders []placement.HolderID) []string {
	users, err := p.source.HoldersByUID()
	if err != nil {
		return nil
	}
	var pods []string
	for _, holder := range holders {
		pods = append(pods, users[holder]...)
	}
	slices.Sort(pods)
	return slices.Compact(pods)
}

// viewRequests asks a snapshot's nodes for what a pod asks of their views.
type viewRequests struct {
	views []nodeview.View
	ctx   context.Context // of the one explanation that it serves
	// onNode holds what was asked for already, keys the numbers of different requests.
	onNode map[int][]*placement.Request
	keys   map[string]cluster.AcceptanceKey
	keyOn  map[int]cluster.AcceptanceKey
}

var _ cluster.Selective = &viewRequests{}

func newViewRequests(ctx context.Context, views []*dra.View) *viewRequests {
	r := &viewRequests{
		ctx: ctx, onNode: map[int][]*placement.Request{}, keys: map[string]cluster.AcceptanceKey{}, keyOn: map[int]cluster.AcceptanceKey{},
	}
	for _, view := range views {
		r.views = append(r.views, view)
	}
	return r
}

// RequestOn implements cluster.PodRequest.
func (r *viewRequests) RequestOn(node, preference int) *placement.Request {
	requests, known := r.onNode[node]
	if !known {
		requests = slices.Collect(r.views[node].Requests(r.ctx))
		r.onNode[node] = requests
	}
	if preference >= len(requests) {
		return nil
	}
	return requests[preference]
}

// AcceptanceKey implements cluster.Selective: nodes of one make accept the same devices
// unless a selector reads what is no part of an inventory.
func (r *viewRequests) AcceptanceKey(node int) cluster.AcceptanceKey {
	if key, known := r.keyOn[node]; known {
		return key
	}
	r.RequestOn(node, 0)
	text := ""
	for _, request := range r.onNode[node] {
		text += fmt.Sprintf("%v\n", *request)
	}
	key, known := r.keys[text]
	if !known {
		key = cluster.AcceptanceKey(len(r.keys))
		r.keys[text] = key
	}
	r.keyOn[node] = key
	return key
}
