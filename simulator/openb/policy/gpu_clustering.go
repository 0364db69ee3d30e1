package policy

import "github.com/ashlar-dev/ashlar/topology/forecast"

// GPUClustering puts pods with as many GPUs beside one another. Source: the
// GpuClustering baseline of FGD's simulator, after Xiao et al., "Gandiva", OSDI 2018.
type GPUClustering struct{}

// Name implements NodePolicy.
func (GPUClustering) Name() string { return "gpu-clustering" }

// Selector implements NodePolicy.
func (GPUClustering) Selector(c *ClusterState, _ *forecast.ClassDemand, _ int64) NodeSelector {
	return NewNodeRanking(c, gpuClusteringScorer{largestOf(c)}, nil)
}

type gpuClusteringScorer struct{ largest largestNode }

// ScoreNode implements NodeScorer: 75 beside its own kind only, 50 beside others too, 25 on a
// node without GPU pods, and up to 25 more the fuller the node.
func (s gpuClusteringScorer) ScoreNode(n *NodeState, r *forecast.ResolvedClass) (int64, int) {
	gpu := n.bestFitGPU(r.PerGPU)
	if r.GPUs == 0 {
		return 0, gpu
	}
	kinds := 0
	for _, pods := range n.GPUPods {
		if pods > 0 {
			kinds++
		}
	}
	all := int64(s.largest.gpu)
	score := 25 * (all - int64(n.Idle)) / all
	switch same := n.GPUPods[kindOf(&r.PodClass)] > 0; {
	case same && kinds == 1:
		score += 75
	case same:
		score += 50
	case kinds == 0:
		score += 25
	}
	return score, gpu
}
