package simulator

// eventQueue is a priority queue of events: a binary heap. It is typed and not
// container/heap because it is on the path of every event.
type eventQueue struct {
	events   []scheduledEvent
	sequence int64
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
func (q *eventQueue) anyLeft() bool { return len(q.events) > 0 }

// popEvent removes the first event; false if there is none.
func (q *eventQueue) popEvent() (scheduledEvent, bool) {
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
