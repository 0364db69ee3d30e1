package forecast

import (
	"cmp"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// cuttingCost prices what is left of a GPU by the shares that can still be cut from it.
//
// Cutting GPUs into the shares of the expected demand with the fewest GPUs is the
// one-dimensional cutting stock problem. The dual of its linear programme says what
// part of a GPU a share of each size really takes: two shares of 0.5 take half each,
// but one of 0.81, beside which nothing else fits, takes all of it. What is left of a
// GPU is worth the most that shares cut from it can be worth, and a share that fits
// its place loses nothing of that. Source: Gilmore and Gomory, "A linear programming
// approach to the cutting-stock problem", Operations Research 9 (1961).
type cuttingCost struct {
	// value is by what is left of a GPU, in millionths of a GPU.
	value [topology.WholeGPU + 1]int64
}

// maxSizes bounds the linear programme, whose cost grows with the third power of the
// number of sizes: a few milliseconds for 64. Demand with more is rounded up to
// multiples of a step. The trace openb has 20.
const maxSizes = 64

// shareSize is one size of shares and how often it is asked for.
type shareSize struct {
	size  topology.MilliGPU
	count float64
}

func newCuttingCost(demand *ClassDemand) *cuttingCost {
	shares := sharesOf(demand)
	worth := shareWorths(shares)
	c := &cuttingCost{}
	for left := topology.MilliGPU(1); left <= topology.WholeGPU; left++ {
		c.value[left] = c.value[left-1]
		for i, s := range shares {
			if s.size <= left {
				c.value[left] = max(c.value[left], c.value[left-s.size]+int64(math.Round(MicroGPU*worth[i])))
			}
		}
	}
	// Pods on whole GPUs take one whole, whatever the shares.
	c.value[topology.WholeGPU] = max(c.value[topology.WholeGPU], MicroGPU)
	return c
}

// costOf is what a share cut from a GPU that has that much left takes from it, in
// millionths of a GPU.
func (c *cuttingCost) costOf(left, share topology.MilliGPU) int64 {
	return c.value[left] - c.value[left-share]
}

// sharesOf is the sizes of shares in the demand, the largest first, rounded up to as
// fine a step as leaves few enough.
func sharesOf(demand *ClassDemand) []shareSize {
	for _, step := range []topology.MilliGPU{1, 2, 5, 10, 20} {
		count := map[topology.MilliGPU]float64{}
		for _, class := range demand.Classes {
			if class.SharesGPU() {
				count[(class.PerGPU+step-1)/step*step] += float64(class.Count)
			}
		}
		if len(count) > maxSizes {
			continue
		}
		shares := make([]shareSize, 0, len(count))
		for size, n := range count {
			shares = append(shares, shareSize{size, n})
		}
		slices.SortFunc(shares, func(a, b shareSize) int { return cmp.Compare(b.size, a.size) })
		return shares
	}
	panic("forecast: more than 64 multiples of 20 up to 1000")
}

// cutPattern is how many shares of each size are cut from one GPU.
type cutPattern []float64

// shareWorths solves the dual by the revised simplex method: what part of a GPU a share of each size takes, so that
// no pattern takes more than one GPU and all shares together take the most. It
// generates patterns when they are needed, since there can be billions.
func shareWorths(shares []shareSize) []float64 {
	n := len(shares)
	// The basis starts with one pattern for each size, all of that size: inverse is
	// that of the basis, used how many GPUs are cut by each pattern.
	inverse, used := make([][]float64, n), make([]float64, n)
	for i, s := range shares {
		inverse[i] = make([]float64, n)
		inverse[i][i] = 1 / float64(topology.WholeGPU/s.size)
		used[i] = s.count * inverse[i][i]
	}
	worth := make([]float64, n)
	// Each round replaces one pattern of the basis. Some n rounds are needed; the bound
	// is for degenerate demand, on which the simplex method could go in circles.
	for range 50*n + 50 {
		for j := range worth {
			worth[j] = 0
			for i := range inverse {
				worth[j] += inverse[i][j]
			}
		}
		best, value := bestPattern(shares, worth)
		if value <= 1+1e-9 {
			break
		}
		if !enterBasis(inverse, used, best) {
			break
		}
	}
	// Rounding and the bound may leave patterns above 1: scaled down, prices hold.
	if _, value := bestPattern(shares, worth); value > 1 {
		for j := range worth {
			worth[j] /= value
		}
	}
	return worth
}

// enterBasis puts a pattern into the basis in place of the one that is used up first; not
// ok if there is none, which rounding alone can cause.
func enterBasis(inverse [][]float64, used []float64, entering cutPattern) (ok bool) {
	n := len(used)
	column := make([]float64, n)
	leaving, ratio := -1, math.Inf(1)
	for i := range inverse {
		for j, count := range entering {
			column[i] += float64(inverse[i][j] * count)
		}
		if column[i] > 1e-9 && used[i]/column[i] < ratio {
			leaving, ratio = i, used[i]/column[i]
		}
	}
	if leaving < 0 {
		return false
	}
	for j := range n {
		inverse[leaving][j] /= column[leaving]
	}
	used[leaving] = ratio
	for i := range inverse {
		if i == leaving || column[i] == 0 {
			continue
		}
		for j := range n {
			inverse[i][j] -= float64(column[i] * inverse[leaving][j])
		}
		used[i] = max(0, used[i]-float64(column[i]*ratio))
	}
	return true
}

// bestPattern is the pattern of the highest worth: an unbounded knapsack, by dynamic
// programming over what is left of the GPU.
func bestPattern(shares []shareSize, worth []float64) (best cutPattern, value float64) {
	var most [topology.WholeGPU + 1]float64
	var last [topology.WholeGPU + 1]int
	for left := range most {
		last[left] = -1
		if left > 0 {
			most[left] = most[left-1]
		}
		for i, s := range shares {
			if rest := left - int(s.size); rest >= 0 && most[rest]+worth[i] > most[left] {
				most[left], last[left] = most[rest]+worth[i], i
			}
		}
	}
	best = make(cutPattern, len(shares))
	for left := int(topology.WholeGPU); left > 0; {
		if i := last[left]; i >= 0 {
			best[i]++
			left -= int(shares[i].size)
		} else {
			left--
		}
	}
	return best, most[topology.WholeGPU]
}
