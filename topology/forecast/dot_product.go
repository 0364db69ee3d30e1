package forecast

// DotProduct chooses the node whose rest, as a vector of CPU and GPU, is least aligned
// with the request. Source: the DotProd baseline of FGD's simulator, after Grandl et
// al., "Multi-resource packing for cluster schedulers", SIGCOMM 2014.
type DotProduct struct{}

// Name implements Policy.
func (DotProduct) Name() string { return "dot-product" }

// Chooser implements Policy.
func (DotProduct) Chooser(c *Cluster, _ *Demand, _ int64) Chooser {
	return NewRanking(c, dotProduct{c.largest()})
}

type dotProduct struct{ largest }

// Rate implements Rater: 0 to 100, the less aligned the more.
func (p dotProduct) Rate(n *Node, r *Request) (int64, int) {
	cpu := float64(n.CPU) / p.cpu * (float64(r.CPU) / p.cpu)
	gpu := float64(n.Idle) / p.gpu * (float64(r.AllGPUs()) / p.gpu)
	return int64(100 * (1 - (float64(cpu)+float64(gpu))/2)), n.bestFitGPU(r.PerGPU)
}
