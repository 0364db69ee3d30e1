package simulator

import (
	"errors"
	"fmt"
)

// engine is one run.
type engine struct {
	*Input
	*clusterState
	agenda  agenda
	queue   waiting
	jobs    []jobState
	now     Time
	watch   Watch
	log     journal
	meter   meter
	retryAt Time // of the Retry that is planned, 0 for none
	// changes counts how often room was made. refused says of each demand at which count
	// it was found not to fit: until room is made it need not be tried again.
	changes int64
	refused []int64
	tried   []int
	// vacant is the cluster without jobs, and never the demands that do not fit even
	// there; true if so.
	vacant *clusterState
	never  map[demand]bool
	// holding has the running and loading jobs, by priority below which there are some.
	holding map[int64]int
	sampler sampler
	classes []string
}

// demand is what decides whether a job fits: jobs with the same one fare the same.
type demand struct {
	ask        *Ask
	host       Host
	members    int
	sameDomain bool
	priority   int64
}

func demandOf(j *Job) demand {
	return demand{j.Ask, j.Host, j.Members, j.SameDomain, j.Priority}
}

// progressEvery is after how many events Watch.Progress is called.
const progressEvery = 512

// Run plays the input to its end.
func Run(in *Input, watch Watch) (*Result, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	e, err := newEngine(in, watch)
	if err != nil {
		return nil, err
	}
	if err := e.play(); err != nil {
		return nil, err
	}
	return e.result(), nil
}

// newEngine plans all that is known beforehand.
func newEngine(in *Input, watch Watch) (*engine, error) {
	nodes, err := newClusterState(in.Nodes, in.Policy, in.Choice)
	if err != nil {
		return nil, err
	}
	e := &engine{
		Input: in, clusterState: nodes, watch: watch, jobs: make([]jobState, len(in.Jobs)),
		log: newJournal(watch.Log), never: map[demand]bool{}, holding: map[int64]int{},
		queue: waiting{all: in.Jobs}, changes: 1, classes: classNames(in.Jobs),
	}
	numbers := map[demand]int{}
	for i := range in.Jobs {
		key := demandOf(&in.Jobs[i])
		number, known := numbers[key]
		if !known {
			number = len(numbers)
			numbers[key] = number
			e.refused = append(e.refused, 0)
		}
		e.jobs[i].demand = number
	}
	e.meter.begin(e.nodes)
	e.sampler.begin(e)
	for i := range in.Jobs {
		e.agenda.plan(Event{At: in.Jobs[i].Arrives, Kind: Arrival, Job: i, Node: -1})
	}
	for i := range in.Nodes {
		if joins := in.Nodes[i].Joins; joins > 0 {
			e.agenda.plan(Event{At: joins, Kind: NodeUp, Job: -1, Node: i})
		}
	}
	for _, o := range in.Outages {
		kind := NodeDown
		if o.Drain {
			kind = NodeDrain
		}
		e.agenda.plan(Event{At: o.At, Kind: kind, Job: -1, Node: o.Node, grace: o.Grace, attempt: int64(o.For)})
	}
	return e, nil
}

// play handles one event after the other.
func (e *engine) play() error {
	for count := int64(1); ; count++ {
		event, found := e.agenda.next()
		if !found || e.Horizon > 0 && event.At > e.Horizon {
			break
		}
		if count%progressEvery == 0 && e.watch.Progress != nil {
			if err := e.watch.Progress(event.At); err != nil {
				return err
			}
		}
		if e.void(&event) {
			continue
		}
		e.sampler.until(e, event.At)
		e.meter.advance(event.At)
		e.now = event.At
		e.meter.events++
		if err := e.handle(&event); err != nil {
			return fmt.Errorf("event %d, %s at %s%s: %w", event.Sequence, event.Kind, event.At, e.about(&event), err)
		}
	}
	end := e.now
	if e.Horizon > 0 {
		end = e.Horizon
	}
	e.sampler.until(e, end)
	e.meter.advance(end)
	e.now = end
	e.sampler.end(e)
	return e.log.flush()
}

// about says what an event is about, for errors.
func (e *engine) about(event *Event) string {
	switch {
	case event.Job >= 0:
		return ", job " + e.Jobs[event.Job].Name
	case event.Node >= 0:
		return ", node " + e.nodes[event.Node].Name
	}
	return ""
}

// void reports whether an event is about what is no longer so.
func (e *engine) void(event *Event) bool {
	switch event.Kind {
	case Ready, Departure, Restart:
		job := &e.jobs[event.Job]
		return !job.holds() || job.attempt != event.attempt
	case GiveUp:
		job := &e.jobs[event.Job]
		return job.phase != queued || job.attempt > 0
	case Retry:
		return event.At != e.retryAt
	case NodeUp, NodeEvict:
		return e.nodes[event.Node].outage != event.attempt
	}
	return false
}

func (e *engine) handle(event *Event) error {
	switch event.Kind {
	case Arrival:
		return e.arrive(event.Job)
	case Ready:
		return e.ready(event.Job)
	case Departure:
		return e.depart(event.Job)
	case Retry:
		e.retryAt = 0
		return e.tryAll()
	case Restart:
		return e.restart(event.Job)
	case GiveUp:
		e.fail(event.Job, GaveUp)
		return nil
	case NodeUp:
		return e.nodeUp(event.Node)
	case NodeDown:
		return e.nodeDown(event)
	case NodeDrain:
		return e.nodeDrain(event)
	case NodeEvict:
		return e.nodeEvict(event.Node)
	}
	return errors.New("nobody handles this kind of event")
}
