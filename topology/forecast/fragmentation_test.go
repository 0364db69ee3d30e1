package forecast

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

// The cases of section 4 of the FGD paper, one class at a time.
func TestFragmentOfOneClass(t *testing.T) {
	c := newCluster(t, Capacity{Name: "n", CPU: 10_000, GPUs: 3, Model: "A"})
	n := c.nodes[0]
	n.GPU[0], n.GPU[1], n.Idle = 200, 600, 1800
	tests := map[string]struct {
		class Class
		want  float64
	}{
		"no GPU":                 {Class{CPU: 1000}, 1800},
		"fits, one GPU short":    {share(1000, 500), 200},
		"fits, two GPUs short":   {whole(1000, 1), 800},
		"fits everywhere":        {share(1000, 100), 0},
		"GPUs short":             {whole(1000, 2), 1800},
		"CPU short":              {share(11_000, 100), 1800},
		"both short":             {whole(11_000, 2), 1800},
		"model refused":          {Class{GPUs: 1, PerGPU: 100, Models: "B"}, 1800},
		"model among others":     {Class{GPUs: 1, PerGPU: 100, Models: "B|A"}, 0},
		"exactly what is left":   {share(10_000, 600), 200},
		"one more than is there": {share(10_001, 600), 1800},
	}
	for name, tc := range tests {
		f := NewFragmentation(c, NewDemand([]Class{tc.class}).Typical(100))
		require.Equal(t, tc.want, f.Of(&n), name)
	}
}

// The measure agrees with its definition, written down plainly.
func TestFragmentationMatchesDefinition(t *testing.T) {
	rng := rand.New(rand.NewSource(2))
	for range 300 {
		pods := randomPods(rng, 40, 12)
		c, err := New(randomNodes(rng, 5))
		require.NoError(t, err)
		expected := demandOf(pods).Typical(TypicalPercent)
		f := NewFragmentation(c, expected)
		for i := range c.nodes {
			n := &c.nodes[i]
			n.CPU = rng.Int63n(n.Capacity.CPU + 1)
			n.Idle = 0
			for g := range n.GPUs() {
				n.GPU[g] = topology.MilliGPU(rng.Intn(21) * 50)
				n.Idle += n.GPU[g]
			}
			var want float64
			for _, class := range expected {
				r := c.Request(class.Class)
				lost := n.Idle
				if class.GPUs > 0 && n.fits(&r) {
					lost = 0
					for _, left := range n.GPUs() {
						if left < class.PerGPU {
							lost += left
						}
					}
				}
				want += class.Probability * float64(lost)
			}
			require.InDelta(t, want, f.Of(n), 1e-6)
		}
	}
}
