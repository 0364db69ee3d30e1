package scenario

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// pod is what a command about a pod has in common with others: what it asks, of which
// nodes, and who ranks the choices.
type pod struct {
	request *podRequest
	// asks is the request as the core sees it.
	asks    cluster.PodRequest
	ranking *cluster.NodeRanking
	policy  placement.Policy
	host    topology.HostResources
}

// parsePod reads the options policy=, seed=, cpu=, memory= and on=, and the lines of the
// request.
func (e *Environment) parsePod(args *arguments, lines []string) (*pod, error) {
	alternatives, err := parseAlternatives(lines)
	if err != nil {
		return nil, err
	}
	p := &pod{host: args.host()}
	p.request = &podRequest{
		environment: e, alternatives: alternatives, asked: map[int]bool{},
		built: map[*machine][]*placement.Request{}, refused: map[*machine][]*placement.Request{},
	}
	p.asks = p.request
	if args.has("on") {
		accepted, err := e.nodeNumbers(args.list("on"))
		if err != nil {
			return nil, err
		}
		p.request.only = map[int]bool{}
		for _, node := range accepted {
			p.request.only[node] = true
		}
		p.asks = selectiveRequest{p.request}
	}
	seed := args.number("seed", 1, 0)
	if p.policy, err = placement.PolicyNamed(args.text("policy", placement.KeepPlaceable{}.Name()), e.demand, uint64(seed)); err != nil {
		return nil, err
	}
	p.ranking = e.snapshot.Rank(p.asks, p.policy)
	return p, nil
}

// holder is who gets what is decided, from the options as=, priority= and pinned.
type holder struct {
	id       placement.HolderID
	priority int64
	pinned   bool
}

// parseHolder reads who gets what is decided; nobody without as=.
func parseHolder(args *arguments) (holder, error) {
	h := holder{id: placement.HolderID(args.text("as", "")), priority: args.number("priority", 0, -1<<31), pinned: args.flag("pinned")}
	if h.id == "" && (h.priority != 0 || h.pinned) {
		return h, fmt.Errorf("priority= and pinned are about a holder: add as=")
	}
	return h, nil
}

// allocation is what the holder gets.
func (h holder) allocation(host topology.HostResources, devices []placement.DeviceAllocation) placement.Allocation {
	return placement.Allocation{Holder: h.id, Priority: h.priority, Pinned: h.pinned, Host: host, Devices: devices}
}

// String names the holder with what is special about it: "a (priority 5, pinned)".
func (h holder) String() string {
	switch {
	case h.priority != 0 && h.pinned:
		return fmt.Sprintf("%s (priority %d, pinned)", h.id, h.priority)
	case h.priority != 0:
		return fmt.Sprintf("%s (priority %d)", h.id, h.priority)
	case h.pinned:
		return fmt.Sprintf("%s (pinned)", h.id)
	}
	return string(h.id)
}
