package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// inputBuilder makes an Input of a scenario.
type inputBuilder struct {
	*Scenario
	catalogue *catalogue.Catalogue
	seed      uint64
	sharing   Sharing
	// pools are the makes of nodes, with how many nodes of each.
	pools []nodeKind
	fits  map[fitKey]serverFit
	nodes []simulator.Node
	jobs  []simulator.Job
}

// nodeKind is one pool's.
type nodeKind struct {
	inventory *placement.Inventory // nil without GPUs
	count     int64
}

// Build draws the jobs and puts the cluster together. The same scenario and seed draw
// the same jobs, whatever the policy and sharing, so that runs compare pair by pair.
//
// The Input shares nothing with others that is written to, but is for one run at a
// time: its PodTemplates cache the requests that they made.
func (s *Scenario) Build(c *catalogue.Catalogue, seed int64) (*simulator.Input, error) {
	return s.BuildTraced(c, seed, nil)
}

// BuildTraced is Build with jobs of a log in place of the workloads, unless that is nil.
func (s *Scenario) BuildTraced(c *catalogue.Catalogue, seed int64, traced *TracedJobs) (*simulator.Input, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	b := &inputBuilder{Scenario: s, catalogue: c, seed: uint64(seed), sharing: s.Sharing, fits: map[fitKey]serverFit{}}
	if b.sharing == "" {
		b.sharing = ByRequest
	}
	demand := placement.PriorDemand()
	if s.Demand == demandWorkload && traced == nil {
		demand = b.expectedDemand()
	}
	if err := b.checkNames(); err != nil {
		return nil, err
	}
	if err := b.addNodes(demand); err != nil {
		return nil, err
	}
	if traced != nil {
		if err := b.addTraced(traced); err != nil {
			return nil, err
		}
	} else {
		for i := range s.Workloads {
			if err := b.addJobs(i); err != nil {
				return nil, err
			}
		}
	}
	chosen, err := placement.PolicyNamed(s.PolicyName(), demand, b.seed)
	if err != nil {
		return nil, fieldErrorf("policy", "%v", err)
	}
	in := &simulator.Input{
		Contention: s.SlowDown.buildInput(),
		Nodes:      b.nodes,
		Jobs:       b.jobs,
		Policy:     chosen,
		Ranking:    rankingOf(chosen),
		Horizon:    simulator.Time(s.Horizon),
		Reslice:    simulator.Time(s.Reslice),

		Defragmentation: s.Defragmentation.buildInput(),
		SampleEvery:     simulator.Time(s.Sample),
	}
	if s.Preemption == preemptNever {
		in.Preemption = simulator.PreemptNever
	}
	var noNode, noJob error
	in.Outages, noNode = b.makeOutages()
	in.Crashes, noJob = b.makeCrashes()
	if err := errors.Join(noNode, noJob); err != nil {
		return nil, err
	}
	return in, nil
}

// PolicyName is how placements are ranked, also where it is not stated. Of replicas nobody
// but the device plugin chooses, which takes the GPU with the fewest holders
// (github.com/NVIDIA/k8s-device-plugin, internal/rm/allocate.go, distributedAlloc).
func (s *Scenario) PolicyName() string {
	switch {
	case s.Policy != "":
		return s.Policy
	case s.Sharing.replicaTerms().replicas > 0:
		return placement.Spread{}.Name()
	}
	return placement.KeepPlaceable{}.Name()
}

// checkNames checks everything that names things of the catalogue.
func (b *inputBuilder) checkNames() error {
	var problems []error
	for i := range b.Nodes {
		_, err := b.Nodes[i].hardwareOf(fmt.Sprintf("nodes[%d]", i), b.catalogue)
		problems = append(problems, err)
	}
	for i := range b.Workloads {
		w := &b.Workloads[i]
		for k := range w.Requests {
			problems = append(problems, w.Requests[k].checkNames(fmt.Sprintf("workloads[%d].requests[%d]", i, k), b.catalogue))
		}
	}
	if errors.Join(problems...) == nil {
		problems = append(problems, b.checkSharings())
	}
	return errors.Join(problems...)
}

func (b *inputBuilder) addNodes(demand placement.Demand) error {
	domain := int64(-1)
	for i := range b.Nodes {
		pool, path := &b.Nodes[i], fmt.Sprintf("nodes[%d]", i)
		node, err := pool.hardwareOf(path, b.catalogue)
		if err != nil {
			return err
		}
		var inv *placement.Inventory
		if node != nil {
			if inv, err = inventoryOf(node, b.catalogue, demand); err != nil {
				return fieldErrorf(path, "%v", err)
			}
		}
		b.pools = append(b.pools, nodeKind{inv, pool.nodeCount()})
		sharing, shared, err := b.shareGPUs(inv, demand)
		if err != nil {
			return fieldErrorf(path, "%v", err)
		}
		b.nodes = append(b.nodes, pool.makeNodes(shared, sharing, pool.gpuPrice(node, b.catalogue), &domain)...)
	}
	slices.SortFunc(b.nodes, func(a, c simulator.Node) int { return cmp.Compare(a.Name, c.Name) })
	for i := 1; i < len(b.nodes); i++ {
		if b.nodes[i].Name == b.nodes[i-1].Name {
			return fieldErrorf("nodes", "two nodes are called %s: rename a pool", b.nodes[i].Name)
		}
	}
	return nil
}

