package simulator

import (
	"maps"
	"slices"
)

// Result is what became of a run. Its JSON form is stable.
type Result struct {
	Policy string `json:"policy"`
	// End is when the run ended, Events how many events it took.
	End    Time  `json:"endMs"`
	Events int64 `json:"events"`

	Jobs JobCounts `json:"jobs"`
	// All, Classes and Priorities are the same figures over all jobs, by class in order
	// of their names, and by priority, the highest first.
	All        ClassResult      `json:"all"`
	Classes    []ClassResult    `json:"classes"`
	Priorities []PriorityResult `json:"priorities"`
	// Requests are jobs and waits by what is asked for (PodTemplate.Name), in order of these names.
	Requests []ClassResult `json:"requests,omitempty"`

	// Utilisation is the part of GPU time that was allocated, Served the part in which
	// work was done that was not lost, both from 0 to 1.
	Utilisation float64 `json:"utilisation"`
	Served      float64 `json:"served"`
	// StrandedBytes and Fragmentation are means over the samples; see Sample.
	StrandedBytes int64   `json:"strandedBytes"`
	Fragmentation float64 `json:"fragmentation"`

	Preemptions int64 `json:"preemptions"`
	// Moves are jobs that were moved so that others fitted.
	Moves     int64 `json:"moves,omitempty"`
	Evictions int64 `json:"evictions"`
	// LostGPUHours is work that was done and had to be done again.
	LostGPUHours float64 `json:"lostGPUHours"`
	OutOfMemory  int64   `json:"outOfMemory"`
	// Crashes is how often a job had a fatal GPU error of its own, CrashedWith how often one
	// was ended by that of another client of the same MPS server.
	Crashes     int64 `json:"crashes"`
	CrashedWith int64 `json:"crashedWith"`
	Reslices    int64 `json:"reslices"`

	// GPUs are those of the cluster at its end; Used of which anything was held, on
	// average and at most. Dollars are of those per hour, 0 where no price is known.
	GPUs               int64   `json:"gpus"`
	UsedGPUs           float64 `json:"usedGPUs"`
	UsedGPUsPeak       int64   `json:"usedGPUsPeak"`
	DollarsPerHour     float64 `json:"dollarsPerHour"`
	UsedDollarsPerHour float64 `json:"usedDollarsPerHour"`
	UsedDollarsPeak    float64 `json:"usedDollarsPerHourPeak"`

	Samples []Sample `json:"samples,omitempty"`
	// Nodes describes the nodes of the snapshots, in order.
	Nodes     []NodeResult    `json:"nodes,omitempty"`
	Snapshots []StateSnapshot `json:"frames,omitempty"`
}

// JobCounts is how many jobs are in which state at the end. Waiting, Loading and
// Running are those that the end of the run cut off.
type JobCounts struct {
	Arrived  int64 `json:"arrived"`
	Finished int64 `json:"finished"`
	Running  int64 `json:"running"`
	Waiting  int64 `json:"waiting"`
	Failed   int64 `json:"failed"`
	// Failures is Failed by reason.
	Failures map[FailureReason]int64 `json:"failures,omitempty"`
}

// ClassResult is what became of the jobs of one class.
type ClassResult struct {
	Name string    `json:"name,omitempty"`
	Jobs JobCounts `json:"jobs"`
	// Waits is the time from arrival to the first placement. Jobs that still wait count
	// with the time that they have waited.
	Waits Distribution `json:"waitMs"`
	// Bandwidth is the part, from 0 to 1, of the best bandwidth between GPUs that a free
	// node would have given, on average over the jobs on several GPUs of a node;
	// Measured is how many those were.
	Bandwidth float64 `json:"bandwidth,omitempty"`
	Measured  int64   `json:"bandwidthJobs,omitempty"`
	// SlowDown is how many times as long work took as it would have alone on its GPUs, over
	// all jobs; SlowDownMost at the worst moment of a job. Both are 0 where Input has no Contention.
	SlowDown     float64 `json:"slowDown,omitempty"`
	SlowDownMost float64 `json:"slowDownMost,omitempty"`
	// Starts is the time from arrival until the job was first ready: its wait and its loading.
	Starts Distribution `json:"startMs"`
}

