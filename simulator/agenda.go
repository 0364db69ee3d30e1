package simulator

// agenda is a priority queue of events: a binary heap.
type agenda struct {
	events   []Event
	sequence int64
}

// plan adds an event and numbers it.
func (a *agenda) plan(e Event) {
	a.sequence++
	e.Sequence = a.sequence
	a.events = append(a.events, e)
	for i := len(a.events) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a.events[i].before(&a.events[parent]) {
			return
		}
		a.events[i], a.events[parent] = a.events[parent], a.events[i]
		i = parent
	}
}

// next removes the first event; false if there is none.
func (a *agenda) next() (Event, bool) {
	if len(a.events) == 0 {
		return Event{}, false
	}
	first := a.events[0]
	last := len(a.events) - 1
	a.events[0] = a.events[last]
	a.events = a.events[:last]
	for i := 0; ; {
		smallest := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if a.events[child].before(&a.events[smallest]) {
				smallest = child
			}
		}
		if smallest == i {
			return first, true
		}
		a.events[i], a.events[smallest] = a.events[smallest], a.events[i]
		i = smallest
	}
}
