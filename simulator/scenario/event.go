package scenario

import "errors"

// Event is something that happens to a node or a job: exactly one of fail, drain and crash.
// Nodes that join later are a Pool with Joins.
type Event struct {
	At Span `json:"at"`
	// Fail or Drain names the node: <pool>-<number>, as the event log has it.
	Fail  string `json:"fail,omitempty"`
	Drain string `json:"drain,omitempty"`
	// Crash names a job: <workload>-<number>, as the event log has it. It has a fatal GPU error
	// and starts again in its place, under MPS together with all clients on its GPU; without
	// effect on a job that runs nowhere at that time.
	Crash string `json:"crash,omitempty"`
	// For is how long it lasts, 0 until the end.
	For Span `json:"for,omitempty"`
	// Grace is how long what runs on a draining node may go on, 0 as long as it takes.
	Grace Span `json:"grace,omitempty"`
}

func (e *Event) checkFields(path string) error {
	problems := []error{
		e.At.checkNotNegative(path + ".at"), e.For.checkNotNegative(path + ".for"), e.Grace.checkNotNegative(path + ".grace"),
		oneOf(path, map[string]bool{"fail": e.Fail != "", "drain": e.Drain != "", "crash": e.Crash != ""}, "fail", "drain", "crash"),
	}
	if e.Grace > 0 && e.Drain == "" {
		problems = append(problems, fieldErrorf(path+".grace", "goes with drain: what fails or crashes grants none"))
	}
	if e.For > 0 && e.Crash != "" {
		problems = append(problems, fieldErrorf(path+".for", "goes with fail and drain: a job that crashes starts again after its back-off"))
	}
	return errors.Join(problems...)
}
