package model

import "github.com/ashlar-dev/ashlar/topology"

// Kind is what a model does, as far as memory goes.
type Kind int8

// The kinds of model.
const (
	DecoderKind Kind = iota
	EncoderKind
	EncoderDecoder
	VisionKind
)

func (k Kind) String() string {
	return [...]string{"decoder", "encoder", "encoder-decoder", "vision"}[k]
}

// Layer is one layer of a model: what it weighs and what it caches.
type Layer struct {
	Tensors []Tensor
	// Caches has one entry for most layers; two where a layer attends in two ways,
	// as a decoder does that also looks at its encoder.
	Caches []Cache
}

// Model is what a model server loads. It is immutable once built.
type Model struct {
	// Name is how the model was asked for; "" for a bare config.json.
	Name string
	// Type is config.json's model_type.
	Type string
	Kind Kind

	// Layers are the distinct layers, and Order says which of them comes where.
	// Models repeat few layers many times.
	Layers []Layer
	Order  []uint8

	// Outer are the tensors outside the layers: embedding, head, norms, towers.
	Outer []Tensor
	// Tied says that the output head is the embedding, kept once.
	Tied bool

	Hidden, Vocabulary, Heads, MaxPositions int64
	// HeadDim is the width of a query head, or of its rotary part where they differ.
	HeadDim int64
	// FeedForward is the width of the widest dense feed-forward layer, shared experts
	// included, in features.
	FeedForward int64
	// ActiveExperts is how many experts a token visits, and ExpertWidth how wide each
	// of them is; 0 without experts.
	ActiveExperts, ExpertWidth int64
	// Tower is what a vision tower looks at; zero without one.
	Tower Pictures
	// Media are the largest pictures, videos and sounds that the model takes, as far as they are known.
	Media []MediaItem
	// MediaWidth is how many numbers the tower gives the language model for each vector; 0 for Hidden.
	MediaWidth int64
	// DraftLayers is how many layers the model brings for speculative decoding.
	DraftLayers int64
	// RotaryDim is the width of the rotary table; 0 without one. RotaryTables is how many times
	// MaxPositions it is long; 0 for once.
	RotaryDim, RotaryTables int64
	// Format is how what is not quantised is stored: the model's own dtype.
	Format Format
	// CacheFP8 says that the checkpoint states a KV cache of 8 bits.
	CacheFP8 bool
	// Quantisation names the scheme, "" without one.
	Quantisation string
	// Published is the size of the model's files when it was read from them, which
	// then stands above what the tensors add up to; 0 otherwise.
	Published topology.Bytes
}

// Pictures is the largest image that a vision tower takes at once, in patches, and the
// widths of the tower's layers.
type Pictures struct {
	Patches, Hidden, FeedForward int64
	// Patch is how many pixels one is across, Inputs how many numbers it is made of.
	Patch, Inputs int64
	// Gated says that its feed-forward layers have three matrices.
	Gated bool
	// Windowed says that its layers look at windows, for which patches are put into another order.
	Windowed bool
}

// Parameters is how many numbers the model has, draft layers included.
func (m *Model) Parameters() int64 {
	var sum int64
	m.eachTensor(func(t *Tensor, times int64) { sum += times * t.Elements() })
	return sum
}

// Stored is what the model's files take: every tensor once, draft layers included.
func (m *Model) Stored() topology.Bytes {
	if m.Published > 0 {
		return m.Published
	}
	return m.countedBytes(true)
}

// Loaded is what a server on a single GPU keeps of the files: all but the draft layers.
func (m *Model) Loaded() topology.Bytes {
	return m.scaledBytes(m.countedBytes(false))
}

func (m *Model) countedBytes(draft bool) topology.Bytes {
	var sum topology.Bytes
	m.eachTensor(func(t *Tensor, times int64) {
		if t.Part != DraftPart || draft {
			sum += topology.Bytes(times) * t.Bytes()
		}
	})
	return sum
}

// scaledBytes corrects counted bytes by how far the files differ from the count.
func (m *Model) scaledBytes(counted topology.Bytes) topology.Bytes {
	if m.Published == 0 {
		return counted
	}
	return topology.Bytes(float64(counted) * (float64(m.Published) / float64(m.countedBytes(true))))
}

// PublishedShare is how large the model's files are, as a share of what its tensors add up to; 1 where their size is not known.
func (m *Model) PublishedShare() float64 {
	counted := m.countedBytes(true)
	if m.Published == 0 || counted == 0 {
		return 1
	}
	return float64(m.Published) / float64(counted)
}

func (m *Model) eachTensor(visit func(t *Tensor, times int64)) {
	for i := range m.Outer {
		visit(&m.Outer[i], 1)
	}
	times := make([]int64, len(m.Layers))
	for _, layer := range m.Order {
		times[layer]++
	}
	for layer := range m.Layers {
		for i := range m.Layers[layer].Tensors {
			visit(&m.Layers[layer].Tensors[i], times[layer])
		}
	}
}
