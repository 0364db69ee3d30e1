package scenario

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// addNodes adds nodes that nobody uses. Without machine= they have no GPUs; with count=
// there are several of them, NAME-0, NAME-1 and so on.
//
// Example:
//
//	node name=h machine=dgx-h100 count=3 cpu=64 memory=512GiB domain=1 rack=4 zone=2
//	node name=mixed machine=azure-nc96ads-a100 replace=3:A30-24GB
func (e *Environment) addNodes(args *commandArguments, lines []string) (string, error) {
	if len(lines) > 0 {
		return "", fmt.Errorf("takes no lines below it")
	}
	node := cluster.Node{Name: args.textOf("name", ""), Host: args.hostResources(), Domain: args.numberOf("domain", cluster.NoDomain, 0)}
	if node.Name == "" {
		return "", fmt.Errorf("want name=")
	}
	place := nodePlace{rack: args.numberOf("rack", cluster.NoDomain, 0), zone: args.numberOf("zone", cluster.NoDomain, 0)}
	machine, replacements := args.textOf("machine", ""), args.valueList("replace")
	if machine != "" {
		m, err := e.machineNamed(machine, replacements)
		if err != nil {
			return "", err
		}
		node.Inventory = m.inventory
	}
	names := []string{node.Name}
	if args.hasOption("count") {
		names = nil
		for i := range args.numberOf("count", 1, 1) {
			names = append(names, fmt.Sprintf("%s-%d", node.Name, i))
		}
	}
	for _, name := range names {
		if _, twice := e.nodes[name]; twice {
			return "", fmt.Errorf("there is a node %s already", name)
		}
		node.Name = name
		e.nodes[name] = e.snapshot.AddNode(node)
		e.places = append(e.places, place)
	}
	return "", nil
}

// nodePlace is where a node stands: the numbers of its rack and zone.
type nodePlace struct{ rack, zone int64 }
