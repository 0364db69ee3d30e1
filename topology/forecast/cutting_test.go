package forecast

import (
	"math"
	"math/rand"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
)

// patterns lists every way to cut a GPU into shares, also with a rest.
func patterns(shares []shareSize) []cutPattern {
	var all []cutPattern
	var cut func(i int, left topology.MilliGPU, so cutPattern)
	cut = func(i int, left topology.MilliGPU, so cutPattern) {
		if i == len(shares) {
			all = append(all, append(cutPattern{}, so...))
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
			if worth[i] < -1e-9 {
				t.Fatalf("shares %v: worth %v is negative", shares, worth)
			}
			value += s.count * worth[i]
		}
		for _, p := range patterns(shares) {
			if dot(p, worth) > 1+1e-9 {
				t.Fatalf("a pattern is worth more than a GPU: %v of %v", p, shares)
			}
		}
		if want := bestDual(shares); math.Abs(value-want) > 1e-6*value {
			t.Fatalf("shares %v: got %v, want %v", shares, value, want)
		}
	}
}

func TestCuttingValues(t *testing.T) {
	c := newCuttingCost(NewClassDemand([]PodClass{share(0, 810), share(0, 810), share(0, 500), share(0, 190)}))
	none := newCuttingCost(NewClassDemand([]PodClass{whole(0, 1)}))
	for name, tc := range map[string]struct{ got, want int64 }{
		"a whole GPU":               {c.value[1000], MicroGPU},
		"its two matching parts":    {c.value[810] + c.value[190], MicroGPU},
		"half":                      {c.value[500], MicroGPU / 2},
		"where nothing fits":        {c.value[189], 0},
		"a share that fits":         {c.costOf(500, 500), c.value[500]},
		"no shares: a whole GPU":    {none.value[1000], MicroGPU},
		"no shares: less than that": {none.value[999], 0},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %d, want %d", name, tc.got, tc.want)
		}
	}
	if c.costOf(810, 500) <= c.costOf(500, 500) {
		t.Errorf("breaking up the place of a larger share costs %d, no more than %d", c.costOf(810, 500), c.costOf(500, 500))
	}
}

// A demand of all sizes there are is rounded to few.
func TestCuttingIsBounded(t *testing.T) {
	rng := rand.New(rand.NewSource(6))
	var classes []PodClass
	for size := topology.MilliGPU(1); size < topology.WholeGPU; size++ {
		for range 1 + rng.Intn(3) {
			classes = append(classes, share(0, size))
		}
	}
	demand := NewClassDemand(classes)
	if got := len(sharesOf(demand)); got != 50 {
		t.Errorf("got %d sizes, want 50, rounded up to multiples of 20", got)
	}
	c := newCuttingCost(demand)
	if got := c.value[1000]; got < MicroGPU-2 || got > MicroGPU+2 {
		t.Errorf("a whole GPU: got %d, want %d", got, MicroGPU)
	}
	for left := 1; left <= 1000; left++ {
		if c.value[left] < c.value[left-1] {
			t.Errorf("%d thousandths are worth %d, less than one thousandth less: %d", left, c.value[left], c.value[left-1])
		}
	}
}
