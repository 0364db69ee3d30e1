package scenario

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// podOptions is what a command about a pod has in common with others: what it asks, of which
// nodes, and who ranks the choices.
type podOptions struct {
	request *podRequest
	// asks is the request as the core sees it.
	asks    cluster.PodRequest
	ranking *cluster.NodeRanking
	policy  placement.Policy
	host    topology.HostResources
}

// parsePod reads the options policy=, seed=, cpu=, memory= and on=, and the lines of the
// request.
func (e *Environment) parsePod(args *commandArguments, lines []string) (*podOptions, error) {
	alternatives, err := parseAlternatives(lines)
	if err != nil {
		return nil, err
	}
	p := &podOptions{host: args.hostResources()}
	p.request = &podRequest{
		environment: e, alternatives: alternatives, asked: map[int]bool{},
		built: map[*catalogueMachine][]*placement.Request{}, refused: map[*catalogueMachine][]*placement.Request{},
	}
	p.asks = p.request
	if args.hasOption("on") {
		accepted, err := e.nodeNumbers(args.valueList("on"))
		if err != nil {
			return nil, err
		}
		p.request.only = map[int]bool{}
		for _, node := range accepted {
			p.request.only[node] = true
		}
		p.asks = selectiveRequest{p.request}
	}
	seed := args.numberOf("seed", 1, 0)
	if p.policy, err = placement.PolicyNamed(args.textOf("policy", placement.KeepPlaceable{}.Name()), e.demand, uint64(seed)); err != nil {
		return nil, err
	}
	p.ranking = e.snapshot.Rank(p.asks, p.policy)
	return p, nil
}

// podHolder is who gets what is decided, from the options as=, priority= and pinned.
type podHolder struct {
	id       placement.HolderID
	priority int64
	pinned   bool
}

// parseHolder reads who gets what is decided; nobody without as=.
func parseHolder(args *commandArguments) (podHolder, error) {
	h := podHolder{id: placement.HolderID(args.textOf("as", "")), pinned: args.hasFlag("pinned")}
	h.priority = args.numberOf("priority", 0, -1<<31)
	if h.id == "" && (h.priority != 0 || h.pinned) {
		return h, fmt.Errorf("priority= and pinned are about a holder: add as=")
	}
	return h, nil
}

// allocationOf is what the holder gets.
func (h podHolder) allocationOf(host topology.HostResources, devices []placement.DeviceAllocation) placement.Allocation {
	return placement.Allocation{Holder: h.id, Priority: h.priority, Pinned: h.pinned, Host: host, Devices: devices}
}

// String names the holder with what is special about it: "a (priority 5, pinned)".
func (h podHolder) String() string {
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
