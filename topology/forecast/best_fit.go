package forecast

import "github.com/ashlar-dev/ashlar/topology"

// BestFit chooses the node that has the least left afterwards, CPU and GPU weighing
// the same. Source: the BestFit baseline of FGD's simulator.
type BestFit struct{}

// Name implements Policy.
func (BestFit) Name() string { return "best-fit" }

// Chooser implements Policy.
func (BestFit) Chooser(c *Cluster, _ *Demand, _ int64) Chooser {
	return NewRanking(c, bestFit{c.largest()})
}

type bestFit struct{ largest }

// Rate implements Rater: 0 to 100, the less left the more.
func (p bestFit) Rate(n *Node, r *Request) (int64, int) {
	left := float64(0.5*(float64(n.CPU-r.CPU)/p.cpu)) + float64(0.5*(float64(n.Idle-r.AllGPUs())/p.gpu))
	return int64(100 * (1 - left)), n.bestFitGPU(r.PerGPU)
}

// largest is the most CPU, in milli-CPU, and GPU thousandths that any node has when
// empty, at least 1: what amounts of the two are made comparable by.
type largest struct{ cpu, gpu float64 }

func (c *Cluster) largest() largest {
	l := largest{1, 1}
	for i := range c.nodes {
		capacity := &c.nodes[i].Capacity
		l.cpu = max(l.cpu, float64(capacity.CPU))
		l.gpu = max(l.gpu, float64(topology.MilliGPU(capacity.GPUs)*topology.WholeGPU))
	}
	return l
}
