package replay

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// nodeShape is what nodes of one kind have in common.
type nodeShape struct {
	model string
	gpus  int64
	host  topology.HostResources
}

// ScaleNodes keeps a part of the nodes, of each shape in proportion: the shapes whose number
// is cut the most get one more, until the total is right.
func ScaleNodes(nodes []trace.Node, factor float64) ([]trace.Node, error) {
	if !(factor > 0 && factor <= 1) {
		return nil, fmt.Errorf("scale %v: want above 0 and up to 1", factor)
	}
	by := map[nodeShape][]trace.Node{}
	var shapes []nodeShape
	for _, n := range nodes {
		s := nodeShape{n.Model, n.GPUs, n.Host}
		if by[s] == nil {
			shapes = append(shapes, s)
		}
		by[s] = append(by[s], n)
	}
	rest := func(s nodeShape) float64 {
		exact := float64(len(by[s])) * factor
		return exact - float64(int(exact))
	}
	count := map[nodeShape]int{}
	left := max(1, int(float64(len(nodes))*factor+0.5))
	for _, s := range shapes {
		count[s] = int(float64(len(by[s])) * factor)
		left -= count[s]
	}
	slices.SortStableFunc(shapes, func(a, b nodeShape) int { return cmp.Compare(rest(b), rest(a)) })
	var kept []trace.Node
	for _, s := range shapes {
		if left > 0 && count[s] < len(by[s]) {
			count[s]++
			left--
		}
		kept = append(kept, by[s][:count[s]]...)
	}
	slices.SortFunc(kept, func(a, b trace.Node) int { return cmp.Compare(a.Name, b.Name) })
	return kept, nil
}

// catalogueNames are the catalogue's names of the trace's GPU models. The real names of
// the others (G2, G3) are not published; they are taken to have otherMemory.
var catalogueNames = map[string]string{
	"P100": "P100-SXM2-16GB", "T4": "T4", "V100M16": "V100-SXM2-16GB", "V100M32": "V100-SXM2-32GB", "A10": "A10",
}

const otherMemory = 24 * topology.GiB

// modelOf is a GPU model of the trace. Of the catalogue's model it has the memory only:
// the trace books shares in thousandths of that, and knows no links.
func modelOf(name string) (*topology.Model, error) {
	model := &topology.Model{Name: name, Product: name, Memory: otherMemory}
	if key, known := catalogueNames[name]; known {
		published, err := catalogue.Default().Model(key)
		if err != nil {
			return nil, fmt.Errorf("GPU model %s of the trace: %w", name, err)
		}
		model.Memory = published.Memory
	}
	return model, nil
}

// simulatedNodes makes the simulator's nodes; nodes of one shape share an inventory.
func simulatedNodes(rows []trace.Node, demand placement.Demand) ([]simulator.Node, error) {
	models := map[string]*topology.Model{}
	inventories := map[nodeShape]*placement.Inventory{}
	var nodes []simulator.Node
	for i := range rows {
		row := &rows[i]
		node := simulator.Node{Name: row.Name, Host: row.Host, Domain: cluster.NoDomain}
		if row.GPUs > 0 {
			if models[row.Model] == nil {
				model, err := modelOf(row.Model)
				if err != nil {
					return nil, err
				}
				models[row.Model] = model
			}
			key := nodeShape{model: row.Model, gpus: row.GPUs}
			if inventories[key] == nil {
				flat := topology.FlatNode(models[row.Model], int(row.GPUs))
				inv, err := placement.NewInventory(flat, placement.NodeDevices(flat, noTables(flat)), demand)
				if err != nil {
					return nil, fmt.Errorf("node %s: %w", row.Name, err)
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
