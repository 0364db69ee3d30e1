package scenario

import (
	"fmt"
	"math/rand/v2"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/ashlar-dev/ashlar/topology"
)

// TracedJobs are jobs of a published log, which take the place of a scenario's workloads: they
// come and run as they did, on the scenario's nodes. What GPU models they ran on is not asked for.
type TracedJobs struct {
	Log *trace.JobLog
	// From is at what time of the log the run begins.
	From Span
	// Part is which part of the jobs is taken, drawn from the seed: 1 for all.
	Part float64
}

// UsedWithin is how many jobs of the log a run until the horizon has before any are drawn.
func (t *TracedJobs) UsedWithin(horizon Span) int {
	count := 0
	for i := range t.Log.Jobs {
		if at := t.Log.Jobs[i].Submitted - simulator.Time(t.From); at >= 0 && at <= simulator.Time(horizon) {
			count++
		}
	}
	return count
}

// tracedAsk is what jobs ask for that share a template.
type tracedAsk struct{ gpus, perGPU int64 }

// requestOf is the request that a scenario would have for it.
func (a tracedAsk) requestOf() *Request {
	switch {
	case a.gpus == 0:
		return &Request{CPUOnly: true}
	case a.perGPU < int64(topology.WholeGPU):
		return &Request{Share: &Share{Part: a.perGPU}}
	}
	return &Request{GPUs: a.gpus}
}

// addTraced adds the jobs of the log.
func (b *inputBuilder) addTraced(t *TracedJobs) error {
	random := rand.New(rand.NewPCG(b.seed, 0))
	templates := map[tracedAsk]*simulator.PodTemplate{}
	for i := range t.Log.Jobs {
		j := &t.Log.Jobs[i]
		taken := random.Float64() < t.Part // drawn for each, so that another window draws the same
		at := j.Submitted - simulator.Time(t.From)
		if !taken || at < 0 || at > simulator.Time(b.Horizon) {
			continue
		}
		if len(b.jobs) >= maxJobs {
			return fmt.Errorf("more than %d jobs of the log until %s: shorten the horizon or take a part", maxJobs, simulator.Time(b.Horizon))
		}
		ask := tracedAsk{j.GPUs, j.PerGPU}
		if ask.gpus == 0 {
			ask.perGPU = 0
		}
		if templates[ask] == nil {
			templates[ask] = b.templateOf(ask.requestOf())
		}
		b.jobs = append(b.jobs, simulator.Job{
			Name: j.Name, Class: j.Class, Arrives: at, Runs: j.Ran, Members: int(j.Members), Template: templates[ask],
			Host: simulator.Host{CPU: simulator.MilliCPU(j.MilliCPU), Memory: topology.Bytes(j.Memory)},
		})
	}
	return nil
}
