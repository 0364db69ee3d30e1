package outlook

import (
	"fmt"
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Node is a node with GPUs.
type Node struct {
	Name string
	// CPU is what the node can give to pods, in milli-CPU.
	CPU       int64
	Inventory *placement.Inventory
}

// Outlook learns from the pods that are placed which ones to expect. It belongs to one
// goroutine.
type Outlook struct {
	learned forecast.Outlook
	nodes   []Node
	index   map[string]int
	// slices is how many memory slices each GPU of an inventory has, 0 without MIG.
	slices map[*placement.Inventory][]int64
}

// New returns an outlook that has seen nothing and knows no node.
func New() *Outlook {
	return &Outlook{index: map[string]int{}, slices: map[*placement.Inventory][]int64{}}
}

// SetNodes says which nodes there are. What was learned stays.
func (o *Outlook) SetNodes(nodes []Node) error {
	capacities := make([]forecast.Capacity, len(nodes))
	index := make(map[string]int, len(nodes))
	for i, n := range nodes {
		if n.Inventory == nil || len(n.Inventory.Node.GPUs) == 0 {
			return fmt.Errorf("node %s has no GPUs", n.Name)
		}
		capacities[i] = forecast.Capacity{
			Name: n.Name, CPU: min(max(0, n.CPU), forecast.MaxCPU), Pods: 1,
			GPUs: int64(len(n.Inventory.Node.GPUs)), Model: anyModel,
		}
		index[n.Name] = i
	}
	if err := o.learned.SetNodes(capacities); err != nil {
		return err
	}
	o.nodes, o.index = nodes, index
	return nil
}

// anyModel stands for all GPU models: which ones a pod accepts is not known here, so
// that none is scarcer than another.
const anyModel = "GPU"

// Nodes are those of SetNodes.
func (o *Outlook) Nodes() []Node { return o.nodes }

// See notes that a pod which takes that much milli-CPU was placed on devices of one
// make of node.
func (o *Outlook) See(cpu int64, inv *placement.Inventory, grants []placement.DeviceAllocation) {
	if class, known := o.classOf(cpu, inv, grants); known {
		o.learned.See(class)
	}
}

// Loss is what it takes from the pods to come, in millionths of a GPU, to place a pod
// that takes that much milli-CPU on a node of which cpuLeft is left and state held. It
// is 0 where the outlook has no say.
func (o *Outlook) Loss(node string, cpuLeft int64, state placement.GPUStates, cpu int64, grants []placement.DeviceAllocation) int64 {
	i, known := o.index[node]
	if !known {
		return 0
	}
	inv := o.nodes[i].Inventory
	class, hasSay := o.classOf(cpu, inv, grants)
	if !hasSay || class.GPUs != 1 || inv.Devices[grants[0].Device].Form == placement.MIG {
		return 0
	}
	o.learned.Observe(i, forecast.Left{CPU: max(0, cpuLeft), GPU: o.left(inv, state)})
	return o.learned.Loss(i, class)
}

// classOf is what a pod takes, as package cluster counts it; not known for pods that
// mix forms or take several parts.
func (o *Outlook) classOf(cpu int64, inv *placement.Inventory, grants []placement.DeviceAllocation) (forecast.Class, bool) {
	class := forecast.Class{CPU: min(max(0, cpu), forecast.MaxCPU), PerGPU: topology.WholeGPU}
	for i := range grants {
		offer := &inv.Devices[grants[i].Device]
		if offer.Form != placement.Whole && len(grants) > 1 {
			return class, false
		}
		class.GPUs++
		switch offer.Form {
		case placement.Share:
			class.PerGPU = thousandths(int64(grants[i].Bytes), int64(offer.Memory))
		case placement.MIG:
			class.PerGPU = thousandths(offer.Placement.Size, o.slicesOf(inv)[offer.GPU])
		}
	}
	return class, class.GPUs > 0
}

// thousandths is part of all, rounded up, all of it for a part that is not stated.
func thousandths(part, all int64) topology.MilliGPU {
	if part <= 0 || all <= 0 || part >= all {
		return topology.WholeGPU
	}
	// In float64: bytes times a thousand would be near the end of an int64.
	return topology.MilliGPU(max(1, min(int64(topology.WholeGPU), int64(float64(part)/float64(all)*1000+0.999))))
}

// left is what is left of each GPU: memory of shared ones, memory slices of split ones.
func (o *Outlook) left(inv *placement.Inventory, state placement.GPUStates) [topology.MaxGPUs]topology.MilliGPU {
	var left [topology.MaxGPUs]topology.MilliGPU
	for i := range state {
		gpu := &state[i]
		switch {
		case gpu.Free():
			left[i] = topology.WholeGPU
		case gpu.Whole:
		case gpu.Sharers > 0:
			all := inv.Node.GPUs[i].Model.Usable()
			left[i] = topology.WholeGPU - thousandths(int64(gpu.Shared), int64(all))
		default:
			left[i] = topology.WholeGPU - thousandths(int64(bits.OnesCount16(uint16(gpu.MIG.Slices))), o.slicesOf(inv)[i])
		}
	}
	return left
}

func (o *Outlook) slicesOf(inv *placement.Inventory) []int64 {
	slices, known := o.slices[inv]
	if !known {
		slices = make([]int64, len(inv.Node.GPUs))
		for i := range inv.Devices {
			if offer := &inv.Devices[i]; offer.Form == placement.MIG {
				slices[offer.GPU] = max(slices[offer.GPU], offer.Placement.Start+offer.Placement.Size)
			}
		}
		o.slices[inv] = slices
	}
	return slices
}
