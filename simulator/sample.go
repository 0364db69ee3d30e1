package simulator

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Sample is the cluster at one moment.
type Sample struct {
	At Time `json:"t"`
	// Waiting and Running are jobs; Running includes those that are still loading.
	Waiting int64 `json:"waiting"`
	Running int64 `json:"running"`
	// GPUs are those that are there, Used those of which anything is held, Allocated what
	// is held in thousandths of a GPU.
	GPUs      int64 `json:"gpus"`
	Used      int64 `json:"used"`
	Allocated int64 `json:"allocatedMilli"`
	// FreeBytes is the GPU memory that nobody holds, StrandedBytes that of it on nodes
	// where no kind of request of the run fits.
	FreeBytes     int64 `json:"freeBytes"`
	StrandedBytes int64 `json:"strandedBytes"`
	// Fragmentation is the part of the free memory, from 0 to 1, on nodes where a request
	// drawn from the run's arrivals does not fit.
	Fragmentation float64 `json:"fragmentation"`
	// MicroDollars is the price per hour of the GPUs in use.
	MicroDollars int64 `json:"microDollarsPerHour"`
}

// stateSampler takes samples and snapshots of the state.
type stateSampler struct {
	every, next Time
	templates   []templateWeight
	samples     []Sample
	snapshots   []StateSnapshot
	last        []string // of each node, in the latest snapshot
}

// templateWeight is a kind of request with how often it arrives.
type templateWeight struct {
	template *PodTemplate
	host     Host
	weight   int64
}

// maxKinds bounds the kinds of requests that fragmentation looks at, the most frequent
// ones first; a sample tries each on every node.
const maxKinds = 64

func (s *stateSampler) beginSampling(e *simulationRun) {
	s.every = e.input.SampleEvery
	if s.every == 0 {
		s.every = max(1, e.input.Horizon/100)
	}
	if e.input.Horizon == 0 && e.input.SampleEvery == 0 {
		s.every = 0
		return
	}
	weights := map[templateWeight]int64{}
	var kinds []templateWeight
	for i := range e.input.Jobs {
		j := &e.input.Jobs[i]
		if !j.Template.wantsGPUs() {
			continue
		}
		key := templateWeight{template: j.Template, host: j.Host}
		if weights[key] == 0 {
			kinds = append(kinds, key)
		}
		weights[key] += int64(j.Members)
	}
	for i := range kinds {
		kinds[i].weight = weights[templateWeight{template: kinds[i].template, host: kinds[i].host}]
	}
	slices.SortStableFunc(kinds, func(a, b templateWeight) int { return cmp.Compare(b.weight, a.weight) })
	s.templates = kinds[:min(len(kinds), maxKinds)]
}

// sampleUntil takes the samples that are due before a time.
func (s *stateSampler) sampleUntil(e *simulationRun, t Time) {
	for s.every > 0 && s.next < t && len(s.samples) <= maxSamples {
		s.takeSample(e, s.next)
		s.next += s.every
	}
}

// sampleLast takes the last sample.
func (s *stateSampler) sampleLast(e *simulationRun) {
	if s.every > 0 {
		s.takeSample(e, e.now)
	}
}

func (s *stateSampler) takeSample(e *simulationRun, at Time) {
	sample := Sample{
		At: at, Waiting: int64(len(e.queue.jobs)), GPUs: e.counters.up, Used: e.counters.used,
		Allocated: e.counters.allocated, MicroDollars: e.counters.usedPrice,
	}
	for _, count := range e.holding {
		sample.Running += int64(count)
	}
	var misfit, weights float64
	for _, kind := range s.templates {
		weights += float64(kind.weight)
	}
	for i, n := range e.cluster.nodes {
		if n.Inventory == nil || !n.up {
			continue
		}
		free := e.freeBytes(i)
		if free == 0 {
			continue
		}
		sample.FreeBytes += int64(free)
		stranded := true
		for _, kind := range s.templates {
			if n.isOpen() && kind.host.Within(e.cluster.snapshot.FreeHost(i)) && e.cluster.requestOf(kind.template).FitsOn(i) {
				stranded = false
			} else {
				misfit += float64(free) * float64(kind.weight) / weights
			}
		}
		if stranded {
			sample.StrandedBytes += int64(free)
		}
	}
	if sample.FreeBytes > 0 {
		sample.Fragmentation = misfit / float64(sample.FreeBytes)
	}
	s.samples = append(s.samples, sample)
	s.recordState(e, at)
}

// freeBytes is the GPU memory of a node that nobody holds. Where compute is handed out
// too, no more of a GPU is free than its compute.
func (e *simulationRun) freeBytes(node int) topology.Bytes {
	n, state := e.cluster.nodes[node], e.cluster.snapshot.NodeState(node).GPUs()
	view := placement.View{Inventory: n.Inventory, GPUs: state, Free: state.FreeGPUs()}
	free := topology.Bytes(0)
	for gpu := range state {
		left := topology.Bytes(view.GPULeftover(gpu)) * topology.MiB
		perMilli := n.Inventory.Node.GPUs[gpu].Model.Usable() / topology.Bytes(topology.WholeGPU)
		compute := perMilli * topology.Bytes(topology.WholeGPU-state[gpu].Compute)
		free += min(left, compute+topology.MiB)
	}
	return free
}
