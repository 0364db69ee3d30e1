package forecast

import "github.com/ashlar-dev/ashlar/topology"

// stranding prices CPU by the GPUs that cannot be used without it.
type stranding struct {
	// cpuPerGPU is the milli-CPU that pods ask for beside each GPU, on average. With 0
	// nothing can strand.
	cpuPerGPU int64
	cuts      *cutting
}

func newStranding(demand *Demand, cuts *cutting) *stranding {
	return &stranding{demand.cpuPerGPU(), cuts}
}

// strands is how many millionths of a GPU more lie idle without CPU once the pod is on
// the node; less than 0 if it takes GPUs that lay so before.
//
// A pod with GPUs leaves the others as much CPU as GPU pods take on average: more is
// left over in any case. For a pod without GPUs that is not enough. It could as well
// go where CPU is plenty, so it should leave every GPU that is still of use the CPU
// that the node was built with.
func (s *stranding) strands(n *Node, r *Request) int64 {
	if s.cpuPerGPU == 0 || n.Capacity.GPUs == 0 {
		return 0
	}
	if r.GPUs > 0 {
		before := lacking(int64(n.Idle)*s.cpuPerGPU/int64(topology.WholeGPU), n.CPU)
		after := lacking(int64(n.Idle-r.AllGPUs())*s.cpuPerGPU/int64(topology.WholeGPU), n.CPU-r.CPU)
		return s.inGPUs(after - before)
	}
	var usable int64
	for _, left := range n.GPUs() {
		usable += s.cuts.value[left]
	}
	// At most 16 GPUs of 10^6 and 10^9 milli-CPU: fits in an int64.
	need := usable * (n.Capacity.CPU / n.Capacity.GPUs) / micro
	return s.inGPUs(lacking(need, n.CPU-r.CPU) - lacking(need, n.CPU))
}

// lacking is how much CPU is short of what is needed.
func lacking(need, cpu int64) int64 { return max(0, need-cpu) }

// inGPUs is the GPUs, in millionths, that could run with so much milli-CPU.
func (s *stranding) inGPUs(cpu int64) int64 { return cpu * micro / s.cpuPerGPU }