// addJobs draws the jobs of a workload. Each workload has a stream of random numbers of
// its own, so that a change to one does not change the others.
func (b *inputBuilder) addJobs(index int) error {
	w, path := &b.Workloads[index], fmt.Sprintf("workloads[%d]", index)
	random := rand.New(rand.NewPCG(b.seed, uint64(index)))
	asks, sum := b.templatesOf(w), 0.0
	cumulative := []float64{}
	for i := range w.Requests {
		sum += w.Requests[i].weightOrOne()
		cumulative = append(cumulative, sum)
	}
	if w.Autoscale != nil {
		return b.addReplicas(w, path, random, asks, cumulative)
	}
	next, err := b.arrivalTimes(w, path, random)
	if err != nil {
		return err
	}
	horizon := simulator.Time(b.Horizon)
	for count := int64(0); w.Arrivals.Count == 0 || count < w.Arrivals.Count; count++ {
		at, more := next()
		if !more || at > horizon {
			break
		}
		if len(b.jobs) >= maxJobs {
			return fieldErrorf(path+".arrivals", "makes more than %d jobs until %s: shorten the horizon or bound them with count", maxJobs, horizon)
		}
		request := drawRequest(random, cumulative)
		runs := w.Duration.quantileAt(random.Float64(), horizon)
		if w.Duration.UntilEnd {
			runs = float64(simulator.MaxTime)
		}
		job := b.jobOf(w, &w.Requests[request], asks[request], count)
		job.Arrives, job.Runs = at, simulator.Time(math.Round(runs))
		b.jobs = append(b.jobs, job)
	}
	return nil
}

// drawRequest draws one of the requests by their weights, which are summed up.
func drawRequest(random *rand.Rand, cumulative []float64) int {
	last := len(cumulative) - 1
	draw := random.Float64() * cumulative[last]
	request := 0
	for request < last && draw >= cumulative[request] {
		request++
	}
	return request
}

// jobOf is job number count of a workload, without its times.
func (b *inputBuilder) jobOf(w *Workload, r *Request, template *simulator.PodTemplate, count int64) simulator.Job {
	job := simulator.Job{
		Name:       fmt.Sprintf("%s-%d", w.Name, count),
		Class:      w.Name,
		Priority:   w.Priority,
		Loads:      b.loadingOf(w, r),
		Members:    int(max(1, w.Members)),
		SameDomain: w.SameDomain == sameDomainRequired,
		Host:       r.hostOf(w),
		Template:   template,
		MaxWait:    simulator.Time(w.MaxWait),
		Checkpoint: simulator.Time(w.Checkpoint),
	}
	if b.SlowDown != nil {
		job.Busy = int64(math.Round(w.Busy * 1000))
	}
	if r.Grows != nil {
		job.Growth = simulator.MemoryGrowth{To: topology.Bytes(r.Grows.To), Over: simulator.Time(r.Grows.Over)}
	}
	return job
}

// addReplicas adds the replicas that an autoscaler wants.
func (b *inputBuilder) addReplicas(
	w *Workload, path string, random *rand.Rand, templates []*simulator.PodTemplate, cumulative []float64,
) error {
	lives := w.Autoscale.replicaLives(simulator.Time(b.Horizon))
	if len(b.jobs)+len(lives) > maxJobs {
		return fieldErrorf(path+".autoscale", "makes more than %d replicas until %s: shorten the horizon", maxJobs, simulator.Time(b.Horizon))
	}
	for i, life := range lives {
		request := drawRequest(random, cumulative)
		job := b.jobOf(w, &w.Requests[request], templates[request], int64(i))
		job.Arrives, job.Leaves, job.Runs = life.from, life.until, simulator.MaxTime
		b.jobs = append(b.jobs, job)
	}
	return nil
}

func (r *Request) hostOf(w *Workload) simulator.Host {
	host := simulator.Host{CPU: simulator.MilliCPU(w.CPU), Memory: topology.Bytes(w.Memory)}
	if r.CPU > 0 {
		host.CPU = simulator.MilliCPU(r.CPU)
	}
	if r.Memory > 0 {
		host.Memory = topology.Bytes(r.Memory)
	}
	return host
}

func (b *inputBuilder) templatesOf(w *Workload) []*simulator.PodTemplate {
	var asks []*simulator.PodTemplate
	for i := range w.Requests {
		asks = append(asks, b.templateOf(&w.Requests[i]))
	}
	return asks
}

// rankingOf is the scheduler's choice between nodes for its own policy. Others are
// compared with it as they are.
func rankingOf(policy placement.Policy) simulator.NodeRanking {
	if _, own := policy.(placement.KeepPlaceable); own {
		return simulator.RankByForecast
	}
	return simulator.RankByPolicy
}
