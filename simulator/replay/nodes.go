package replay

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// shape is a kind of node.
type shape struct {
	model  string
	gpus   int64
	cpu    int64
	memory topology.Bytes
}

// Scale keeps a part of the nodes, of each shape in proportion: the shapes whose number
// is cut the most get one more, until the total is right.
func Scale(nodes []policy.NodeCapacity, factor float64) ([]policy.NodeCapacity, error) {
	if !(factor > 0 && factor <= 1) {
		return nil, fmt.Errorf("scale %v: want above 0 and up to 1", factor)
	}
	by := map[shape][]policy.NodeCapacity{}
	var shapes []shape
	for _, n := range nodes {
		s := shape{n.Model, n.GPUs, n.CPU, n.Memory}
		if by[s] == nil {
			shapes = append(shapes, s)
		}
		by[s] = append(by[s], n)
	}
	rest := func(s shape) float64 {
		exact := float64(len(by[s])) * factor
		return exact - float64(int(exact))
	}
	count := map[shape]int{}
	left := max(1, int(float64(len(nodes))*factor+0.5))
	for _, s := range shapes {
		count[s] = int(float64(len(by[s])) * factor)
		left -= count[s]
	}
	slices.SortStableFunc(shapes, func(a, b shape) int { return cmp.Compare(rest(b), rest(a)) })
	var kept []policy.NodeCapacity
	for _, s := range shapes {
		if left > 0 && count[s] < len(by[s]) {
			count[s]++
			left--
		}
		kept = append(kept, by[s][:count[s]]...)
	}
	slices.SortFunc(kept, func(a, b policy.NodeCapacity) int { return cmp.Compare(a.Name, b.Name) })
	return kept, nil
}

// memories are of the trace's GPU models, in MiB as NVML reports them; see models.txt
// of package catalogue. Others are taken to have otherMemory.
var memories = map[string]topology.Bytes{"P100": 16384, "T4": 15360, "V100M16": 16384, "V100M32": 32768, "A10": 23028}

const otherMemory = 24576

// nodesOf makes the simulator's nodes; nodes of one shape share an inventory.
func nodesOf(capacities []policy.NodeCapacity, demand placement.Demand) ([]simulator.Node, error) {
	models := map[string]*topology.Model{}
	inventories := map[shape]*placement.Inventory{}
	var nodes []simulator.Node
	for i := range capacities {
		c := &capacities[i]
		node := simulator.Node{Name: c.Name, Host: simulator.Host{CPU: simulator.MilliCPU(c.CPU), Memory: c.Memory}, Domain: cluster.NoDomain}
		if c.GPUs > 0 {
			if models[c.Model] == nil {
				memory := memories[c.Model]
				if memory == 0 {
					memory = otherMemory
				}
				models[c.Model] = &topology.Model{Name: c.Model, Product: c.Model, Memory: memory * topology.MiB}
			}
			key := shape{model: c.Model, gpus: c.GPUs}
			if inventories[key] == nil {
				made := flat(models[c.Model], int(c.GPUs))
				inv, err := placement.NewInventory(made, placement.NodeDevices(made, noTables(made)), demand)
				if err != nil {
					return nil, fmt.Errorf("node %s: %w", c.Name, err)
				}
				inventories[key] = inv
			}
			node.Inventory = inventories[key]
		}
		nodes = append(nodes, node)
	}
	slices.SortFunc(nodes, func(a, b simulator.Node) int { return cmp.Compare(a.Name, b.Name) })
	return nodes, nil
}

// flat is a node whose GPUs are linked alike.
func flat(model *topology.Model, gpus int) *topology.Node {
	node := &topology.Node{}
	for i := range gpus {
		links := make([]topology.Link, gpus)
		for j := range links {
			links[j] = topology.Link{Kind: topology.PHB}
		}
		links[i] = topology.Link{Kind: topology.Self}
		node.GPUs = append(node.GPUs, topology.GPU{Model: model, NUMA: topology.NoNUMA})
		node.Links = append(node.Links, links)
	}
	return node
}
