package simulated

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology"
)

// Node is one simulated node.
type Node struct {
	Name    string
	Machine *topology.MachineType
}

// Discover gives what discovery finds on the simulated node.
func (n Node) Discover(tables Tables) (*dra.Discovery, error) {
	library, err := New(n.Name, n.Machine, tables)
	if err != nil {
		return nil, err
	}
	inventory, err := dra.DiscoverNode(library, library.Sys())
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
// Every error names the file and the line. Unknown fields are errors.
func ReadNodes(file string, text []byte, machines Machines) ([]Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, located(file, err)
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("%s: no nodes: want a list of {name, machine}", file)
	}
	list := document.Content[0]
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%s:%d: want a list of {name, machine}", file, list.Line)
	}
	if len(list.Content) == 0 {
		return nil, fmt.Errorf("%s:%d: no nodes: want a list of {name, machine}", file, list.Line)
	}
	nodes := make([]Node, 0, len(list.Content))
	lines := map[string]int{} // of each name's first use
	for _, item := range list.Content {
		node, err := readNode(item, machines)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", file, err)
		}
		if first, used := lines[node.Name]; used {
			return nil, fmt.Errorf("%s:%d: node %q is already on line %d", file, item.Line, node.Name, first)
		}
		lines[node.Name] = item.Line
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// yamlLine is how the YAML library starts its messages.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (?s:(.*))$`)

// located puts a YAML error in the form file:line: message.
func located(file string, err error) error {
	if parts := yamlLine.FindStringSubmatch(err.Error()); parts != nil {
		return fmt.Errorf("%s:%s: %s", file, parts[1], parts[2])
	}
	return fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
}

// readNode reads one entry; its errors start with the line.
func readNode(item *yaml.Node, machines Machines) (Node, error) {
	if item.Kind != yaml.MappingNode {
		return Node{}, fmt.Errorf("%d: want {name, machine}", item.Line)
	}
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		if !slices.Contains([]string{"name", "machine", "clique"}, key.Value) {
			return Node{}, fmt.Errorf("%d: unknown field %q: want name, machine or clique", key.Line, key.Value)
		}
		if values[key.Value] != nil {
			return Node{}, fmt.Errorf("%d: field %s is given twice", key.Line, key.Value)
		}
		if value.Kind != yaml.ScalarNode || value.Value == "" {
			return Node{}, fmt.Errorf("%d: field %s: want a word", key.Line, key.Value)
		}
		values[key.Value] = value
	}
	for _, field := range []string{"name", "machine"} {
		if values[field] == nil {
			return Node{}, fmt.Errorf("%d: field %s is missing", item.Line, field)
		}
	}
	name, machine := values["name"], values["machine"]
	if err := CheckName(name.Value); err != nil {
		return Node{}, fmt.Errorf("%d: %w", name.Line, err)
	}
	machineType, err := machines(machine.Value)
	if err != nil {
		return Node{}, fmt.Errorf("%d: %w", machine.Line, err)
	}
	if clique := values["clique"]; clique != nil {
		if _, err := fabricInfo(clique.Value); err != nil {
			return Node{}, fmt.Errorf("%d: %w", clique.Line, err)
		}
		machineType = inClique(machineType, clique.Value)
	}
	return Node{Name: name.Value, Machine: machineType}, nil
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

// inClique is the same machine with all its GPUs in one NVLink domain.
func inClique(machine *topology.MachineType, clique string) *topology.MachineType {
	changed, node := *machine, *machine.Node
	node.GPUs = slices.Clone(node.GPUs)
	for i := range node.GPUs {
		node.GPUs[i].Clique = clique
	}
	changed.Node = &node
	return &changed
}
