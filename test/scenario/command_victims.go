package scenario

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// selectVictims says which holders of lower priority would have to end for a pod, or,
// with members= or lines "member" as with group, for several pods together. Nobody is
// ended. Of two holders the one of lower priority is cheaper, then the one whose name
// comes first.
//
// Example:
//
//	victims priority=10 cpu=8
//	gpus=4
func (e *Environment) selectVictims(args *commandArguments, lines []string) (string, error) {
	priorities := e.holderPriorities()
	preemptor := &cluster.Preemptor{
		Priority: args.numberOf("priority", 0, -1<<31),
		Cheaper: func(a, b placement.HolderID) int {
			return cmp.Or(cmp.Compare(priorities[a], priorities[b]), cmp.Compare(a, b))
		},
	}
	var victims []placement.HolderID
	switch {
	case args.hasOption("members") || len(lines) > 0 && isMember(lines[0]):
		group, _, err := e.parseGroup(args, lines)
		if err != nil {
			return "", err
		}
		victims = e.snapshot.SelectGroupVictims(preemptor, func() bool {
			_, outcome := e.snapshot.PlaceGroup(group)
			return outcome == placement.Fits
		})
	case len(lines) == 0:
		preemptor.Host = args.hostResources()
		victims = e.snapshot.SelectVictims(preemptor)
	default:
		p, err := e.parsePod(args, lines)
		if err != nil {
			return "", err
		}
		preemptor.Ranking, preemptor.Host = p.ranking, p.host
		victims = e.snapshot.SelectVictims(preemptor)
	}
	if victims == nil {
		return "victims: none would help", nil
	}
	var words []string
	for _, victim := range victims {
		words = append(words, fmt.Sprintf("%s on %s", podHolder{id: victim, priority: priorities[victim]}, e.nodesOf(victim)))
	}
	return "victims: " + strings.Join(words, "; "), nil
}

// holderPriorities are those of all holders.
func (e *Environment) holderPriorities() map[placement.HolderID]int64 {
	priorities := map[placement.HolderID]int64{}
	for node := range e.snapshot.Len() {
		for _, a := range e.snapshot.NodeState(node).Allocations() {
			priorities[a.Holder] = a.Priority
		}
	}
	return priorities
}

// nodesOf lists the nodes on which a holder has something.
func (e *Environment) nodesOf(id placement.HolderID) string {
	var nodes []int
	for node := range e.snapshot.Len() {
		for _, a := range e.snapshot.NodeState(node).Allocations() {
			if a.Holder == id && (len(nodes) == 0 || nodes[len(nodes)-1] != node) {
				nodes = append(nodes, node)
			}
		}
	}
	return e.nodeNames(nodes)
}
