package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/simulator"
)

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

// makeOutages turns events into what the simulator plans.
func (b *inputBuilder) makeOutages() ([]simulator.Outage, error) {
	var outages []simulator.Outage
	var problems []error
	for i := range b.Events {
		event := &b.Events[i]
		if event.Crash != "" {
			continue
		}
		name, field := event.Fail, "fail"
		if event.Drain != "" {
			name, field = event.Drain, "drain"
		}
		node, found := slices.BinarySearchFunc(b.nodes, name, func(n simulator.Node, name string) int { return cmp.Compare(n.Name, name) })
		if !found {
			const unknown = "no node is called %q: they are called %s to %s"
			problems = append(problems,
				fieldErrorf(fmt.Sprintf("events[%d].%s", i, field), unknown, name, b.nodes[0].Name, b.nodes[len(b.nodes)-1].Name))
			continue
		}
		outages = append(outages, simulator.Outage{
			Node: node, At: simulator.Time(event.At), For: simulator.Time(event.For), Drain: event.Drain != "", Grace: simulator.Time(event.Grace),
		})
	}
	return outages, errors.Join(problems...)
}