// setSlowDown fills in how much longer work took.
func (c *ClassResult) setSlowDown(tallies ...*paceTally) {
	var all paceTally
	for _, t := range tallies {
		all.ran, all.worked, all.most = all.ran+t.ran, all.worked+t.worked, max(all.most, t.most)
	}
	if all.worked > 0 {
		c.SlowDown, c.SlowDownMost = all.ran/all.worked, float64(all.most)/alone
	}
}

// PriorityResult is ClassResult for one priority.
type PriorityResult struct {
	Priority int64        `json:"priority"`
	Jobs     JobCounts    `json:"jobs"`
	Waits    Distribution `json:"waitMs"`
}

// NodeResult describes a node.
type NodeResult struct {
	Name string `json:"name"`
	// Models are its GPUs' catalogue names, MemorySlices how many memory slices MIG
	// divides each into, 0 for one that hands out no MIG instances.
	Models       []string `json:"models,omitempty"`
	MemorySlices []int64  `json:"memorySlices,omitempty"`
	Domain       int64    `json:"domain"`
}

// Distribution sums up times.
type Distribution struct {
	Count int64 `json:"count"`
	Mean  Time  `json:"mean"`
	P50   Time  `json:"p50"`
	P90   Time  `json:"p90"`
	P99   Time  `json:"p99"`
	Max   Time  `json:"max"`
}

// distributionOf sums up times, which it sorts. Percentiles are the smallest value that
// at least so many percent do not exceed.
func distributionOf(times []Time) Distribution {
	if len(times) == 0 {
		return Distribution{}
	}
	slices.Sort(times)
	sum := 0.0
	for _, t := range times {
		sum += float64(t)
	}
	at := func(percent int) Time { return times[max(0, (len(times)*percent+99)/100-1)] }
	return Distribution{
		Count: int64(len(times)), Mean: Time(sum / float64(len(times))),
		P50: at(50), P90: at(90), P99: at(99), Max: times[len(times)-1],
	}
}

// jobTally collects the jobs of one class or priority.
type jobTally struct {
	counts        JobCounts
	waits, starts []Time
}

func (t *jobTally) addJob(s *jobState, now Time) {
	if s.phase == absent {
		return
	}
	c := &t.counts
	c.Arrived++
	switch s.phase {
	case finished:
		c.Finished++
	case queued:
		c.Waiting++
	case failed:
		c.Failed++
		if c.Failures == nil {
			c.Failures = map[FailureReason]int64{}
		}
		c.Failures[s.failure]++
	default:
		c.Running++
	}
	if s.everReady >= 0 {
		t.starts = append(t.starts, s.everReady-s.arrived)
	}
	switch {
	case s.firstPlaced >= 0:
		t.waits = append(t.waits, s.firstPlaced-s.arrived)
	case s.phase == queued:
		t.waits = append(t.waits, now-s.arrived)
	case s.failure == GaveUp:
		t.waits = append(t.waits, s.waited)
	}
}

