package forecast

import (
	"math"
	"math/rand"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
)

// The cases of section 4 of the FGD paper, one class at a time.
func TestFragmentOfOneClass(t *testing.T) {
	c := newAmounts(t, NodeCapacity{Name: "n", CPU: 10_000, GPUs: 3, Model: "A"})
	n := setLeft(c, 0, 10_000, 200, 600, 1000)
	tests := map[string]struct {
		class PodClass
		want  float64
	}{
		"no GPU":                 {PodClass{CPU: 1000}, 1800},
		"fits, one GPU short":    {share(1000, 500), 200},
		"fits, two GPUs short":   {whole(1000, 1), 800},
		"fits everywhere":        {share(1000, 100), 0},
		"GPUs short":             {whole(1000, 2), 1800},
		"CPU short":              {share(11_000, 100), 1800},
		"both short":             {whole(11_000, 2), 1800},
		"model refused":          {PodClass{GPUs: 1, PerGPU: 100, Models: "B"}, 1800},
		"model among others":     {PodClass{GPUs: 1, PerGPU: 100, Models: "B|A"}, 0},
		"exactly what is left":   {share(10_000, 600), 200},
		"one more than is there": {share(10_001, 600), 1800},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := NewFragmentation(c, NewClassDemand([]PodClass{tc.class}).TypicalClasses(100))
			if got := f.FragmentOf(n); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// The measure agrees with its definition, written down plainly.
func TestFragmentationMatchesDefinition(t *testing.T) {
	rng := rand.New(rand.NewSource(2))
	for range 300 {
		pods := randomClasses(rng, 40, 12)
		c := newAmounts(t, randomNodes(rng, 5)...)
		expected := NewClassDemand(pods).TypicalClasses(TypicalPercent)
		f := NewFragmentation(c, expected)
		for i := range c.nodes {
			var left [topology.MaxGPUs]topology.MilliGPU
			for g := range left {
				left[g] = topology.MilliGPU(rng.Intn(21) * 50)
			}
			n := setLeft(c, i, rng.Int63n(c.nodes[i].Capacity.CPU+1), left[:]...)
			if got, want := f.FragmentOf(n), plainFragment(c, n, expected); math.Abs(got-want) > 1e-6 {
				t.Fatalf("%+v, expecting %+v: got %v, want %v", n, expected, got, want)
			}
		}
	}
}

func plainFragment(c *ClusterAmounts, n *NodeAmounts, expected []WeightedClass) float64 {
	var fragment float64
	for _, class := range expected {
		r := c.ResolveClass(class.PodClass)
		lost := n.Idle
		if class.GPUs > 0 && n.Fits(&r) {
			lost = 0
			for _, left := range n.GPUs() {
				if left < class.PerGPU {
					lost += left
				}
			}
		}
		fragment += class.Probability * float64(lost)
	}
	return fragment
}
