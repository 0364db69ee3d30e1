package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/datadriven"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Environment is the cluster of one scenario file. It belongs to one goroutine.
type Environment struct {
	snapshot *cluster.Snapshot
	demand   placement.Demand
	// machines holds what the nodes were made from, by inventory and by name.
	machines    map[*placement.Inventory]*catalogueMachine
	machineKeys map[string]*catalogueMachine
	// nodes numbers the nodes by name.
	nodes map[string]int
	// places are the rack and the zone of each node.
	places []nodePlace
	// forks is how many forks are open.
	forks int
}

// NewEnvironment returns a cluster without nodes that expects placement.PriorDemand.
func NewEnvironment() *Environment {
	return &Environment{
		snapshot:    cluster.NewSnapshot(nil),
		demand:      placement.PriorDemand(),
		machines:    map[*placement.Inventory]*catalogueMachine{},
		machineKeys: map[string]*catalogueMachine{},
		nodes:       map[string]int{},
	}
}

// commandFunc carries out one command: it reads its arguments and the lines below it, and
// returns what to print. An error is a mistake in the scenario file; what the core
// refuses is printed.
type commandFunc func(e *Environment, args *commandArguments, lines []string) (string, error)

// commands are all commands, each with its file. README.md has an example of each.
var commands = map[string]commandFunc{
	"reset":     (*Environment).resetCluster,    // command_reset.go
	"demand":    (*Environment).setDemand,       // command_demand.go
	"node":      (*Environment).addNodes,        // command_node.go
	"cordon":    (*Environment).cordonNodes,     // command_cordon.go
	"uncordon":  (*Environment).uncordonNodes,   // command_cordon.go
	"place":     (*Environment).placePods,       // command_place.go
	"compare":   (*Environment).comparePolicies, // command_compare.go
	"hold":      (*Environment).holdDevices,     // command_hold.go
	"release":   (*Environment).releaseHolders,  // command_release.go
	"state":     (*Environment).drawState,       // command_state.go
	"fork":      (*Environment).openFork,        // command_fork.go
	"revert":    (*Environment).revertFork,      // command_fork.go
	"commit":    (*Environment).commitFork,      // command_fork.go
	"group":     (*Environment).placeGroup,      // command_group.go
	"hostsonly": (*Environment).placeHosts,      // command_hosts_only.go
	"victims":   (*Environment).selectVictims,   // command_victims.go
	"explain":   (*Environment).explainPod,      // command_explain.go
}

// Execute carries out one command of a scenario file and returns what it prints. An
// error means that the file is wrong, and says where.
func (e *Environment) Execute(d *datadriven.TestData) (string, error) {
	run, known := commands[d.Cmd]
	if !known {
		return "", fmt.Errorf("%s: unknown command %q: want one of %s", d.Pos, d.Cmd, strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
	}
	args, err := newArguments(d.CmdArgs)
	var output string
	if err == nil {
		output, err = run(e, args, inputLines(d.Input))
	}
	if err == nil {
		err = args.unusedError()
	}
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", d.Pos, d.Cmd, err)
	}
	return output, nil
}

// inputLines are the lines below a command, without comments.
func inputLines(input string) []string {
	var lines []string
	for line := range strings.Lines(input) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// nodeNumber finds a node by its name.
func (e *Environment) nodeNumber(name string) (int, error) {
	if i, known := e.nodes[name]; known {
		return i, nil
	}
	return 0, fmt.Errorf("unknown node %q: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(e.nodes)), ", "))
}

// nodeNumbers finds nodes by their names; no names stand for all nodes.
func (e *Environment) nodeNumbers(names []string) ([]int, error) {
	var numbers []int
	for _, name := range names {
		i, err := e.nodeNumber(name)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, i)
	}
	if len(names) == 0 {
		for i := range e.snapshot.Len() {
			numbers = append(numbers, i)
		}
	}
	return numbers, nil
}

// nodeNames lists nodes: "h-0, h-1".
func (e *Environment) nodeNames(numbers []int) string {
	var names []string
	for _, i := range numbers {
		names = append(names, e.snapshot.Node(i).Name)
	}
	return strings.Join(names, ", ")
}
