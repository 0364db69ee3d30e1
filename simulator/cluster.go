package simulator

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// cluster is the nodes and what is held of them.
type cluster struct {
	nodes  []*nodeState
	fleet  *placement.Fleet
	number []int // of fleet's nodes, their index in nodes
	policy placement.Policy
	placer placement.Placer
	// forecast chooses between nodes, nil if the policy does that by itself.
	forecast *forecast.DemandForecast
	asked    map[*Ask]*question
	// domain is of fleet's nodes, nil if none is in any.
	domain []int64
}

// question is what is known of an ask on this cluster.
type question struct {
	*placement.Question
	terms map[*placement.Inventory]Terms
	ask   *Ask
}

// member is where one member of a job is.
type member struct {
	node   int
	grants []placement.DeviceAllocation
}

func newCluster(nodes []Node, policy placement.Policy, choice Choice) (*cluster, error) {
	c := &cluster{fleet: placement.NewFleet(), policy: policy, asked: map[*Ask]*question{}}
	domains := false
	for i := range nodes {
		state := newNodeState(&nodes[i])
		c.nodes = append(c.nodes, state)
		if nodes[i].Inventory == nil {
			continue
		}
		state.fleet = c.fleet.Add(nodes[i].Inventory)
		c.number = append(c.number, i)
		c.domain = append(c.domain, nodes[i].Domain)
		domains = domains || nodes[i].Domain != placement.NoValue
	}
	if !domains {
		c.domain = nil
	}
	if choice == ByOutlook {
		if err := c.startForecast(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// startForecast gives the cluster a forecast for its nodes.
func (c *cluster) startForecast() error {
	var nodes []forecast.Node
	for _, i := range c.number {
		n := c.nodes[i].Node
		nodes = append(nodes, forecast.Node{Name: n.Name, Inventory: n.Inventory})
	}
	c.forecast = forecast.NewDemandForecast()
	return c.forecast.SetNodes(nodes)
}

func (c *cluster) question(ask *Ask) *question {
	q, known := c.asked[ask]
	if !known {
		q = &question{terms: map[*placement.Inventory]Terms{}, ask: ask}
		q.Question = c.fleet.Ask(q.request, c.policy)
		c.asked[ask] = q
	}
	return q
}

func (q *question) about(inv *placement.Inventory) Terms {
	terms, known := q.terms[inv]
	if !known {
		terms = q.ask.For(inv)
		q.terms[inv] = terms
	}
	return terms
}

func (q *question) request(inv *placement.Inventory) *placement.Request { return q.about(inv).Request }

// place decides where all members of a job go, without taking anything; nil if they
// fit nowhere now.
func (c *cluster) place(j *Job) []member {
	switch {
	case !j.Ask.gpus():
		return c.placeHosts(j)
	case j.Members > 1:
		return c.placeGang(j, func(node int) bool { return c.nodes[node].open() })
	}
	node, verdict := c.best(j)
	if node < 0 {
		return nil
	}
	return []member{{node: c.number[node], grants: slices.Clone(verdict.Devices)}}
}

// best decides about one member.
func (c *cluster) best(j *Job) (int, placement.Verdict) {
	eligible := func(number int) bool {
		n := c.nodes[c.number[number]]
		return n.open() && j.Host.within(n.free)
	}
	if c.forecast == nil {
		return c.question(j.Ask).BestWhere(eligible)
	}
	return c.question(j.Ask).BestBy(eligible, func(number int, v *placement.Verdict) int64 {
		n := c.nodes[c.number[number]]
		return c.forecast.OpportunityCost(n.Name, int64(n.free.CPU), c.fleet.State(number), int64(j.Host.CPU), v.Devices)
	})
}

// placeHosts places members that take no GPU: on nodes without GPUs first, then where
// the fewest GPUs are free, so that they are in the way of as few jobs as possible.
func (c *cluster) placeHosts(j *Job) []member {
	taken := map[int]Host{}
	var members []member
	for range j.Members {
		best, bestFree := -1, 0
		for i, n := range c.nodes {
			if !n.open() || !j.Host.plus(taken[i]).within(n.free) {
				continue
			}
			free := -1
			if n.fleet >= 0 {
				free = c.fleet.State(n.fleet).FreeGPUs().Len()
			}
			if best < 0 || free < bestFree {
				best, bestFree = i, free
			}
		}
		if best < 0 {
			return nil
		}
		taken[best] = taken[best].plus(j.Host)
		members = append(members, member{node: best})
	}
	return members
}

// placeGang places all members on the nodes that are allowed.
func (c *cluster) placeGang(j *Job, allowed func(node int) bool) []member {
	q := c.question(j.Ask)
	group := &placement.Group{Domain: c.domain, Hosts: &gangHosts{cluster: c, host: j.Host, taken: map[int]Host{}, allowed: allowed}}
	if j.SameDomain {
		group.SameDomain = placement.Required
	}
	for range j.Members {
		group.Members = append(group.Members, q.request)
	}
	placed, outcome := c.fleet.PlaceGroup(group, c.policy)
	if outcome != placement.Fits {
		return nil
	}
	members := make([]member, len(placed))
	for i, m := range placed {
		members[i] = member{node: c.number[m.Node], grants: m.Grants}
	}
	return members
}

// gangHosts keeps account of CPU and memory while a gang is placed.
type gangHosts struct {
	*cluster
	host    Host
	taken   map[int]Host
	allowed func(node int) bool
}

func (g *gangHosts) Fits(_, number int) bool {
	node := g.number[number]
	return g.allowed(node) && g.host.plus(g.taken[node]).within(g.nodes[node].free)
}

func (g *gangHosts) Take(_, number int) {
	node := g.number[number]
	g.taken[node] = g.taken[node].plus(g.host)
}

func (g *gangHosts) Release(_, number int) {
	node := g.number[number]
	g.taken[node] = g.taken[node].minus(g.host)
}

// take gives a member what was decided.
func (c *cluster) take(job int, host Host, m *member) error {
	n := c.nodes[m.node]
	if !host.within(n.free) {
		return fmt.Errorf("node %s has %v free, not %v", n.Name, n.free, host)
	}
	if len(m.grants) > 0 {
		if err := c.fleet.Take(n.fleet, m.grants); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	if c.forecast != nil && len(m.grants) > 0 {
		c.forecast.ObservePod(int64(host.CPU), n.Inventory, m.grants)
	}
	n.free = n.free.minus(host)
	n.jobs = append(n.jobs, job)
	return nil
}

// release undoes take.
func (c *cluster) release(job int, host Host, m *member) {
	n := c.nodes[m.node]
	if len(m.grants) > 0 {
		c.fleet.Release(n.fleet, m.grants)
	}
	n.free = n.free.plus(host)
	n.leave(job)
}

// empty is the same cluster without jobs and with all nodes there.
func (c *cluster) empty() *cluster {
	nodes := make([]Node, len(c.nodes))
	for i, n := range c.nodes {
		nodes[i] = *n.Node
		nodes[i].Joins = 0
	}
	empty, err := newCluster(nodes, c.policy, ByPolicy)
	if err != nil {
		panic(err) // only the nodes of a forecast can be refused
	}
	return empty
}
