package forecast

// GPUClustering puts pods with as many GPUs beside one another. Source: the
// GpuClustering baseline of FGD's simulator, after Xiao et al., "Gandiva", OSDI 2018.
type GPUClustering struct{}

// Name implements Policy.
func (GPUClustering) Name() string { return "gpu-clustering" }

// Chooser implements Policy.
func (GPUClustering) Chooser(c *Cluster, _ *Demand, _ int64) Chooser {
	return NewRanking(c, gpuClustering{c.largest()})
}

type gpuClustering struct{ largest }

// Rate implements Rater: 75 beside its own kind only, 50 beside others too, 25 on a
// node without GPU pods, and up to 25 more the fuller the node.
func (p gpuClustering) Rate(n *Node, r *Request) (int64, int) {
	gpu := n.bestFitGPU(r.PerGPU)
	if r.GPUs == 0 {
		return 0, gpu
	}
	kinds := 0
	for _, pods := range n.Kinds {
		if pods > 0 {
			kinds++
		}
	}
	all := int64(p.gpu)
	rating := 25 * (all - int64(n.Idle)) / all
	switch same := n.Kinds[r.kind()] > 0; {
	case same && kinds == 1:
		rating += 75
	case same:
		rating += 50
	case kinds == 0:
		rating += 25
	}
	return rating, gpu
}
