package deviceplacement

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Explaining must not hold up the pods behind in the queue: it looks at so many
// nodes in different states, and for so long.
const (
	maxExplained  = 64
	explainWithin = time.Second
)

// PostFilter lets the in-tree plugin give back allocations that are in the way,
// and adds to the pod's status why nothing fits and what would.
func (p *Plugin) PostFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	result, status := p.DynamicResources.PostFilter(ctx, state, pod, statuses)
	c := cycleOf(state)
	if c == nil || status.Code() != fwk.Unschedulable {
		return result, status
	}
	start := time.Now()
	explanation := p.explain(ctx, c, p.refusedHere(statuses))
	klog.FromContext(ctx).V(4).Info("Explained why the pod does not fit", "pod", klog.KObj(pod), "took", time.Since(start), "explanation", explanation)
	if explanation != "" {
		return result, fwk.NewStatus(fwk.Unschedulable, explanation)
	}
	return result, status
}

// suggestion is a change on one node.
type suggestion struct {
	placement.Suggestion
	node    string
	pool    *pool
	request *placement.Request
	holders []string // pods, with FreeGPUs
}

// closer reports whether s asks less of the user than another of its kind.
func (s *suggestion) closer(other *suggestion) bool {
	switch s.Kind {
	case placement.SmallerShare:
		return s.Bytes > other.Bytes
	case placement.OtherProfile:
		return s.pool.gpus.inventory.Devices[s.Device].Memory > other.pool.gpus.inventory.Devices[other.Device].Memory
	case placement.FewerGPUs:
		return s.Count > other.Count
	}
	if a, b := s.GPUs.Len(), other.GPUs.Len(); a != b {
		return a < b
	}
	return s.node < other.node
}

func (s *suggestion) String() string {
	what := fmt.Sprintf("%s on node %s", s.Suggestion, s.node)
	switch s.Kind {
	case placement.FreeGPUs:
		if len(s.holders) > 0 {
			what += " (held by " + strings.Join(s.holders, ", ") + ")"
		}
	case placement.OtherProfile:
		what = fmt.Sprintf("MIG profile %s fits on node %s", resourceslices.ProfileName(s.pool.driver, &s.pool.devices[s.Device]), s.node)
	}
	if s.Part >= 0 {
		return fmt.Sprintf("request %s: %s", s.request.Parts[s.Part].Name, what)
	}
	return what
}

