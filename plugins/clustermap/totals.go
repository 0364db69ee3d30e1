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

// Plus is the sum of both.
func (t Totals) Plus(other Totals) Totals {
	return Totals{
		GPUs: t.GPUs + other.GPUs, Allocated: t.Allocated + other.Allocated, Unhealthy: t.Unhealthy + other.Unhealthy,
		Memory: t.Memory + other.Memory, FreeMemory: t.FreeMemory + other.FreeMemory, Stranded: t.Stranded + other.Stranded,
	}
}
