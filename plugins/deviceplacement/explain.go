package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// podExplanation is why a pod fits on none of some nodes. explanation.go puts it into words.
type podExplanation struct {
	// unserved are sentences on resources that nothing in the cluster serves, elsewhere
	// those on nodes with GPUs that other plugins refused, tainted those on their taints.
	unserved, elsewhere, tainted []string
	// grouped says that the pod starts together with others: what would make room for it
	// alone need not help.
	grouped bool
	// partly says that there are such nodes, of which nothing else is said.
	partly bool
	// elsewhereStarts are devices on which the pod's model server would start, if it does on
	// none that it asks for.
	elsewhereStarts []textClause
	// tooSmall says that the pod's model server starts on no device that it asks for.
	tooSmall bool
	// counted is about what device plugins hand out.
	counted []textClause
	// nothingPublished says that there are no devices at all.
	nothingPublished bool
	// unmet are the requests that no GPU satisfies by what it is, and inTheWay those for
	// devices beside the GPUs of which no node has enough.
	unmet, inTheWay []dra.UnmetRequest
	// The core's explanation, nil if it was not asked for, with the names of its nodes and
	// parts, and its suggestions with what the core has no words for.
	*cluster.Explanation
	nodes       []string
	requests    *viewRequests // what the pod asks of each of them
	suggestions []nodeSuggestion
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
	// profile is the MIG profile that would fit, and product the GPU that would.
	profile, product string
}

// explainPod finds out why the pod fits on no node, and the smallest change of each kind
// after which it would.
func (p *Plugin) explainPod(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader, timeout time.Duration,
) *podExplanation {
	start, c := time.Now(), cycleOf(state)
	e := &podExplanation{timeout: timeout, grouped: pod.Labels[v1alpha1.PodGroupLabel] != ""}
	if c == nil || len(p.source.NodesWithGPUs()) == 0 {
		if chain := p.explainChain(pod); chain != "" {
			e.counted = []textClause{{text: chain}}
			return e
		}
	}
	e.unserved = p.unservedResources(pod)
	if counted := countedOf(state); counted != nil {
		e.counted = p.explainCounted(ctx, counted, statuses)
		if e.grouped {
			e.counted = slices.DeleteFunc(e.counted, func(c textClause) bool { return c.kind == remedyClause })
		}
	}
	if c == nil && len(extendedResources(pod)) == 0 {
		return e
	}
	e.elsewhere, e.tainted = p.refusedElsewhere(ctx, c, pod, statuses)
	if c == nil {
		return e
	}
	nodes := p.refusedHere(statuses)
	e.partly = slices.ContainsFunc(p.source.NodesWithGPUs(), func(name string) bool { return !slices.Contains(nodes, name) })
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
	e.elsewhereStarts = p.findRemedies(ctx, c, pod, nodes, e)
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
			e.nodes = append(e.nodes, name)
		}
	}
	if len(views) == 0 {
		return 0
	}
	if others {
		e.inTheWay = c.OthersInTheWay(ctx, views)
	}
	e.unmet = c.UnmetRequests(ctx, views, others)
	if slices.ContainsFunc(e.unmet, func(u dra.UnmetRequest) bool { return !u.Hopeful }) {
		return 0
	}
	snapshot, err := snapshotOf(views)
	if err != nil {
		return 0
	}
	requests := newViewRequests(ctx, views)
	first := requests.RequestOn(0, 0)
	if first == nil || len(first.Parts) == 0 {
		return 0 // nothing is asked of the GPUs
	}
	e.requests = requests
	e.Explanation = snapshot.Rank(requests, p.options.Policy).Explain(allNodes(views), cluster.ExplainLimit{
		Classes: p.options.MaxExplainedNodes,
		Stop:    func() bool { return ctx.Err() != nil },
	})
	e.suggestions = p.nameSuggestions(e.Suggestions, views, requests)
	return snapshot.Classes()
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
		view := views[s.Node]
		found := nodeSuggestion{Suggestion: s.Suggestion, node: view.Node()}
		switch s.Kind {
		case placement.FreeGPUs, placement.Reslice:
			found.holders = p.podsOf(s.Holders)
		case placement.OtherProfile:
			found.profile = view.ProfileName(s.Device)
		case placement.WholeGPU, placement.OtherModel:
			found.product = productOf(view, s.GPUs)
		}
		if request := requests.RequestOn(s.Node, 0); s.Part >= 0 && request != nil {
			found.request = request.Parts[s.Part].Name
		}
		named = append(named, found)
	}
	return named
}

// productOf is the product of some GPUs of a node, "" if they are of several.
func productOf(view *dra.View, gpus placement.GPUSet) string {
	product := ""
	for i, gpu := range view.Inventory().Node.GPUs {
		if !gpus.Has(i) {
			continue
		}
		if product != "" && product != gpu.Model.Product {
			return ""
		}
		product = gpu.Model.Product
	}
	return product
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

// viewRequests asks a snapshot's nodes for what a pod asks of the GPUs of their views.
type viewRequests struct {
	views []*dra.View
	ctx   context.Context // of the one explanation that it serves
	// onNode holds what was asked for already, keys the numbers of different requests.
	onNode map[int][]*placement.Request
	keys   map[string]cluster.AcceptanceKey
	keyOn  map[int]cluster.AcceptanceKey
}

var _ cluster.Selective = &viewRequests{}

func newViewRequests(ctx context.Context, views []*dra.View) *viewRequests {
	return &viewRequests{
		views: views, ctx: ctx,
		onNode: map[int][]*placement.Request{}, keys: map[string]cluster.AcceptanceKey{}, keyOn: map[int]cluster.AcceptanceKey{},
	}
}

// RequestOn implements cluster.PodRequest.
func (r *viewRequests) RequestOn(node, preference int) *placement.Request {
	requests, known := r.onNode[node]
	if !known {
		for request := range r.views[node].Requests(r.ctx) {
			requests = append(requests, r.views[node].OfGPUs(r.ctx, request))
		}
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
