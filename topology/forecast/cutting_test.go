package forecast

import (
	"math"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

// patterns lists every way to cut a GPU into shares, also with a rest.
func patterns(shares []shareSize) []pattern {
	var all []pattern
	var cut func(i int, left topology.MilliGPU, so pattern)
	cut = func(i int, left topology.MilliGPU, so pattern) {
		if i == len(shares) {
			all = append(all, append(pattern{}, so...))
			return
		}
		for k := topology.MilliGPU(0); k*shares[i].size <= left; k++ {
			cut(i+1, left-k*shares[i].size, append(so, float64(k)))
		}
	}
	cut(0, topology.WholeGPU, nil)
	return all
}

// bestDual is the optimum of the dual by looking at every corner of what is feasible:
// n of its constraints with equality.
func bestDual(shares []shareSize) float64 {
	n := len(shares)
	rows, limits := [][]float64{}, []float64{}
	for _, p := range patterns(shares) {
		rows, limits = append(rows, p), append(limits, 1)
	}
	for i := range shares {
		row := make([]float64, n)
		row[i] = -1 // not negative
		rows, limits = append(rows, row), append(limits, 0)
	}
	best := 0.0
	chosen := make([]int, 0, n)
	var choose func(from int)
	choose = func(from int) {
		if len(chosen) == n {
			y, ok := solve(rows, limits, chosen)
			if !ok {
				return
			}
			for i, row := range rows {
				if dot(row, y) > limits[i]+1e-9 {
					return
				}
			}
			value := 0.0
			for i, s := range shares {
				value += s.count * y[i]
			}
			best = max(best, value)
			return
		}
		for i := from; i < len(rows); i++ {
			chosen = append(chosen, i)
			choose(i + 1)
			chosen = chosen[:len(chosen)-1]
		}
	}
	choose(0)
	return best
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// solve is Gaussian elimination; not ok for a singular system.
func solve(rows [][]float64, limits []float64, chosen []int) ([]float64, bool) {
	n := len(chosen)
	m := make([][]float64, n)
	for i, row := range chosen {
		m[i] = append(append([]float64{}, rows[row]...), limits[row])
	}
	for i := range n {
		pivot := i
		for j := i; j < n; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		if math.Abs(m[pivot][i]) < 1e-9 {
			return nil, false
		}
		m[i], m[pivot] = m[pivot], m[i]
		for j := range n {
			if j != i {
				f := m[j][i] / m[i][i]
				for k := i; k <= n; k++ {
					m[j][k] -= f * m[i][k]
				}
			}
		}
	}
	y := make([]float64, n)
	for i := range y {
		y[i] = m[i][n] / m[i][i]
	}
	return y, true
}

func TestShareWorthsMatchBruteForce(t *testing.T) {
	rng := rand.New(rand.NewSource(5))
	for range 200 {
		var shares []shareSize
		taken := map[topology.MilliGPU]bool{}
		for range 1 + rng.Intn(3) {
			size := topology.MilliGPU(150 + rng.Intn(850))
			if !taken[size] {
				taken[size] = true
				shares = append(shares, shareSize{size, float64(1 + rng.Intn(100))})
			}
		}
		worth := shareWorths(shares)
		value := 0.0
		for i, s := range shares {
			require.GreaterOrEqual(t, worth[i], -1e-9)
			value += s.count * worth[i]
		}
		for _, p := range patterns(shares) {
			require.LessOrEqual(t, dot(p, worth), 1+1e-9, "a pattern is worth more than a GPU: %v of %v", p, shares)
		}
		require.InDelta(t, bestDual(shares), value, 1e-6*value, "shares %v", shares)
	}
}

func TestCuttingValues(t *testing.T) {
	c := newCutting(NewDemand([]Class{share(0, 810), share(0, 810), share(0, 500), share(0, 190)}))
	require.Equal(t, int64(micro), c.value[1000])
	require.Equal(t, int64(micro), c.value[810]+c.value[190])
	require.Equal(t, int64(micro)/2, c.value[500])
	require.Zero(t, c.value[189], "nothing fits there")
	require.Equal(t, c.value[500], c.wastes(500, 500), "it fits its place")
	require.Greater(t, c.wastes(810, 500), c.wastes(500, 500), "it breaks up the place of a larger one")

	none := newCutting(NewDemand([]Class{whole(0, 1)}))
	require.Equal(t, int64(micro), none.value[1000])
	require.Zero(t, none.value[999])
}

// A demand of all sizes there are is rounded to few.
func TestCuttingIsBounded(t *testing.T) {
	rng := rand.New(rand.NewSource(6))
	var classes []Class
	for size := topology.MilliGPU(1); size < topology.WholeGPU; size++ {
		for range 1 + rng.Intn(3) {
			classes = append(classes, share(0, size))
		}
	}
	demand := NewDemand(classes)
	require.Len(t, sharesOf(demand), 50, "rounded up to multiples of 20")
	c := newCutting(demand)
	require.InDelta(t, micro, c.value[1000], 2)
	for left := 1; left <= 1000; left++ {
		require.GreaterOrEqual(t, c.value[left], c.value[left-1])
	}
}
