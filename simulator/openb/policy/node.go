package policy

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// NodeState is what a node has left.
type NodeState struct {
	*forecast.NodeAmounts
	Memory topology.Bytes
	Pods   int64
	// GPUPods counts the GPU pods on the node: [0] those with a share, [k] those with k
	// whole GPUs.
	GPUPods [topology.MaxGPUs + 1]int64

	index int
	// changes counts what was placed and released here.
	changes int64
}

// admitsPod reports whether a pod of which the class fits can really be placed.
func (n *NodeState) admitsPod(memory topology.Bytes) bool { return n.Memory >= memory && n.Pods > 0 }

// moveHost takes from the node what a pod takes beside its amounts, or gives it back.
func (n *NodeState) moveHost(pod *TracePod, sign int64) {
	n.Memory += topology.Bytes(sign) * pod.Memory
	n.Pods += sign
	n.changes++
	if pod.GPUs > 0 {
		n.GPUPods[kindOf(&pod.PodClass)] -= sign
	}
}

// kindOf groups GPU pods for GPUClustering: 0 for shares, else the number of GPUs.
func kindOf(class *forecast.PodClass) int64 {
	if class.SharesGPU() {
		return 0
	}
	return class.GPUs
}

// bestFitGPU is the GPU with the least left that a share fits on, the first of equals.
func (n *NodeState) bestFitGPU(share topology.MilliGPU) int {
	best := 0
	found := false
	for i, left := range n.GPUs() {
		if left >= share && (!found || left < n.GPU[best]) {
			best, found = i, true
		}
	}
	return best
}