// refusedHere lists the nodes that only lack devices: no other plugin, such as the
// one for node affinity, has refused them before.
func (p *Plugin) refusedHere(statuses fwk.NodeToStatusReader) []string {
	var nodes []string
	for name := range p.pools.byNode {
		if status := statuses.Get(name); status != nil && status.Plugin() == Name {
			nodes = append(nodes, name)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// explain says why the pod fits on none of the nodes, in terms of what it asks for,
// and lists the smallest change of each kind; "" if the pod asks for something that
// is not understood here.
func (p *Plugin) explain(ctx context.Context, c *cycle, nodes []string) string {
	if c.ask.opaque != "" {
		return ""
	}
	if len(p.pools.byNode) == 0 && p.pools.foreign == 0 {
		return "no node publishes devices (is the driver running?)"
	}
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	makes, others := p.makes(nodes)
	if len(makes) == 0 {
		return ""
	}
	var sentences []string
	for i := range c.ask.requests {
		request := &c.ask.requests[i]
		if sentence := p.unmetByAll(ctx, makes, request, others); sentence != "" {
			sentences = append(sentences, fmt.Sprintf("request %s: %s", request.name, sentence))
		}
	}
	if len(sentences) > 0 {
		return strings.Join(sentences, "; ")
	}
	if p.tooSmallEverywhere(ctx, makes, c.ask) {
		return "" // the nodes say so, with the arithmetic
	}
	best, fits := p.smallestChanges(ctx, c, nodes)
	if fits {
		return "" // something other than GPUs is in the way
	}
	if ctx.Err() != nil && len(best) == 0 {
		return fmt.Sprintf("what would fit was not found within %s", p.patience)
	}
	for _, kind := range placement.SuggestionKinds {
		if s := best[kind]; s != nil {
			if kind == placement.FreeGPUs {
				s.holders = p.holdersOf(s.pool, s.GPUs)
			}
			sentences = append(sentences, s.String())
		}
	}
	if len(sentences) == 0 {
		return "no single change on one node makes it fit: its requests need more GPUs than a node has"
	}
	return "would fit with a change: " + strings.Join(sentences, "; or ")
}

// unmetByAll says what no GPU satisfies of a request, if no alternative can be
// satisfied; "" otherwise. It speaks of the last alternative, which asks the least.
// Where there are devices other than GPUs, a request whose device class matches no
// GPU is taken to be meant for those.
func (p *Plugin) unmetByAll(ctx context.Context, makes []*pool, request *deviceRequest, others bool) string {
	sentence := ""
	for i := range request.alternatives {
		way := &request.alternatives[i]
		if others && !slices.ContainsFunc(makes, func(gpus *pool) bool {
			return !gpus.match(ctx, p.expressions, way.selectors[:way.ofClass]).devices.Empty()
		}) {
			return ""
		}
		if sentence = p.unmet(ctx, makes, way); sentence == "" {
			return ""
		}
	}
	return sentence
}

// makes returns one GPU pool for each make among the nodes, and whether there are
// devices other than GPUs.
func (p *Plugin) makes(nodes []string) (pools []*pool, others bool) {
	others = p.pools.foreign > 0
	seen := map[*placement.Inventory]bool{}
	for _, name := range nodes {
		gpus := p.pools.gpuPool(name)
		others = others || gpus == nil || len(p.pools.byNode[name]) > 1
		if gpus != nil && !seen[gpus.gpus.inventory] {
			seen[gpus.gpus.inventory] = true
			pools = append(pools, gpus)
		}
	}
	return pools, others
}

// smallestChanges searches those nodes that are in different states for changes after which the
// pod fits, and keeps the closest of each kind. It reports true instead if the GPUs
// of some node serve the pod as it is.
func (p *Plugin) smallestChanges(ctx context.Context, c *cycle, nodes []string) (map[placement.SuggestionKind]*suggestion, bool) {
	best := map[placement.SuggestionKind]*suggestion{}
	seen := map[string]bool{}
	for _, name := range nodes {
		gpus := p.pools.gpuPool(name)
		if gpus == nil {
			continue
		}
		state := c.held.state(gpus)
		key := fmt.Sprintf("%p %v", gpus.gpus.inventory, state)
		if seen[key] {
			continue
		}
		if seen[key] = true; len(seen) > maxExplained || ctx.Err() != nil {
			break
		}
		var preferred *placement.Request
		for request := range gpus.requests(ctx, p.expressions, c.ask, nil) {
			if placement.Place(gpus.gpus.inventory, state, request, p.policy).Outcome != placement.Refused {
				return nil, true
			}
			preferred = cmp.Or(preferred, request)
		}
		if preferred != nil {
			nodeState := placement.NewNodeState(gpus.gpus.inventory)
			nodeState.RecordAllocation(placement.Allocation{Devices: c.held[gpus]})
			for _, change := range placement.SuggestChanges(&nodeState, preferred, p.policy) {
				found := &suggestion{Suggestion: change, node: name, pool: gpus, request: preferred}
				if best[change.Kind] == nil || found.closer(best[change.Kind]) {
					best[change.Kind] = found
				}
			}
		}
	}
	return best, false
}

// holdersOf names the pods that hold devices on some GPUs of a pool.
func (p *Plugin) holdersOf(gpus *pool, set placement.GPUSet) []string {
	claims, err := p.dra.ResourceClaims().List()
	if err != nil {
		return nil
	}
	var holders []string
	for _, claim := range claims {
		if claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			i, found := gpus.gpus.byName[result.Device]
			if !found || result.Driver != gpus.driver || result.Pool != gpus.name || !set.Has(gpus.gpus.inventory.Devices[i].GPU) {
				continue
			}
			for _, user := range claim.Status.ReservedFor {
				holders = append(holders, claim.Namespace+"/"+user.Name)
			}
		}
	}
	slices.Sort(holders)
	return slices.Compact(holders)
}
