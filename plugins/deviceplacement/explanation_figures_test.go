package deviceplacement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Nodes differ in how many requests are of their GPUs, and alternatives in how many there are: a figure
// has the name of the request on its own node, and none if it is of an alternative that was not asked first.
func TestNearestFiguresOfDifferentNodes(t *testing.T) {
	named := func(names ...string) []*placement.Request {
		request := &placement.Request{}
		for _, name := range names {
			request.Parts = append(request.Parts, placement.Part{Name: name})
		}
		return []*placement.Request{request}
	}
	busy := func(node, part int) cluster.NodeRefusal {
		refusal := cluster.NodeRefusal{MostNode: node, MostTotalNode: node}
		refusal.Most = placement.Reason{Code: placement.GPUsBusy, Part: part, Want: 4, Have: 2, Total: 4}
		refusal.MostTotal = refusal.Most
		return refusal
	}
	e := &podExplanation{
		nodes:       []string{"a", "b"},
		requests:    &viewRequests{onNode: map[int][]*placement.Request{0: named("first"), 1: named("first", "second", "third")}},
		Explanation: &cluster.Explanation{Refusals: []cluster.NodeRefusal{busy(0, 0), busy(1, 2), busy(1, 7)}},
	}
	want := []string{
		"the most free on one node is 2 (a)", "request third: the most free on one node is 2 (b)", "the most free on one node is 2 (b)",
	}
	if diff := cmp.Diff(want, e.nearestFigures()); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}
