package simulator

import (
	"fmt"
	"strconv"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// clusterState is the nodes of a run: the snapshot has who holds what of them, nodeState
// what only a simulation knows.
type clusterState struct {
	// nodes and the nodes of the snapshot have the same numbers.
	nodes    []*nodeState
	snapshot *cluster.Snapshot
	policy   placement.Policy
	placer   placement.Placer
	// forecast chooses between nodes, nil if the policy does that by itself.
	forecast *forecast.DemandForecast
	requests map[*PodTemplate]*jobRequestCache
}

// jobMember is where one member of a job is.
type jobMember struct {
	node    int
	devices []placement.DeviceAllocation
	// replicas are the parts of GPUs that the devices are replicas of, in the same order;
	// nil for devices that are no replicas.
	replicas []gpuPart
}

func newClusterState(nodes []Node, policy placement.Policy, choice NodeRanking) (*clusterState, error) {
	c := &clusterState{snapshot: cluster.NewSnapshot(nil), policy: policy, requests: map[*PodTemplate]*jobRequestCache{}}
	for i := range nodes {
		n := newNodeState(&nodes[i])
		c.nodes = append(c.nodes, n)
		c.snapshot.AddNode(cluster.Node{Name: n.Name, Inventory: n.Inventory, Host: n.Host, Domain: n.Domain})
		c.snapshot.SetSchedulable(i, n.isOpen())
	}
	if choice == RankByForecast {
		if err := c.startForecast(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// startForecast lets a forecast that knows the nodes choose between them.
func (c *clusterState) startForecast() error {
	var nodes []forecast.Node
	for _, n := range c.nodes {
		if n.Inventory != nil {
			nodes = append(nodes, forecast.Node{Name: n.Name, Inventory: n.Inventory})
		}
	}
	c.forecast = forecast.NewDemandForecast()
	return c.forecast.SetNodes(nodes)
}

// jobRequestCache keeps what a template asks of each make of node, and what the nodes of
// the cluster answered.
type jobRequestCache struct {
	*cluster.NodeRanking
	snapshot *cluster.Snapshot
	template *PodTemplate
	resolved map[*placement.Inventory]NodeRequest
}

// requestOf is the cache of a template, made when it is first asked for.
func (c *clusterState) requestOf(template *PodTemplate) *jobRequestCache {
	r, known := c.requests[template]
	if !known {
		r = &jobRequestCache{snapshot: c.snapshot, template: template, resolved: map[*placement.Inventory]NodeRequest{}}
		r.NodeRanking = c.snapshot.Rank(r, c.policy)
		c.requests[template] = r
	}
	return r
}

// resolveFor is what the template asks of one make of node.
func (r *jobRequestCache) resolveFor(inv *placement.Inventory) NodeRequest {
	request, known := r.resolved[inv]
	if !known {
		request = r.template.For(inv)
		r.resolved[inv] = request
	}
	return request
}

// RequestOn implements cluster.PodRequest.
func (r *jobRequestCache) RequestOn(node, preference int) *placement.Request {
	if preference > 0 {
		return nil
	}
	return r.resolveFor(r.snapshot.Node(node).Inventory).Request
}

// placeJob decides where all members of a job go, without taking anything; nil if they
// fit nowhere now.
func (c *clusterState) placeJob(j *Job) []jobMember {
	switch {
	case !j.Template.wantsGPUs():
		return membersOn(c.snapshot.PlaceHostsOnly(j.Host, j.Members))
	case j.Members > 1:
		return c.placeGang(j)
	}
	best, found := c.bestNode(j)
	if !found {
		return nil
	}
	return []jobMember{{node: best.Node, devices: best.Devices}}
}

// bestNode is where a job of one member goes.
func (c *clusterState) bestNode(j *Job) (best cluster.Decision, found bool) {
	ranking := c.requestOf(j.Template)
	if c.forecast == nil {
		return ranking.Best(j.Host, nil)
	}
	return ranking.BestPriced(j.Host, c.forecastCost(j), c.forecast.CostVersion())
}

// forecastCost is what a choice for a job takes from those to come, nil without a forecast.
func (c *clusterState) forecastCost(j *Job) cluster.ForecastCost {
	if c.forecast == nil {
		return nil
	}
	return func(node int, devices []placement.DeviceAllocation) int64 {
		free := c.snapshot.FreeHost(node)
		gpus := c.snapshot.NodeState(node).GPUs()
		return c.forecast.OpportunityCost(c.nodes[node].Name, int64(free.CPU), gpus, int64(j.Host.CPU), devices)
	}
}

// membersOn is a member without GPUs on each of the nodes.
func membersOn(nodes []int) []jobMember {
	var members []jobMember
	for _, node := range nodes {
		members = append(members, jobMember{node: node})
	}
	return members
}

// placeGang places all members of a gang.
func (c *clusterState) placeGang(j *Job) []jobMember {
	group := &cluster.Group{SameModel: cluster.Preferred} // members ask alike
	if j.SameDomain {
		group.Levels = []cluster.GroupLevel{c.snapshot.NVLinkLevel(cluster.Required)}
	}
	for range j.Members {
		group.Members = append(group.Members, cluster.GroupMember{Ranking: c.requestOf(j.Template).NodeRanking, Host: j.Host})
	}
	placed, outcome := c.snapshot.PlaceGroup(group)
	if outcome != placement.Fits {
		return nil
	}
	members := make([]jobMember, len(placed))
	for i, decision := range placed {
		members[i] = jobMember{node: decision.Node, devices: decision.Devices}
	}
	return members
}

// holderOf is a job's name as a holder in the snapshot.
func holderOf(job int) placement.HolderID { return placement.HolderID(strconv.Itoa(job)) }

// jobOf is the job that a holder is.
func jobOf(holder placement.HolderID) int {
	job, err := strconv.Atoi(string(holder))
	if err != nil {
		panic(fmt.Sprintf("holder %q is no job: only holderOf names holders here", holder))
	}
	return job
}

// allocateMember books a member of a job with what was decided for it.
func (c *clusterState) allocateMember(job int, j *Job, m *jobMember) error {
	return c.snapshot.Allocate(m.node, placement.Allocation{Holder: holderOf(job), Priority: j.Priority, Host: j.Host, Devices: m.devices})
}

// withoutJobs is the same cluster without jobs and with all nodes there.
func (c *clusterState) withoutJobs() *clusterState {
	nodes := make([]Node, len(c.nodes))
	for i, n := range c.nodes {
		nodes[i] = *n.Node
		nodes[i].Joins = 0
	}
	empty, err := newClusterState(nodes, c.policy, RankByPolicy)
	if err != nil {
		panic(err) // only the nodes of a forecast can be refused
	}
	return empty
}
