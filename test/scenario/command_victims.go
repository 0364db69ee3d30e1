package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// selectVictims says which holders of lower priority would have to end for a pod, or,
// with members= or lines "member" as with group, for several pods together. Nobody is
// ended. The lowest priorities go first, then the fewest holders, and of equals the one
// whose name comes first.
//
// Example:
//
//	victims priority=10 cpu=8
//	gpus=4
func (e *Environment) selectVictims(args *commandArguments, lines []string) (string, error) {
	priorities := e.holderPriorities()
	holders := slices.Sorted(maps.Keys(priorities))
	preemptor := &cluster.Preemptor{Priority: args.numberOf("priority", 0, -1<<31)}
	for _, id := range holders {
		preemptor.Victims = append(preemptor.Victims, cluster.Victim{Holders: []placement.HolderID{id}, Priority: priorities[id]})
	}
	var choice *cluster.VictimChoice
	switch {
	case args.hasOption("members") || len(lines) > 0 && isMember(lines[0]):
		group, _, err := e.parseGroup(args, lines)
		if err != nil {
			return "", err
		}
		choice = e.snapshot.SelectGroupVictims(preemptor, func() bool {
			_, outcome := e.snapshot.PlaceGroup(group)
			return outcome == placement.Fits
		})
	case len(lines) == 0:
		preemptor.Host = args.hostResources()
		choice = e.snapshot.SelectVictims(preemptor)
	default:
		p, err := e.parsePod(args, lines)
		if err != nil {
			return "", err
		}
		preemptor.Ranking, preemptor.Host = p.ranking, p.host
		choice = e.snapshot.SelectVictims(preemptor)
	}
	if choice == nil {
		return "victims: none would help", nil
	}
	slices.SortStableFunc(choice.Victims, func(a, b int) int { return cmp.Compare(priorities[holders[a]], priorities[holders[b]]) })
	var words []string
	for _, number := range choice.Victims {
		victim := holders[number]
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
