package replay

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Options say how a trace is replayed.
type Options struct {
	// Window is how much of the trace is replayed, its end; or how long arrivals are
	// drawn for.
	Window simulator.Time
	// Load draws arrivals by a Poisson process, such that they ask for so much of the GPU
	// time that there is, each a pod of the trace; 0 for the trace's own arrivals.
	Load float64
	Seed int64
	// Policy is by its name.
	Policy string
}

// maxLoad is how much more may be asked for than there is.
const maxLoad = 100

// maxJobs bounds how many arrivals are drawn.
const maxJobs = 1_000_000

// The priorities of pods: those of best effort (BE) come last.
const (
	bestEffortPriority = 0
	servicePriority    = 10
)

// Input is the replay of pods on nodes.
func Input(pods []trace.Pod, nodes []trace.Node, o Options) (*simulator.Input, error) {
	switch {
	case o.Window <= 0 || o.Window > simulator.MaxTime:
		return nil, fmt.Errorf("a window of %s: want more than 0 and up to %s", o.Window, simulator.MaxTime)
	case math.IsNaN(o.Load) || o.Load < 0 || o.Load > maxLoad:
		return nil, fmt.Errorf("load %v: want 0 to %d", o.Load, maxLoad)
	case len(pods) == 0:
		return nil, errors.New("no pods")
	}
	b := jobBuilder{templates: map[string]*simulator.PodTemplate{}, median: medianRun(pods)}
	demand := placement.PriorDemand()
	chosen, err := placement.PolicyNamed(o.Policy, demand, uint64(o.Seed))
	if err != nil {
		return nil, err
	}
	in := &simulator.Input{Policy: chosen, Horizon: o.Window, Preemption: simulator.PreemptNever}
	if in.Nodes, err = simulatedNodes(nodes, demand); err != nil {
		return nil, err
	}
	if o.Load == 0 {
		in.Jobs = b.tracedJobs(pods, o.Window)
		return in, nil
	}
	in.Jobs, err = b.drawnJobs(pods, in.Nodes, o)
	return in, err
}

// jobBuilder makes jobs of pods.
type jobBuilder struct {
	templates map[string]*simulator.PodTemplate // by what is asked
	median    simulator.Time                    // of the run times
}

// tracedJobs are the pods of the end of the trace, at their own times.
func (b *jobBuilder) tracedJobs(pods []trace.Pod, window simulator.Time) []simulator.Job {
	last := simulator.Time(0)
	for i := range pods {
		last = max(last, pods[i].Created)
	}
	start := max(0, last-window)
	var jobs []simulator.Job
	for i := range pods {
		if pods[i].Created >= start {
			job := b.jobOf(&pods[i])
			job.Arrives = pods[i].Created - start
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// drawnJobs are pods drawn from the trace, at times drawn for a load.
func (b *jobBuilder) drawnJobs(pods []trace.Pod, nodes []simulator.Node, o Options) ([]simulator.Job, error) {
	capacity, work := 0.0, 0.0
	for i := range nodes {
		if nodes[i].Inventory != nil {
			capacity += float64(len(nodes[i].Inventory.Node.GPUs))
		}
	}
	for i := range pods {
		p := &pods[i]
		work += float64(p.GPUs) * float64(p.PerGPU) / 1000 * float64(b.runTime(p, o.Window))
	}
	if capacity == 0 || work == 0 {
		return nil, errors.New("a load is of GPU time: there are no GPUs, or no pods that ask for one")
	}
	between := work / float64(len(pods)) / (o.Load * capacity)
	random := rand.New(rand.NewPCG(uint64(o.Seed), 0))
	var jobs []simulator.Job
	for at := 0.0; ; {
		if at += random.ExpFloat64() * between; at > float64(o.Window) {
			return jobs, nil
		}
		if len(jobs) == maxJobs {
			return nil, fmt.Errorf("more than %d arrivals: shorten the window or lower the load", maxJobs)
		}
		pod := &pods[random.IntN(len(pods))]
		job := b.jobOf(pod)
		job.Name = fmt.Sprintf("%s-%d", pod.Name, len(jobs))
		job.Arrives, job.Runs = simulator.Time(at), b.runTime(pod, o.Window)
		jobs = append(jobs, job)
	}
}

// runTime is for how long a pod runs in a window: what is longer than twice that is cut,
// since it cannot be seen to end anyway.
func (b *jobBuilder) runTime(p *trace.Pod, window simulator.Time) simulator.Time {
	if p.Ran < 0 {
		return b.median
	}
	return min(p.Ran, 2*window)
}

// jobOf is a pod as a job that arrives at once.
func (b *jobBuilder) jobOf(p *trace.Pod) simulator.Job {
	job := simulator.Job{
		Name: p.Name, Class: p.QoS, Members: 1, Host: p.Host, Runs: p.Ran,
		Priority: servicePriority, Template: b.templateOf(p),
	}
	if p.QoS == "BE" {
		job.Priority = bestEffortPriority
	}
	if p.Ran < 0 {
		job.Runs, job.MaxWait = b.median, max(1, p.Waited)
	}
	return job
}

func medianRun(pods []trace.Pod) simulator.Time {
	var runs []simulator.Time
	for i := range pods {
		if pods[i].Ran >= 0 {
			runs = append(runs, pods[i].Ran)
		}
	}
	if len(runs) == 0 {
		return simulator.Minute
	}
	slices.Sort(runs)
	return runs[len(runs)/2]
}

// templateOf is what the pod asks of GPUs; pods that ask the same share it.
func (b *jobBuilder) templateOf(p *trace.Pod) *simulator.PodTemplate {
	key := fmt.Sprintf("%d GPUs %s", p.GPUs, p.Models)
	if p.PerGPU < topology.WholeGPU {
		key = fmt.Sprintf("share %dm %s", p.PerGPU, p.Models)
	}
	if p.GPUs == 0 {
		key = "CPU only"
	}
	key = strings.TrimSpace(key)
	if b.templates[key] == nil {
		template := &simulator.PodTemplate{Name: key}
		if p.GPUs > 0 {
			gpus, perGPU := int(p.GPUs), p.PerGPU
			var models []string // none for any
			if p.Models != "" {
				models = strings.Split(p.Models, forecast.ModelSeparator)
			}
			template.For = func(inv *placement.Inventory) simulator.NodeRequest { return requestOn(inv, gpus, perGPU, models) }
		}
		b.templates[key] = template
	}
	return b.templates[key]
}

// requestOn asks for GPUs, or a part of one, on nodes of one make.
func requestOn(inv *placement.Inventory, gpus int, perGPU topology.MilliGPU, models []string) simulator.NodeRequest {
	want := placement.DeviceSelector{Forms: []placement.Form{placement.Whole}, Models: models}
	part := placement.Part{Name: "gpu", Count: gpus}
	if perGPU < topology.WholeGPU {
		want.Forms[0] = placement.Share
		part.Compute, part.Bytes = perGPU, inv.Node.GPUs[0].Model.Usable()/1000*topology.Bytes(perGPU)
	}
	part.Accepts = want.AcceptedDevices(inv)
	return simulator.NodeRequest{Request: &placement.Request{Parts: []placement.Part{part}}}
}

// noTables says that no GPU of the trace is sliced.
func noTables(node *topology.Node) []*mig.Table { return make([]*mig.Table, len(node.GPUs)) }
