package simulator

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Input is all that a run depends on. It is not changed, so that many runs may share
// one at the same time, each with a Policy of its own.
type Input struct {
	// Nodes are sorted by name: of nodes that are equally good the first is taken.
	Nodes []Node
	// Jobs are in any order; of those that arrive together the first is tried first.
	Jobs    []Job
	Outages []Outage
	Crashes []JobCrash
	Policy  placement.Policy
	// Ranking orders the nodes that give a job the same bandwidth.
	Ranking NodeRanking
	// Horizon is when the run ends, whatever is still waiting or running; 0 for when all
	// is done.
	Horizon Time
	// Reslice is how long a job waits for a GPU whose MIG layout has to change for it.
	Reslice Time
	// Preemption says whether a job may end others of lower priority.
	Preemption Preemption
	// Defragmentation is whether and when running jobs are moved for those that wait.
	Defragmentation Defragmentation
	// Contention says how jobs on one GPU slow one another down, nil for not at all.
	Contention *GPUContention
	// SampleEvery is the time between samples, 0 for a hundredth of the horizon, and
	// SnapshotNodes of how many nodes at most their state is recorded too.
	SampleEvery   Time
	SnapshotNodes int
}

// NodeRanking is how nodes are ranked that give a job the same bandwidth.
type NodeRanking uint8

// The rankings. The scheduler's is RankByForecast.
const (
	// RankByPolicy ranks by the policy's rating, which looks at each node by itself.
	RankByPolicy NodeRanking = iota
	// RankByForecast ranks by what the pods to come lose (package forecast), whose demand
	// is learned from those that came.
	RankByForecast
)

// Preemption says whether a job may end others of lower priority.
type Preemption uint8

// The choices.
const (
	PreemptLower Preemption = iota
	PreemptNever
)

// Outage is a time when a node is not to be used.
type Outage struct {
	Node int
	At   Time
	// For is how long, 0 for ever.
	For Time
	// Drain lets what runs there go on for Grace, 0 for as long as it takes; without
	// it the node fails, and all that runs there with it.
	Drain bool
	Grace Time
}

// maxSamples bounds how often a run is sampled.
const maxSamples = 2000

func (in *Input) validateInput() error {
	switch {
	case len(in.Nodes) == 0:
		return errors.New("no nodes")
	case len(in.Nodes) > MaxNodes:
		return fmt.Errorf("%d nodes: at most %d", len(in.Nodes), MaxNodes)
	case len(in.Jobs) > MaxJobs:
		return fmt.Errorf("%d jobs: at most %d", len(in.Jobs), MaxJobs)
	case in.Policy == nil:
		return errors.New("no policy")
	case in.Horizon < 0 || in.Horizon > MaxTime || in.Reslice < 0 || in.Reslice > MaxTime || in.SampleEvery < 0:
		return fmt.Errorf("a run with Horizon %d ms, Reslice %d ms, SampleEvery %d ms: want 0 to %s each",
			int64(in.Horizon), int64(in.Reslice), int64(in.SampleEvery), MaxTime)
	case in.SampleEvery > 0 && in.Horizon/in.SampleEvery > maxSamples:
		return fmt.Errorf("a sample every %s of %s: at most %d samples", in.SampleEvery, in.Horizon, maxSamples)
	}
	if err := in.Defragmentation.validateDefragmentation(); err != nil {
		return err
	}
	if in.Contention != nil {
		if err := errors.Join(in.Contention.TimeSlicing.validateCurve(), in.Contention.MPS.validateCurve()); err != nil {
			return err
		}
	}
	for i := range in.Nodes {
		if err := in.Nodes[i].validateNode(); err != nil {
			return fmt.Errorf("node %d %s: %w", i, in.Nodes[i].Name, err)
		}
	}
	if !slices.IsSortedFunc(in.Nodes, func(a, b Node) int {
		if a.Name <= b.Name {
			return -1
		}
		return 1
	}) {
		return errors.New("nodes must be sorted by name, and names must differ")
	}
	for i := range in.Jobs {
		if err := in.Jobs[i].validateJob(); err != nil {
			return fmt.Errorf("job %d %s: %w", i, in.Jobs[i].Name, err)
		}
	}
	for i, o := range in.Outages {
		times := []Time{o.At, o.For, o.Grace}
		if o.Node < 0 || o.Node >= len(in.Nodes) || slices.Min(times) < 0 || slices.Max(times) > MaxTime {
			return fmt.Errorf("outage %d of node %d at %d ms for %d ms, grace %d ms: want nodes 0 to %d and times from 0 to %s",
				i, o.Node, int64(o.At), int64(o.For), int64(o.Grace), len(in.Nodes)-1, MaxTime)
		}
	}
	for i, c := range in.Crashes {
		if c.Job < 0 || c.Job >= len(in.Jobs) || c.At < 0 || c.At > MaxTime {
			return fmt.Errorf("crash %d of job %d at %d ms: want jobs 0 to %d and times from 0 to %s",
				i, c.Job, int64(c.At), len(in.Jobs)-1, MaxTime)
		}
	}
	return nil
}

// Watch is how somebody follows a run; either may be nil.
type Watch struct {
	// Log gets a line of JSON for each thing that happens.
	Log io.Writer
	// Progress is called now and then; an error ends the run with it.
	Progress func(now Time) error
}
