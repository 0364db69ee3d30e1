package dra

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/lru"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PodRanking ranks the nodes of a snapshot for the pod of a cycle. Nodes of one make in equal
// state have one answer, which pods that ask alike share.
type PodRanking struct {
	*cluster.NodeRanking
	requests *rankedRequest
}

// RankNodes is the ranking of the cycle's pod on the nodes of its snapshot. provided says which
// nodes' device plugins hand out extended resources that the pod asks for, nil for none.
func (c *Cycle) RankNodes(ctx context.Context, policy placement.Policy, provided func(node string) bool) *PodRanking {
	n := c.Snapshot()
	key := c.request.spell()
	if known := n.rankings.find(key); known != nil {
		known.requests.cycle, known.requests.ctx, known.requests.provided = c, ctx, provided
		known.requests.judgeNodes()
		return known
	}
	requests := &rankedRequest{
		snapshot: n, cycle: c, ctx: ctx, provided: provided, readsIdentity: c.readsIdentity(),
		byKey: map[cluster.AcceptanceKey][]*placement.Request{},
	}
	requests.judgeNodes()
	ranking := &PodRanking{NodeRanking: n.Rank(requests, policy), requests: requests}
	n.rankings.keep(key, ranking)
	return ranking
}

// Irregular are the nodes, by their numbers, that must be looked at one by one: more than
// their make and state decides what fits there.
func (r *PodRanking) Irregular() []int { return r.requests.irregular }

// AnswerKey tells nodes apart that may answer the pod differently; nodes with equal keys have
// one answer, in the same words.
type AnswerKey struct {
	class, make int32
	anyInUse    bool
}

// AnswerKeyOf is a node's; false if the node must be looked at by itself. It may be asked from
// several goroutines until the snapshot is asked or changed again.
func (r *PodRanking) AnswerKeyOf(node string) (AnswerKey, bool) {
	n := r.requests.snapshot
	i, found := n.NumberOf(node)
	if !found || r.requests.leftOut[i] || r.requests.readsIdentity {
		return AnswerKey{}, false
	}
	inUse := len(r.requests.cycle.allocated.ofPool(n.pools[i]).inUse) > 0
	return AnswerKey{class: n.ClassOf(i), make: n.pools[i].kind.number, anyInUse: inUse}, true
}

// rankedRequest is what a pod asks of the nodes of a snapshot.
type rankedRequest struct {
	snapshot *NodeSnapshot
	// cycle is the one that asks now.
	cycle         *Cycle
	ctx           context.Context
	readsIdentity bool
	// byKey are the requests that were read already.
	byKey map[cluster.AcceptanceKey][]*placement.Request
	// byContent numbers different requests of pods that read identities, ofPool their pools'.
	byContent map[string]cluster.AcceptanceKey
	ofPool    map[*Pool]cluster.AcceptanceKey
	// provided says which nodes' device plugins hand out what the pod asks for, nil for none.
	provided func(node string) bool
	// leftOut says which nodes are irregular.
	leftOut   []bool
	irregular []int
	// everywhere says that devices of several nodes may serve the pod.
	everywhere bool
}

var _ cluster.Selective = &rankedRequest{}

// irregularKey is of nodes that have no answer here.
const irregularKey cluster.AcceptanceKey = -1

// AcceptanceKey implements cluster.Selective.
func (r *rankedRequest) AcceptanceKey(node int) cluster.AcceptanceKey {
	switch p := r.snapshot.pools[node]; {
	case r.leftOut[node]:
		return irregularKey
	case r.readsIdentity:
		return r.contentKey(node, p)
	default:
		return cluster.AcceptanceKey(p.kind.number)
	}
}

// contentKey numbers what a pod asks of a pool whose devices it tells from others of their
// make.
func (r *rankedRequest) contentKey(node int, p *Pool) cluster.AcceptanceKey {
	if key, known := r.ofPool[p]; known {
		return key
	}
	requests := r.readRequests(p)
	text := fmt.Sprint(p.kind.number)
	for _, request := range requests {
		text += fmt.Sprintf("\n%v", *request)
	}
	key, known := r.byContent[text]
	if !known {
		key = cluster.AcceptanceKey(len(r.byContent))
		if r.byContent == nil {
			r.byContent, r.ofPool = map[string]cluster.AcceptanceKey{}, map[*Pool]cluster.AcceptanceKey{}
		}
		r.byContent[text] = key
		r.byKey[key] = requests
	}
	r.ofPool[p] = key
	return key
}

// RequestOn implements cluster.PodRequest.
func (r *rankedRequest) RequestOn(node, preference int) *placement.Request {
	key := r.AcceptanceKey(node)
	if key == irregularKey {
		return nil
	}
	requests, known := r.byKey[key]
	if !known {
		requests = r.readRequests(r.snapshot.pools[node])
		if r.ctx.Err() == nil {
			r.byKey[key] = requests
		}
	}
	if preference >= len(requests) {
		return nil
	}
	return requests[preference]
}

func (r *rankedRequest) readRequests(p *Pool) []*placement.Request {
	view := &View{cycle: r.cycle, pool: p, othersKnown: true} // nothing beside its GPUs counts
	var requests []*placement.Request
	for request := range view.Requests(r.ctx) {
		requests = append(requests, request)
	}
	return requests
}

