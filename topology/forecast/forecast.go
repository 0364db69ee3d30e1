package forecast

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Node is a node with GPUs.
type Node struct {
	Name      string
	Inventory *placement.Inventory
}

// DemandForecast learns from the pods that are placed which ones to expect, and says
// what a choice takes from them. It belongs to one goroutine.
//
// Only ObservePod teaches it. Asking for costs leaves what it learned as it is, however
// often and in whatever order, so that what is merely tried can be priced too.
type DemandForecast struct {
	learned learnedDemand
	nodes   []Node
	index   map[string]int
	amounts *ClusterAmounts
	// costs is of the nodes and the demand as they are, nil until a cost is asked for.
	costs *CostModel
}

// NewDemandForecast returns a forecast that has seen nothing and knows no node.
func NewDemandForecast() *DemandForecast { return &DemandForecast{index: map[string]int{}} }

// SetNodes says which nodes there are, each of which must have GPUs. What was learned
// stays.
func (f *DemandForecast) SetNodes(nodes []Node) error {
	capacities := make([]NodeCapacity, len(nodes))
	index := make(map[string]int, len(nodes))
	for i, n := range nodes {
		if n.Inventory == nil || len(n.Inventory.Node.GPUs) == 0 {
			return fmt.Errorf("node %s has no GPUs: give the forecast only nodes with GPUs", n.Name)
		}
		capacities[i] = NodeCapacity{Name: n.Name, GPUs: int64(len(n.Inventory.Node.GPUs)), Model: commonModel}
		index[n.Name] = i
	}
	amounts, err := NewClusterAmounts(capacities)
	if err != nil {
		return err
	}
	f.nodes, f.index, f.amounts, f.costs = nodes, index, amounts, nil
	return nil
}

// commonModel stands for all GPU models. Which ones a pod accepts is not known here: a
// selector is an expression over devices, not a list of models. So no model is scarcer
// than another, and a GPU costs the same on every node.
const commonModel = "GPU"

// Nodes are those of SetNodes.
func (f *DemandForecast) Nodes() []Node { return f.nodes }

// ObservePod notes that a pod which takes that much milli-CPU was placed on devices of
// an inventory. Call it once for a pod, and not for what is only tried.
func (f *DemandForecast) ObservePod(cpu int64, inv *placement.Inventory, devices []placement.DeviceAllocation) {
	if class, known := classOf(cpu, inv, devices); known && f.learned.observeClass(class) {
		f.costs = nil
	}
}

// CostVersion changes when costs may: as long as it is the same, equal pods cost the same on
// equal nodes in equal state. It is never negative.
func (f *DemandForecast) CostVersion() int64 { return f.learned.learnedAt }

// OpportunityCost is what it takes from the pods to come, in millionths of a GPU, to
// place a pod that takes that much milli-CPU on the devices of a node of which cpuLeft
// is left and state held. Only differences between the costs of one pod on several
// nodes mean something.
//
// It is 0 where the forecast has no say: for nodes that it does not know, for pods with
// several GPUs or a MIG instance, before enough pods have come, and where the pod does
// not fit.
func (f *DemandForecast) OpportunityCost(
	node string, cpuLeft int64, state placement.GPUStates, cpu int64, devices []placement.DeviceAllocation,
) int64 {
	i, known := f.index[node]
	if !known || f.learned.demand == nil {
		return 0
	}
	inv := f.nodes[i].Inventory
	class, known := classOf(cpu, inv, devices)
	if !known || class.GPUs != 1 || inv.Devices[devices[0].Device].Form == placement.MIG {
		return 0
	}
	left := leftOf(inv, state)
	f.amounts.SetLeft(i, max(0, cpuLeft), left[:])
	if f.costs == nil {
		f.costs = NewCostModel(f.amounts, f.learned.demand)
	}
	n, resolved := f.amounts.Node(i), f.amounts.ResolveClass(class)
	if !n.Fits(&resolved) {
		return 0
	}
	cost, _ := f.costs.CheapestCost(n, &resolved)
	// The GPUs themselves: the price of the one model there is.
	return cost + int64(class.AllGPUs())*(MicroGPU/int64(topology.WholeGPU))
}
