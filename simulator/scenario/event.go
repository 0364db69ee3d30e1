package scenario

import "errors"

// Event is something that happens to a node. Nodes that join later are a Pool with
// Joins.
type Event struct {
	At Span `json:"at"`
	// Fail or Drain names the node: <pool>-<number>, as the event log has it.
	Fail  string `json:"fail,omitempty"`
	Drain string `json:"drain,omitempty"`
	// For is how long it lasts, 0 until the end.
	For Span `json:"for,omitempty"`
	// Grace is how long what runs on a draining node may go on, 0 as long as it takes.
	Grace Span `json:"grace,omitempty"`
}

func (e *Event) checkFields(path string) error {
	problems := []error{
		e.At.checkNotNegative(path + ".at"), e.For.checkNotNegative(path + ".for"), e.Grace.checkNotNegative(path + ".grace"),
		oneOf(path, map[string]bool{"fail": e.Fail != "", "drain": e.Drain != ""}, "fail", "drain"),
	}
	if e.Grace > 0 && e.Drain == "" {
		problems = append(problems, fieldErrorf(path+".grace", "goes with drain: a node that fails grants none"))
	}
	return errors.Join(problems...)
}
