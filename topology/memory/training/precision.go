package training

// Precision is in which widths numbers are kept.
type Precision string

// The precisions.
const (
	// MixedPrecision computes in 16 bits and updates a 32-bit copy of the weights, as DeepSpeed,
	// Megatron-LM and FSDP do it.
	MixedPrecision Precision = "mixed"
	// LossScaled is MixedPrecision with float16 and a scaled loss, for GPUs without bfloat16.
	LossScaled Precision = "fp16"
	// Autocast keeps weights and gradients in 32 bits and casts what is multiplied, as
	// torch.autocast and the Trainer of Transformers do it without DeepSpeed.
	Autocast Precision = "amp"
	// HalfPrecision keeps everything in 16 bits, the optimizer's moments too.
	HalfPrecision Precision = "bf16"
	// SinglePrecision keeps everything in 32 bits.
	SinglePrecision Precision = "fp32"
	// EightBits is MixedPrecision whose linear layers multiply in 8 bits: their weights are cast
	// layer by layer, and nothing is kept in 8 bits.
	EightBits Precision = "fp8"
)

// precisionWidths are bytes a number takes: of a weight and its gradient, of the copy that is
// updated, of the copy that is multiplied, of a moment, and of what a layer keeps.
type precisionWidths struct{ weight, master, cast, moment, kept int64 }

// Sources: Rajbhandari et al., "ZeRO" (2020), section 3.1, for the 16 bytes of mixed precision;
// "Anatomy of Model's Memory" of Transformers' documentation for the 18 bytes of autocast, whose
// cache holds a 16-bit copy of each weight until the backward pass is over; torchtune's memory
// optimization overview for all in 16 bits; torchtitan's tables of Llama 3.1 8B, where Float8
// changes memory by 0.2GiB of 77.
var widthsOf = map[Precision]precisionWidths{
	MixedPrecision:  {weight: 2, master: 4, moment: 4, kept: 2},
	LossScaled:      {weight: 2, master: 4, moment: 4, kept: 2},
	Autocast:        {weight: 4, cast: 2, moment: 4, kept: 2},
	HalfPrecision:   {weight: 2, moment: 2, kept: 2},
	SinglePrecision: {weight: 4, moment: 4, kept: 4},
	EightBits:       {weight: 2, master: 4, moment: 4, kept: 2},
}

// Precisions lists them, the usual one first.
func Precisions() []Precision {
	return []Precision{MixedPrecision, LossScaled, Autocast, HalfPrecision, SinglePrecision, EightBits}
}

func (s *Settings) numberWidths() precisionWidths { return widthsOf[s.Precision] }
