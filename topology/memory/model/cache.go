package model

import "github.com/ashlar-dev/ashlar/topology"

// Attention is what a layer looks back at, which decides what it caches.
type Attention int8

// The kinds of attention, by what they keep.
const (
	// NoCache: encoder layers, and layers that read another layer's cache.
	NoCache Attention = iota
	// FullAttention keeps keys and values of every token.
	FullAttention
	// SlidingAttention keeps those of the last Window tokens.
	SlidingAttention
	// ChunkedAttention keeps those of the current chunk of Window tokens.
	ChunkedAttention
	// LatentAttention keeps one compressed vector per token (multi-head latent attention).
	LatentAttention
	// RecurrentState keeps a fixed amount per request (linear attention, Mamba).
	RecurrentState
	// CrossAttention keeps keys and values of the encoder's output once per request.
	CrossAttention
)

// Cache is what one layer keeps for the tokens of a request.
type Cache struct {
	Attention Attention
	// KVHeads, KeyDim and ValueDim shape FullAttention, SlidingAttention, ChunkedAttention and
	// CrossAttention.
	KVHeads, KeyDim, ValueDim int64
	// Window is in tokens: the window of Sliding, the chunk of Chunked, the encoder's
	// length of CrossAttention.
	Window int64
	// LatentDim is the width of Latent's vector, rotary part included.
	LatentDim int64
	// IndexBytes is what a sparse-attention indexer keeps per token beside Latent.
	IndexBytes int64
	// ConvElements and StateElements are State's numbers per request, before tensor
	// parallelism divides them: the convolution's tail and the recurrent state.
	ConvElements, StateElements int64
	// ConvChannels is by how many numbers each draft token lengthens the convolution's tail.
	ConvChannels int64
	// StateBits is how wide StateElements are kept; 0 as wide as activations.
	StateBits int64
}

// StateBytes is what a State layer keeps per request on each of degree GPUs, where so many
// tokens are drafted at once.
func (c Cache) StateBytes(degree, drafted int64) topology.Bytes {
	bits := c.StateBits
	if bits == 0 {
		bits = 16
	}
	return topology.Bytes(2*ceilDiv(c.ConvElements+drafted*c.ConvChannels, degree) + ceilDiv(ceilDiv(c.StateElements, degree)*bits, 8))
}
