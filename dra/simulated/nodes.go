package simulated

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology"
)

// Node is one simulated node.
type Node struct {
	Name    string
	Machine *topology.MachineType
}

// Discover gives what discovery finds on the simulated node.
func (n Node) Discover(tables Tables) (*discovery.Node, error) {
	library, err := New(n.Name, n.Machine, tables)
	if err != nil {
		return nil, err
	}
	inventory, err := discovery.ReadNode(library, library.Sys())
	if err != nil {
		return nil, fmt.Errorf("discovering simulated node %s: %w", n.Name, err)
	}
	return inventory, nil
}

// Machines finds a machine type by name; catalogue.Catalogue.Machine is one.
type Machines func(name string) (*topology.MachineType, error)

// ReadNodes reads a list of simulated nodes:
//
//   - name: dgx-h100-0         # the node's name in the cluster
//     machine: dgx-h100        # a machine type
//   - name: tray-0
//     machine: gb200-nvl72-tray
//     clique: 4b7ae1c2-0001-4d3a-9c00-00000000000a.7   # optional: the multi-node NVLink domain
//
// The error has everything that is wrong, each with file, line and column. Unknown fields
// are errors.
func ReadNodes(file string, text []byte, machines Machines) ([]Node, error) {
	var entries []nodeEntry
	document, faults := yamlfile.Read(file, text, &entries, yamlfile.Options{Empty: wantNodes})
	if document == nil {
		return nil, faults.Err()
	}
	if len(faults) == 0 && len(entries) == 0 {
		faults = append(faults, document.Fault("", "no nodes: "+wantNodes))
	}
	unread := faults
	report := func(path string, problem error) {
		if !unread.Concern(path) {
			faults = append(faults, document.Fault(path, problem.Error()))
		}
	}
	nodes := make([]Node, 0, len(entries))
	first := map[string]string{} // the path of each name's first use
	for i, entry := range entries {
		path := fmt.Sprintf("[%d]", i)
		node, problems := entry.nodeOf(machines)
		for _, field := range entryFields {
			if problems[field] != nil {
				report(path+"."+field, problems[field])
			}
		}
		if before, used := first[node.Name]; used && node.Name != "" {
			report(path+".name", fmt.Errorf("node %q is already on line %d", node.Name, document.Position(before).Line))
		} else {
			first[node.Name] = path + ".name"
		}
		nodes = append(nodes, node)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return nodes, nil
}

const wantNodes = "want a list of {name, machine}"

// nodeEntry is a node as a file has it.
type nodeEntry struct {
	Name    string `json:"name"`
	Machine string `json:"machine"`
	Clique  string `json:"clique"`
}

var entryFields = []string{"name", "machine", "clique"}

// nodeOf makes a node, and says what is wrong with which field.
func (e nodeEntry) nodeOf(machines Machines) (Node, map[string]error) {
	problems := map[string]error{"name": CheckName(e.Name)}
	node := Node{Name: e.Name}
	if e.Machine == "" {
		problems["machine"] = errors.New("is missing: want a machine type")
	} else {
		node.Machine, problems["machine"] = machines(e.Machine)
	}
	if e.Clique == "" {
		return node, problems
	}
	if _, err := fabricInfo(e.Clique); err != nil {
		problems["clique"] = err
	} else if node.Machine != nil {
		node.Machine = InClique(node.Machine, e.Clique)
	}
	return node, problems
}

// CheckName reports what keeps a name from being that of a node.
func CheckName(name string) error {
	if name == "" {
		return errors.New("a node needs a name")
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return fmt.Errorf("node name %q: %s", name, problems[0])
	}
	return nil
}

// InClique is the same machine with all its GPUs in one NVLink domain.
func InClique(machine *topology.MachineType, clique string) *topology.MachineType {
	changed, node := *machine, *machine.Node
	node.GPUs = slices.Clone(node.GPUs)
	for i := range node.GPUs {
		node.GPUs[i].Clique = clique
	}
	changed.Node = &node
	return &changed
}
