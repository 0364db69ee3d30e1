package simulator

import (
	"cmp"
	"slices"
)

// eventQueue is a priority queue of events: a binary heap. It is typed and not
// container/heap because it is on the path of every event.
//
// Arrivals are known beforehand and as many as there are jobs. They are not in the heap:
// arrivals has their jobs in order, and jobs[i] arrives as the event with sequence i+1.
type eventQueue struct {
	events   []scheduledEvent
	sequence int64
	jobs     []Job
	arrivals []int32
}

// planArrivals adds the arrivals of all jobs, before anything else.
func (q *eventQueue) planArrivals(jobs []Job) {
	q.jobs, q.arrivals, q.sequence = jobs, make([]int32, len(jobs)), int64(len(jobs))
	for i := range q.arrivals {
		q.arrivals[i] = int32(i)
	}
	slices.SortStableFunc(q.arrivals, func(a, b int32) int { return cmp.Compare(jobs[a].Arrives, jobs[b].Arrives) })
}

// popArrival removes the first arrival, if it comes before all other events.
func (q *eventQueue) popArrival() (arrival scheduledEvent, found bool) {
	if len(q.arrivals) == 0 {
		return scheduledEvent{}, false
	}
	job := int(q.arrivals[0])
	arrival = scheduledEvent{At: q.jobs[job].Arrives, Sequence: int64(job) + 1}
	if len(q.events) > 0 && !arrival.comesBefore(&q.events[0]) {
		return scheduledEvent{}, false
	}
	q.arrivals = q.arrivals[1:]
	arrival.Payload = jobArrival{jobSubject{job}}
	return arrival, true
}

// pushEvent adds an event and numbers it.
func (q *eventQueue) pushEvent(at Time, payload eventPayload) {
	q.sequence++
	q.events = append(q.events, scheduledEvent{At: at, Sequence: q.sequence, Payload: payload})
	for i := len(q.events) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.events[i].comesBefore(&q.events[parent]) {
			return
		}
		q.events[i], q.events[parent] = q.events[parent], q.events[i]
		i = parent
	}
}

// anyLeft reports whether anything is going to happen.
func (q *eventQueue) anyLeft() bool { return len(q.events)+len(q.arrivals) > 0 }

// popEvent removes the first event; false if there is none.
func (q *eventQueue) popEvent() (scheduledEvent, bool) {
	if arrival, found := q.popArrival(); found {
		return arrival, true
	}
	if len(q.events) == 0 {
		return scheduledEvent{}, false
	}
	first := q.events[0]
	last := len(q.events) - 1
	q.events[0] = q.events[last]
	q.events = q.events[:last]
	for i := 0; ; {
		smallest := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.events[child].comesBefore(&q.events[smallest]) {
				smallest = child
			}
		}
		if smallest == i {
			return first, true
		}
		q.events[i], q.events[smallest] = q.events[smallest], q.events[i]
		i = smallest
	}
}
