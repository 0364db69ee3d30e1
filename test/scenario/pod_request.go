package scenario

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// requestAlternative is one way to serve a pod.
type requestAlternative struct {
	parts       []*partLine
	constraints []*constraintLine
}

// podRequest is what a pod asks, as cluster.PodRequest: its alternatives in the terms of
// each node, the one that it prefers first.
type podRequest struct {
	environment  *Environment
	alternatives []requestAlternative
	// only are the nodes that the pod accepts, nil for all.
	only map[int]bool
	// asked are the nodes whose requests were looked at.
	asked map[int]bool
	// built holds the requests by machine, and those of nodes that are not accepted.
	built, refused map[*catalogueMachine][]*placement.Request
}

// selectiveRequest is a podRequest that accepts some nodes only: a selector that reads
// the node's name, which no inventory knows.
type selectiveRequest struct{ *podRequest }

// AcceptanceKey implements cluster.Selective.
func (r selectiveRequest) AcceptanceKey(node int) cluster.AcceptanceKey {
	if r.only[node] {
		return 1
	}
	return 0
}

// parseAlternatives reads the lines of a request: parts and constraints, with the line
// "or" between alternatives.
func parseAlternatives(lines []string) ([]requestAlternative, error) {
	alternatives := []requestAlternative{{}}
	for _, line := range lines {
		last := &alternatives[len(alternatives)-1]
		if line == "or" {
			alternatives = append(alternatives, requestAlternative{})
			continue
		}
		if err := last.parseLine(line); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
	}
	for i := range alternatives {
		if len(alternatives[i].parts) == 0 {
			return nil, fmt.Errorf("a request wants at least one line of parts, such as gpus=4")
		}
	}
	return alternatives, nil
}

func (a *requestAlternative) parseLine(line string) error {
	args, err := parseArguments(line)
	if err != nil {
		return err
	}
	if args.hasOption("same") || args.hasOption("distinct") {
		constraint, err := parseConstraint(args, a.parts)
		a.constraints = append(a.constraints, constraint)
		return err
	}
	delete(args.used, "same")
	delete(args.used, "distinct")
	part, err := parsePart(args)
	if err != nil {
		return err
	}
	if part.name == "" {
		part.name = fmt.Sprintf("part %d", len(a.parts))
	}
	a.parts = append(a.parts, part)
	return nil
}

// RequestOn implements cluster.PodRequest.
func (r *podRequest) RequestOn(node, preference int) *placement.Request {
	r.asked[node] = true
	m := r.environment.machineOf(node)
	cache := r.built
	if r.only != nil && !r.only[node] {
		cache = r.refused
	}
	if cache[m] == nil {
		for i := range r.alternatives {
			cache[m] = append(cache[m], r.buildRequest(m, &r.alternatives[i], r.only == nil || r.only[node]))
		}
	}
	if preference >= len(cache[m]) {
		return nil
	}
	return cache[m][preference]
}

// buildRequest puts an alternative into the terms of a machine.
func (r *podRequest) buildRequest(m *catalogueMachine, a *requestAlternative, accepted bool) *placement.Request {
	request := &placement.Request{}
	for _, line := range a.parts {
		part := line.onMachine(m)
		if !accepted {
			part.Accepts = placement.NewDeviceSet(len(m.inventory.Devices))
		}
		request.Parts = append(request.Parts, part)
	}
	for _, line := range a.constraints {
		request.Constraints = append(request.Constraints, line.onMachine(m))
	}
	return request
}

// partName is the name of a part of the alternative that is preferred.
func (r *podRequest) partName(part int) string { return r.alternatives[0].parts[part].name }
