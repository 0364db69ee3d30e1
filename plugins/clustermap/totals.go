package clustermap

// SumGPUs adds up GPUs.
func SumGPUs(gpus []GPU) Totals {
	var sum Totals
	for i := range gpus {
		gpu := &gpus[i]
		sum.GPUs++
		if len(gpu.Holders) > 0 {
			sum.Allocated++
		}
		if !gpu.Healthy {
			sum.Unhealthy++
		}
		sum.Memory += gpu.Memory
		sum.FreeMemory += gpu.FreeMemory
		sum.Stranded += gpu.Stranded
	}
	return sum
}

// IsFree reports whether nobody holds anything of a GPU of the node, and somebody may be given it.
func (n *Node) IsFree(gpu *GPU) bool { return n.IsOffered(gpu) && len(gpu.Holders) == 0 }

// IsOffered reports whether somebody new may be given the GPU, or what is left of it.
func (n *Node) IsOffered(gpu *GPU) bool { return gpu.Healthy && n.Ready && !n.Cordoned }

// Plus is the sum of both.
func (t Totals) Plus(other Totals) Totals {
	return Totals{
		GPUs: t.GPUs + other.GPUs, Allocated: t.Allocated + other.Allocated, Unhealthy: t.Unhealthy + other.Unhealthy,
		Memory: t.Memory + other.Memory, FreeMemory: t.FreeMemory + other.FreeMemory, Stranded: t.Stranded + other.Stranded,
	}
}