// classNames lists the classes of all jobs, sorted.
func classNames(jobs []Job) []string {
	seen := map[string]bool{}
	var names []string
	for i := range jobs {
		if name := jobs[i].Class; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// classOf is the index of a job's class in Result.Classes.
func (e *simulationRun) classOf(job int) int {
	i, _ := slices.BinarySearch(e.classNames, e.input.Jobs[job].Class)
	return i
}

func (e *simulationRun) buildResult() *Result {
	m := &e.counters
	for i := range e.jobStates {
		e.settleWork(i)
	}
	var all jobTally
	classes := make([]jobTally, len(e.classNames))
	priorities, requests := map[int64]*jobTally{}, map[string]*jobTally{}
	var levels []int64
	for i := range e.jobStates {
		s, j := &e.jobStates[i], &e.input.Jobs[i]
		all.addJob(s, e.now)
		classes[e.classOf(i)].addJob(s, e.now)
		if priorities[j.Priority] == nil {
			priorities[j.Priority] = &jobTally{}
			levels = append(levels, j.Priority)
		}
		priorities[j.Priority].addJob(s, e.now)
		if requests[j.Template.Name] == nil {
			requests[j.Template.Name] = &jobTally{}
		}
		requests[j.Template.Name].addJob(s, e.now)
	}
	r := &Result{
		Policy: e.input.Policy.Name(), End: e.now, Events: m.events, Jobs: all.counts,
		All:         ClassResult{Jobs: all.counts, Waits: distributionOf(all.waits), Starts: distributionOf(all.starts)},
		Preemptions: m.preemptions, Moves: m.moves, Evictions: m.evictions, OutOfMemory: m.outOfMemory, Reslices: m.reslices,
		Crashes: m.crashes, CrashedWith: m.crashedWith,
		LostGPUHours: float64(m.lost) / 1000 / float64(Hour),
		GPUs:         m.up, UsedGPUsPeak: m.usedPeak, UsedDollarsPeak: float64(m.usedPricePeak) / 1e6,
		Samples: e.sampler.samples, Snapshots: e.sampler.snapshots,
	}
	sum, count := 0.0, int64(0)
	var paces []*paceTally
	for i := range classes {
		name := e.classNames[i]
		class := ClassResult{Name: name, Jobs: classes[i].counts, Waits: distributionOf(classes[i].waits), Measured: m.bandwidthCount[name]}
		class.Starts = distributionOf(classes[i].starts)
		if tally := m.paces[name]; tally != nil {
			class.setSlowDown(tally)
			paces = append(paces, tally)
		}
		if class.Measured > 0 {
			class.Bandwidth = m.bandwidthSum[name] / float64(class.Measured)
			sum += m.bandwidthSum[name]
			count += class.Measured
		}
		r.Classes = append(r.Classes, class)
	}
	if count > 0 {
		r.All.Bandwidth, r.All.Measured = sum/float64(count), count
	}
	r.All.setSlowDown(paces...)
	slices.SortFunc(levels, func(a, b int64) int { return signOf(b - a) })
	for _, level := range levels {
		r.Priorities = append(r.Priorities, PriorityResult{level, priorities[level].counts, distributionOf(priorities[level].waits)})
	}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		r.Requests = append(r.Requests, ClassResult{Name: name, Jobs: requests[name].counts, Waits: distributionOf(requests[name].waits)})
	}
	r.overTime(m, e.servedWork())
	for i := range min(e.input.SnapshotNodes, len(e.cluster.nodes)) {
		node := NodeResult{Name: e.cluster.nodes[i].Name, Domain: e.cluster.nodes[i].Domain}
		for gpu := range e.cluster.nodes[i].gpuCount() {
			inv := e.cluster.nodes[i].Inventory
			node.Models = append(node.Models, inv.Node.GPUs[gpu].Model.Name)
			node.MemorySlices = append(node.MemorySlices, inv.MemorySlices(gpu))
		}
		r.Nodes = append(r.Nodes, node)
	}
	return r
}

// servedWork is the work done so far that was not lost, with that of jobs that still run.
func (e *simulationRun) servedWork() int64 {
	served := e.counters.served
	for i := range e.jobStates {
		if s := &e.jobStates[i]; s.phase == running {
			served += int64(s.workSoFar(e.now)) * s.milliGPUs
		}
	}
	return served
}

// overTime fills in the means over time.
func (r *Result) overTime(m *runCounters, served int64) {
	if m.upSum > 0 {
		r.Utilisation = float64(m.allocatedSum) / 1000 / float64(m.upSum)
		r.Served = float64(served) / 1000 / float64(m.upSum)
	}
	if m.now > 0 {
		span := float64(m.now)
		r.UsedGPUs = float64(m.usedSum) / span
		r.DollarsPerHour = m.upPriceSum / span / 1e6
		r.UsedDollarsPerHour = m.usedPriceSum / span / 1e6
	}
	if len(r.Samples) > 0 {
		stranded, fragmentation := 0.0, 0.0
		for i := range r.Samples {
			stranded += float64(r.Samples[i].StrandedBytes)
			fragmentation += r.Samples[i].Fragmentation
		}
		count := float64(len(r.Samples))
		r.StrandedBytes, r.Fragmentation = int64(stranded/count), fragmentation/count
	}
}
