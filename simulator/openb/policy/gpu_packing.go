package policy

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// GPUPacking fills GPUs in use first, then free GPUs of nodes in use, then empty
// nodes. Source: the GpuPacking baseline of FGD's simulator, after Weng et al., "MLaaS
// in the wild", NSDI 2022.
type GPUPacking struct{}

// Name implements NodePolicy.
func (GPUPacking) Name() string { return "gpu-packing" }

// Selector implements NodePolicy.
func (GPUPacking) Selector(c *ClusterState, _ *forecast.ClassDemand, _ int64) NodeSelector {
	return NewNodeRanking(c, gpuPackingScorer{}, nil)
}

type gpuPackingScorer struct{}

// ScoreNode implements NodeScorer: up to 33 for a node without used GPUs, up to 50 where free
// GPUs of a node in use are taken, from there to 100 on a used GPU.
func (gpuPackingScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	gpu := n.bestFitGPU(r.PerGPU)
	if r.GPUs == 0 {
		return 0, gpu
	}
	var free int64
	for _, left := range n.GPUs() {
		if left == topology.WholeGPU {
			free++
		}
	}
	switch {
	case free == n.Capacity.GPUs:
		return max(33-free, free), gpu
	case r.SharesGPU() && n.GPU[gpu] < topology.WholeGPU:
		return max(100-int64(n.GPU[gpu]*100/topology.WholeGPU)/10, 50), gpu
	}
	// Only free GPUs will do: all that the pod asks for.
	return max(50-r.GPUs, 33), gpu
}
