package simulator

import "fmt"

// simulationRun is one run.
type simulationRun struct {
	input   *Input
	cluster *clusterState
	// jobStates and input.Jobs have the same indexes.
	jobStates []jobState
	events    eventQueue
	queue     waitingQueue
	now       Time
	retryAt   Time // of the queueRetry that is planned, 0 for none

	// changes counts how often room was made. lastRefusal says of each job class at which
	// count it was found not to fit: until room is made it need not be tried again.
	changes     int64
	lastRefusal []int64
	tried       []int // scratch of tryAll
	// emptyCluster is the cluster without jobs, made when first needed, and unsatisfiable
	// says of the classes that were tried there whether they do not fit even there.
	emptyCluster  *clusterState
	unsatisfiable map[jobClass]bool
	// restartTakes is added to the loading of a job that is being moved.
	restartTakes Time
	// defragRefusal says of each job class at which count of changes no moves were found for it.
	defragRefusal map[int]int64
	// holding counts the loading and running jobs by priority.
	holding map[int64]int
	// placed are the jobs that hold a place.
	placed jobSet

	watch      Watch
	log        eventLog
	counters   runCounters
	sampler    stateSampler
	classNames []string // of statistics: Job.Class
}

// jobClass is what decides whether a job fits: jobs with the same one fare the same.
type jobClass struct {
	template   *PodTemplate
	host       Host
	members    int
	sameDomain bool
	priority   int64
}

func jobClassOf(j *Job) jobClass {
	return jobClass{j.Template, j.Host, j.Members, j.SameDomain, j.Priority}
}

// progressEvery is after how many events Watch.Progress is called.
const progressEvery = 512

// Run plays the input to its end.
func Run(in *Input, watch Watch) (*Result, error) {
	if err := in.validateInput(); err != nil {
		return nil, err
	}
	e, err := newEngine(in, watch)
	if err != nil {
		return nil, err
	}
	if err := e.playEvents(); err != nil {
		return nil, err
	}
	return e.buildResult(), nil
}

// newEngine plans all that is known beforehand.
func newEngine(in *Input, watch Watch) (*simulationRun, error) {
	nodes, err := newClusterState(in.Nodes, in.Policy, in.Ranking)
	if err != nil {
		return nil, err
	}
	e := &simulationRun{
		input: in, cluster: nodes, watch: watch, jobStates: make([]jobState, len(in.Jobs)),
		log: newEventLog(watch.Log), unsatisfiable: map[jobClass]bool{}, defragRefusal: map[int]int64{}, holding: map[int64]int{},
		queue: waitingQueue{all: in.Jobs}, changes: 1, classNames: classNames(in.Jobs),
	}
	numbers := map[jobClass]int{}
	for i := range in.Jobs {
		class := jobClassOf(&in.Jobs[i])
		number, known := numbers[class]
		if !known {
			number = len(numbers)
			numbers[class] = number
			e.lastRefusal = append(e.lastRefusal, 0)
		}
		e.jobStates[i].class = number
	}
	e.counters.beginCounting(nodes.nodes)
	e.sampler.beginSampling(e)
	e.events.planArrivals(in.Jobs)
	for i := range in.Nodes {
		if joins := in.Nodes[i].Joins; joins > 0 {
			e.events.pushEvent(joins, nodeUp{nodeSubject: nodeSubject{i}})
		}
	}
	for _, o := range in.Outages {
		if o.Drain {
			e.events.pushEvent(o.At, nodeDrain{nodeSubject{o.Node}, o.For, o.Grace})
		} else {
			e.events.pushEvent(o.At, nodeDown{nodeSubject{o.Node}, o.For})
		}
	}
	if every := in.Defragmentation.Every; every > 0 {
		e.events.pushEvent(every, defragDue{})
	}
	for _, c := range in.Crashes {
		e.events.pushEvent(c.At, jobCrash{jobSubject{c.Job}})
	}
	return e, nil
}

// playEvents handles one event after the other.
func (e *simulationRun) playEvents() error {
	for count := int64(1); ; count++ {
		event, found := e.events.popEvent()
		if !found || e.input.Horizon > 0 && event.At > e.input.Horizon {
			break
		}
		if count%progressEvery == 0 && e.watch.Progress != nil {
			if err := e.watch.Progress(event.At); err != nil {
				return err
			}
		}
		if e.isVoid(&event) {
			continue
		}
		e.sampler.sampleUntil(e, event.At)
		e.counters.advanceTo(event.At)
		e.now = event.At
		e.counters.events++
		if err := e.handleEvent(event.Payload); err != nil {
			return fmt.Errorf("event %d, %s: %w", event.Sequence, e.describeEvent(&event), err)
		}
	}
	end := e.now
	if e.input.Horizon > 0 {
		end = e.input.Horizon
	}
	e.sampler.sampleUntil(e, end)
	e.counters.advanceTo(end)
	e.now = end
	e.sampler.sampleLast(e)
	return e.log.flushLines()
}

// describeEvent says what and when an event is and what it is about, for errors.
func (e *simulationRun) describeEvent(event *scheduledEvent) string {
	text := fmt.Sprintf("%s at %s", event.Payload.kindName(), event.At)
	if subject := event.Payload.subjectOf(e.input); subject != "" {
		text += ", " + subject
	}
	return text
}

// isVoid reports whether an event is about what is no longer so.
func (e *simulationRun) isVoid(event *scheduledEvent) bool {
	ofEarlierPlacement := func(job int, attempt int64) bool {
		s := &e.jobStates[job]
		return !s.holdsPlace() || s.attempt != attempt
	}
	switch payload := event.Payload.(type) {
	case loadingDone:
		return ofEarlierPlacement(payload.job, payload.attempt)
	case workDone:
		return ofEarlierPlacement(payload.job, payload.attempt) || e.jobStates[payload.job].paceChanges != payload.pace
	case memoryGrowth:
		return ofEarlierPlacement(payload.job, payload.attempt)
	case jobLeaves:
		s := &e.jobStates[payload.job]
		return s.phase != queued && !s.holdsPlace()
	case containerRestart:
		return ofEarlierPlacement(payload.job, payload.attempt)
	case maxWaitOver:
		s := &e.jobStates[payload.job]
		return s.phase != queued || s.attempt > 0
	case queueRetry:
		return event.At != e.retryAt
	case nodeUp:
		return e.cluster.nodes[payload.node].outage != payload.outage
	case nodeEvict:
		return e.cluster.nodes[payload.node].outage != payload.outage
	}
	return false
}

func (e *simulationRun) handleEvent(payload eventPayload) error {
	switch event := payload.(type) {
	case jobArrival:
		return e.jobArrives(event.job)
	case loadingDone:
		return e.jobReady(event.job)
	case workDone:
		return e.jobDeparts(event.job)
	case queueRetry:
		e.retryAt = 0
		return e.tryAll()
	case containerRestart:
		return e.jobRestarts(event.job)
	case defragDue:
		return e.defragRound()
	case jobCrash:
		return e.jobCrashes(event.job)
	case memoryGrowth:
		return e.jobGrows(event.job)
	case jobLeaves:
		return e.jobIsTakenAway(event.job)
	case maxWaitOver:
		e.failJob(event.job, GaveUp)
		return nil
	case nodeUp:
		return e.nodeJoins(event.node)
	case nodeDown:
		return e.nodeFails(event)
	case nodeDrain:
		return e.nodeDrains(event)
	case nodeEvict:
		return e.evictAll(event.node)
	}
	return fmt.Errorf("no handler for event kind %s", payload.kindName())
}
