package model

import "github.com/ashlar-dev/ashlar/topology"

// Attention is what a layer looks back at, which decides what it caches.
type Attention int8

// The kinds of attention, by what they keep.
const (
	// NoCache: encoder layers, and layers that read another layer's cache.
	NoCache Attention = iota
	// Full keeps keys and values of every token.
	Full
	// Sliding keeps those of the last Window tokens.
	Sliding
	// Chunked keeps those of the current chunk of Window tokens.
	Chunked
	// Latent keeps one compressed vector per token (multi-head latent attention).
	Latent
	// State keeps a fixed amount per request (linear attention, Mamba).
	State
	// Cross keeps keys and values of the encoder's output once per request.
	Cross
)

// Cache is what one layer keeps for the tokens of a request.
type Cache struct {
	Attention Attention
	// KVHeads, KeyDim and ValueDim shape Full, Sliding, Chunked and Cross.
	KVHeads, KeyDim, ValueDim int64
	// Window is in tokens: the window of Sliding, the chunk of Chunked, the encoder's
	// length of Cross.
	Window int64
	// LatentDim is the width of Latent's vector, rotary part included.
	LatentDim int64
	// IndexBytes is what a sparse-attention indexer keeps per token beside Latent.
	IndexBytes int64
	// ConvElements and StateElements are State's numbers per request, before tensor
	// parallelism divides them: the convolution's tail and the recurrent state.
	ConvElements, StateElements int64
	// StateBits is how wide StateElements are kept; 0 as wide as activations.
	StateBits int64
}

// StateBytes is what a State layer keeps per request on each of degree GPUs.
func (c Cache) StateBytes(degree int64) topology.Bytes {
	bits := c.StateBits
	if bits == 0 {
		bits = 16
	}
	return topology.Bytes(2*ceilDiv(c.ConvElements, degree) + ceilDiv(ceilDiv(c.StateElements, degree)*bits, 8))
}