// judgeNodes finds the nodes that are irregular in this cycle.
func (r *rankedRequest) judgeNodes() {
	n, index := r.snapshot, &r.snapshot.source.pools
	if len(r.leftOut) != len(n.pools) {
		r.leftOut = make([]bool, len(n.pools))
	}
	r.irregular = r.irregular[:0]
	wanted := map[*poolMake]bool{}
	r.everywhere = false
	for _, p := range index.shared {
		r.everywhere = r.everywhere || r.cycle.mayTakeFrom(r.ctx, p, wanted)
	}
	for i, p := range n.pools {
		irregular := r.everywhere || r.provided != nil && r.provided(p.Node) || !n.plain[i] || !n.alone[i] && r.mayTakeBeside(p, wanted)
		if r.leftOut[i] = irregular; irregular {
			r.irregular = append(r.irregular, i)
		}
	}
}

// mayTakeBeside reports whether the pod may take devices on a pool's node that are not in it, or
// not understood.
func (r *rankedRequest) mayTakeBeside(p *Pool, known map[*poolMake]bool) bool {
	if len(p.gpus.unsupported) > 0 && r.cycle.mayTakeUnsupported(r.ctx, p) {
		return true
	}
	return slices.ContainsFunc(r.snapshot.source.pools.poolsOn(p.Node), func(other *Pool) bool {
		return other != p && (other.gpus != nil || r.cycle.mayTakeFrom(r.ctx, other, known))
	})
}

// mayTakeFrom reports whether a request of the pod accepts some device of a pool. known
// remembers the answers by make, where that decides.
func (c *Cycle) mayTakeFrom(ctx context.Context, p *Pool, known map[*poolMake]bool) bool {
	if answer, found := known[p.kind]; found {
		return answer
	}
	expressions, reads := c.source.expressions, false
	answer := c.request.anyAlternative(func(sub *subRequest) bool {
		reads = reads || expressions.readIdentity(sub.selectors)
		return p.matchesAny(ctx, expressions, sub.selectors)
	})
	if !reads && ctx.Err() == nil {
		known[p.kind] = answer
	}
	return answer
}

// mayTakeUnsupported reports whether a request of the pod accepts a device of a pool that is
// not understood.
func (c *Cycle) mayTakeUnsupported(ctx context.Context, p *Pool) bool {
	return c.request.anyAlternative(func(sub *subRequest) bool {
		matched := p.matchSelectors(ctx, c.source.expressions, sub.selectors).devices
		for _, at := range p.gpus.unsupported {
			if matched.Has(at) {
				return true
			}
		}
		return false
	})
}

// readsIdentity reports whether a request of the pod may tell devices of one make apart.
func (c *Cycle) readsIdentity() bool {
	return c.request.anyAlternative(func(sub *subRequest) bool { return c.source.expressions.readIdentity(sub.selectors) })
}

// Narrowable reports whether the few best nodes of a ranking are the ones that matter to the
// pod: all that it asks for is understood.
func (c *Cycle) Narrowable() bool {
	return c.request.unsupportedReason == "" && len(c.request.requests) > 0 && !c.request.hasAdminAccess() &&
		!c.request.anyAlternative(func(sub *subRequest) bool { return sub.unsupportedReason != "" })
}

// ResourceNames are the extended resources that the pod asks for.
func (r *PodRequest) ResourceNames() []v1.ResourceName {
	var names []v1.ResourceName
	for i := range r.requests {
		if name := r.requests[i].resource; name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Elsewhere are nodes without GPUs that are understood whose devices may serve a request of the
// pod; false if any node may.
func (r *PodRanking) Elsewhere() ([]string, bool) {
	c, index := r.requests.cycle, &r.requests.snapshot.source.pools
	if r.requests.everywhere {
		return nil, false
	}
	var nodes []string
	wanted := map[*poolMake]bool{}
	for _, name := range index.withoutGPUs {
		if slices.ContainsFunc(index.poolsOn(name), func(p *Pool) bool { return c.mayTakeFrom(r.requests.ctx, p, wanted) }) {
			nodes = append(nodes, name)
		}
	}
	return nodes, true
}

// spell spells out what decides what a pod accepts, "" if that cannot be compared: pods that
// run a model server are each looked at by themselves.
func (r *PodRequest) spell() string {
	if r.server != nil {
		return ""
	}
	var text strings.Builder
	for i := range r.requests {
		request := &r.requests[i]
		fmt.Fprintf(&text, "%d %q %q\n", request.claim, request.name, request.resource)
		for j := range request.alternatives {
			sub := &request.alternatives[j]
			tolerations, err := json.Marshal(sub.tolerations)
			if err != nil {
				return ""
			}
			fmt.Fprintf(&text, "  %q %d %q %v %s\n", sub.name, sub.count, sub.selectors, sub.capacity, tolerations)
		}
	}
	fmt.Fprintf(&text, "%v", r.constraints)
	return text.String()
}

// keptRankings is how many rankings are kept for pods that ask alike.
const keptRankings = 32

// rankingCache keeps the rankings of what was asked lately.
type rankingCache struct{ recent *lru.Cache }

func (c *rankingCache) find(key string) *PodRanking {
	if c.recent == nil || key == "" {
		return nil
	}
	if found, ok := c.recent.Get(key); ok {
		if ranking, ok := found.(*PodRanking); ok {
			return ranking
		}
	}
	return nil
}

func (c *rankingCache) keep(key string, ranking *PodRanking) {
	if key == "" {
		return
	}
	if c.recent == nil {
		c.recent = lru.New(keptRankings)
	}
	c.recent.Add(key, ranking)
}

func (c *rankingCache) forgetAll() { c.recent = nil }
