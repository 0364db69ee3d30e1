package forecast

import "github.com/ashlar-dev/ashlar/topology"

// strandingCost prices CPU by the GPUs that cannot be used without it.
type strandingCost struct {
	// cpuPerGPU is the milli-CPU that pods ask for beside each GPU, on average. With 0
	// nothing can strand.
	cpuPerGPU int64
	cuts      *cuttingCost
}

func newStrandingCost(demand *ClassDemand, cuts *cuttingCost) *strandingCost {
	return &strandingCost{demand.cpuPerGPU(), cuts}
}

// costOf is how many millionths of a GPU more lie idle without CPU once the pod is on
// the node; less than 0 if it takes GPUs that lay so before.
//
// A pod with GPUs leaves the others as much CPU as GPU pods take on average: more is
// left over in any case. For a pod without GPUs that is not enough. It could as well
// go where CPU is plenty, so it should leave every GPU that is still of use the CPU
// that the node was built with.
func (s *strandingCost) costOf(n *NodeAmounts, r *ResolvedClass) int64 {
	if s.cpuPerGPU == 0 || n.Capacity.GPUs == 0 {
		return 0
	}
	if r.GPUs > 0 {
		before := missingCPU(int64(n.Idle)*s.cpuPerGPU/int64(topology.WholeGPU), n.CPU)
		after := missingCPU(int64(n.Idle-r.AllGPUs())*s.cpuPerGPU/int64(topology.WholeGPU), n.CPU-r.CPU)
		return s.inGPUs(after - before)
	}
	var usable int64
	for _, left := range n.GPUs() {
		usable += s.cuts.value[left]
	}
	// At most 16 GPUs of 10^6 and 10^9 milli-CPU: fits in an int64.
	need := usable * (n.Capacity.CPU / n.Capacity.GPUs) / MicroGPU
	return s.inGPUs(missingCPU(need, n.CPU-r.CPU) - missingCPU(need, n.CPU))
}

// missingCPU is how much CPU is short of what is needed.
func missingCPU(need, cpu int64) int64 { return max(0, need-cpu) }

// inGPUs is the GPUs, in millionths, that could run with so much milli-CPU.
func (s *strandingCost) inGPUs(cpu int64) int64 { return cpu * MicroGPU / s.cpuPerGPU }
