package training

import "github.com/ashlar-dev/ashlar/topology/memory/model"

// Optimizer is how weights are updated.
type Optimizer string

// The optimizers.
const (
	AdamW          Optimizer = "adamw"
	AdamW8Bit      Optimizer = "adamw-8bit"
	PagedAdamW     Optimizer = "adamw-paged"
	PagedAdamW8Bit Optimizer = "adamw-8bit-paged"
	SGD            Optimizer = "sgd"
	Momentum       Optimizer = "sgd-momentum"
	Lion           Optimizer = "lion"
	Lion8Bit       Optimizer = "lion-8bit"
	Adagrad        Optimizer = "adagrad"
	Adafactor      Optimizer = "adafactor"
	Muon           Optimizer = "muon"
)

// Optimizers lists them, the usual one first.
func Optimizers() []Optimizer {
	return []Optimizer{AdamW, AdamW8Bit, SGD, Momentum, Lion, Lion8Bit, Adagrad, Adafactor, Muon, PagedAdamW, PagedAdamW8Bit}
}

// optimizerState is what an optimizer keeps: moments numbers for each weight, in 8 bits with a
// 32-bit scale for each block, or one for each row and each column of a matrix.
type optimizerState struct {
	moments  int64
	bits8    bool
	factored bool
	// paged moments stand in unified memory, of which CUDA moves to the host what a step leaves
	// no room for.
	paged bool
	// matrices is how many moments the matrices of layers have instead, 0 for as many.
	matrices int64
}

// Sources: torch.optim; bitsandbytes.optim, whose 8-bit states have blocks of 256 since 0.43, and
// whose paged states are in unified memory; Shazeer and Stern, "Adafactor" (2018), without a first
// moment, which is its default; Jordan et al., "Muon" (2024), which keeps momentum for the matrices of layers and
// leaves the others to AdamW.
var optimizerStates = map[Optimizer]optimizerState{
	AdamW: {moments: 2}, AdamW8Bit: {moments: 2, bits8: true}, PagedAdamW: {moments: 2, paged: true},
	PagedAdamW8Bit: {moments: 2, bits8: true, paged: true}, SGD: {}, Momentum: {moments: 1}, Lion: {moments: 1},
	Lion8Bit: {moments: 1, bits8: true}, Adagrad: {moments: 1}, Adafactor: {factored: true}, Muon: {moments: 2, matrices: 1},
}

// momentBlock is how many 8-bit moments share a scale.
const momentBlock = 256

// momentBytes is what the optimizer keeps for so many matrices of rows x columns, moments of
// that many bytes each where they are not of 8 bits.
func (o optimizerState) momentBytes(count, rows, columns, width int64, part model.Part) int64 {
	n, moments := count*rows*columns, o.moments
	if o.matrices > 0 && columns > 1 && (part == model.AttentionPart || part == model.MLPPart || part == model.ExpertsPart) {
		moments = o.matrices
	}
	switch {
	case o.factored && columns > 1:
		return count * (rows + columns) * width
	case o.factored:
		return n * width
	case o.bits8:
		return moments * (n + 4*ceilDiv(n, momentBlock))
	}
	return moments * n * width
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
