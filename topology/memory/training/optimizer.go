package training

import "github.com/ashlar-dev/ashlar/topology/memory/model"

// Optimizer is how weights are updated.
type Optimizer string

// The optimizers.
const (
	AdamW     Optimizer = "adamw"
	AdamW8Bit Optimizer = "adamw-8bit"
	SGD       Optimizer = "sgd"
	Momentum  Optimizer = "sgd-momentum"
	Lion      Optimizer = "lion"
	Lion8Bit  Optimizer = "lion-8bit"
	Adagrad   Optimizer = "adagrad"
	Adafactor Optimizer = "adafactor"
)

// Optimizers lists them, the usual one first.
func Optimizers() []Optimizer {
	return []Optimizer{AdamW, AdamW8Bit, SGD, Momentum, Lion, Lion8Bit, Adagrad, Adafactor}
}

// optimizerState is what an optimizer keeps: Moments numbers for each weight, in 8 bits with a
// 32-bit scale for each block, or one for each row and each column of a matrix.
type optimizerState struct {
	moments  int64
	bits8    bool
	factored bool
}

// Sources: torch.optim; bitsandbytes.optim, whose 8-bit states have blocks of 256 since 0.43;
// Shazeer and Stern, "Adafactor" (2018), without a first moment, which is its default.
var optimizerStates = map[Optimizer]optimizerState{
	AdamW: {moments: 2}, AdamW8Bit: {moments: 2, bits8: true}, SGD: {}, Momentum: {moments: 1}, Lion: {moments: 1},
	Lion8Bit: {moments: 1, bits8: true}, Adagrad: {moments: 1}, Adafactor: {factored: true},
}

// momentBlock is how many 8-bit moments share a scale.
const momentBlock = 256

// momentBytes is what the optimizer keeps for Count matrices of rows x columns, moments of
// that many bytes each where they are not of 8 bits.
func (o optimizerState) momentBytes(t *model.Tensor, width int64) int64 {
	n := t.Elements()
	switch {
	case o.factored && t.Columns > 1:
		return t.Count * (t.Rows + t.Columns) * width
	case o.factored:
		return n * width
	case o.bits8:
		return o.moments * (n + 4*ceilDiv(n, momentBlock))
	}
	return o.moments * n * width
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
