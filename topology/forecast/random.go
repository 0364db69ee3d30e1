package forecast

import "math/rand"

// Random chooses any node that the pod fits on, and on it any GPU, all with the same
// probability. It is the floor that every policy has to beat.
type Random struct{}

// Name implements Policy.
func (Random) Name() string { return "random" }

// Chooser implements Policy.
func (Random) Chooser(c *Cluster, _ *Demand, seed int64) Chooser {
	return &random{cluster: c, rng: rand.New(rand.NewSource(seed))}
}

type random struct {
	cluster *Cluster
	rng     *rand.Rand
	fitting []int
}

// Choose implements Chooser. It looks at every node.
func (p *random) Choose(pod Pod) (Choice, bool) {
	r := p.cluster.Request(pod.Class)
	p.fitting = p.fitting[:0]
	for i := range p.cluster.nodes {
		if n := &p.cluster.nodes[i]; n.admits(pod.Memory) && n.fits(&r) {
			p.fitting = append(p.fitting, i)
		}
	}
	if len(p.fitting) == 0 {
		return Choice{}, false
	}
	at := Choice{Node: p.fitting[p.rng.Intn(len(p.fitting))]}
	if r.Shares() {
		p.fitting = p.fitting[:0]
		for i, left := range p.cluster.nodes[at.Node].GPUs() {
			if left >= r.PerGPU {
				p.fitting = append(p.fitting, i)
			}
		}
		at.GPU = p.fitting[p.rng.Intn(len(p.fitting))]
	}
	return at, true
}
