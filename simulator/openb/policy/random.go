package policy

import (
	"math/rand"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// Random chooses any node that the pod fits on, and on it any GPU, all with the same
// probability. It is the floor that every policy has to beat.
type Random struct{}

// Name implements NodePolicy.
func (Random) Name() string { return "random" }

// Selector implements NodePolicy.
func (Random) Selector(c *ClusterState, _ *forecast.ClassDemand, seed int64) NodeSelector {
	return &randomSelector{cluster: c, rng: rand.New(rand.NewSource(seed))}
}

type randomSelector struct {
	cluster *ClusterState
	rng     *rand.Rand
	fitting []int
}

// SelectNode implements NodeSelector. It looks at every node.
func (p *randomSelector) SelectNode(pod TracePod) (NodeChoice, bool) {
	r := p.cluster.amounts.ResolveClass(pod.PodClass)
	p.fitting = p.fitting[:0]
	for i := range p.cluster.nodes {
		if n := &p.cluster.nodes[i]; n.admitsPod(pod.Memory) && n.Fits(&r) {
			p.fitting = append(p.fitting, i)
		}
	}
	if len(p.fitting) == 0 {
		return NodeChoice{}, false
	}
	at := NodeChoice{Node: p.fitting[p.rng.Intn(len(p.fitting))]}
	if r.SharesGPU() {
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
