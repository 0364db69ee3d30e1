package model

import "github.com/ashlar-dev/ashlar/topology"

// Split says what becomes of a tensor under tensor parallelism.
type Split int8

// How tensors are divided over the GPUs of a tensor-parallel group, as vLLM,
// SGLang and TGI do it.
const (
	// SplitNone: every GPU holds all of it (norms, routers, latent down-projections).
	SplitNone Split = iota
	// SplitRows: the output features are divided (q, gate, up).
	SplitRows
	// SplitColumns: the input features are divided (o, down).
	SplitColumns
	// SplitKVHeads: divided by heads until each GPU holds one, then replicated.
	SplitKVHeads
	// SplitVocabulary: rows are padded to a multiple of VocabularyPadding and divided.
	SplitVocabulary
)

// VocabularyPadding is the multiple to which engines round the vocabulary up.
const VocabularyPadding = 64

// Part is the line of an estimate to which a tensor belongs.
type Part int8

// The parts of a model.
const (
	EmbeddingPart Part = iota
	AttentionPart
	MLPPart
	ExpertsPart
	OtherPart // norms, routers, position tables
	HeadPart
	TowerPart // vision or audio encoder and its projector
	DraftPart // multi-token prediction layers, loaded only for speculative decoding
	PartCount
)

var partNames = [PartCount]string{"embedding", "attention", "MLP", "experts", "norms and routers", "output head",
	"vision or audio tower", "draft layers"}

func (p Part) String() string { return partNames[p] }

// Tensor is one weight of a model, or Count equal ones.
type Tensor struct {
	// Name is the tensor's name within its layer, as model files spell it, for
	// example "self_attn.q_proj".
	Name string
	Part Part
	// Rows are output and Columns input features; a vector has one column.
	Rows, Columns int64
	Count         int64
	Split         Split
	// Heads is the number of KV heads that Rows hold, for SplitKVHeads.
	Heads int64
	// Routed tensors are one per expert: expert parallelism hands out whole ones.
	Routed bool
	Format Format
}

// Parallel is how a model is spread over GPUs. Each field is at least 1.
type Parallel struct {
	// Tensor and Pipeline are the degrees of those kinds of parallelism.
	Tensor, Pipeline int64
	// Expert is over how many GPUs whole experts are handed out; 1 means that
	// experts are divided like everything else.
	Expert int64
}

// SingleGPU is a model on one GPU.
var SingleGPU = Parallel{Tensor: 1, Pipeline: 1, Expert: 1}

// Elements is how many numbers the tensor holds.
func (t *Tensor) Elements() int64 { return t.Count * t.Rows * t.Columns }

// Bytes is what the tensor takes in the model's files.
func (t *Tensor) Bytes() topology.Bytes {
	return topology.Bytes(t.Count) * t.Format.Bytes(t.Rows, t.Columns)
}

// PerGPU is what one GPU holds of the tensor, the fullest one where it does not
// divide evenly.
func (t *Tensor) PerGPU(p Parallel) topology.Bytes {
	count, rows, columns := t.Local(p)
	return topology.Bytes(count) * t.Format.Bytes(rows, columns)
}

// Local is how many tensors of which shape one GPU holds.
func (t *Tensor) Local(p Parallel) (count, rows, columns int64) {
	count, rows, columns = t.Count, t.Rows, t.Columns
	degree := p.Tensor
	if t.Routed && p.Expert > 1 {
		count, degree = ceilDiv(count, p.Expert), 1
	}
	switch t.Split {
	case SplitRows:
		rows = ceilDiv(rows, degree)
	case SplitColumns:
		columns = ceilDiv(columns, degree)
	case SplitKVHeads:
		rows = rows / t.Heads * LocalHeads(t.Heads, degree)
	case SplitVocabulary:
		rows = ceilDiv(ceilDiv(rows, VocabularyPadding)*VocabularyPadding, degree)
	}
	return count, rows, columns
}

// LocalHeads is how many of a layer's KV heads each of degree GPUs holds: at least
// one, so that heads are replicated when there are fewer of them than GPUs.
func LocalHeads(heads, degree int64) int64 { return max(1, ceilDiv(heads, degree)) }
