package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

// checkSane is what holds for every model that Parse returns, whatever it read.
func checkSane(t *testing.T, name string, m *Model) {
	t.Helper()
	const most = topology.Bytes(1) << 52
	require.Positive(t, m.Parameters(), name)
	require.LessOrEqual(t, m.Parameters(), int64(maxParameters), name)
	require.Positive(t, m.Stored(), name)
	require.Less(t, m.Stored(), most, name)
	require.LessOrEqual(t, m.Loaded(), m.Stored(), name)
	require.LessOrEqual(t, len(m.Order), maxLayers, name)
	for _, n := range []int64{m.Hidden, m.Vocabulary, m.Heads, m.HeadDim, m.MaxPositions, m.FeedForward, m.ActiveExperts, m.ExpertWidth,
		m.DraftLayers, m.RotaryDim} {
		require.GreaterOrEqual(t, n, int64(0), name)
	}
	require.Positive(t, m.Hidden, name)
	require.LessOrEqual(t, len(m.Layers), 256, name)
	for _, layer := range m.Order {
		require.Less(t, int(layer), len(m.Layers), name)
	}
	m.eachTensor(func(tensor *Tensor, _ int64) { saneTensor(t, name, tensor) })
	for _, layer := range m.Layers {
		for _, cache := range layer.Caches {
			saneCache(t, name, cache)
		}
	}
}

// saneTensor: dividing a tensor never loses a part of it, and more GPUs never hold
// more of it each.
func saneTensor(t *testing.T, name string, tensor *Tensor) {
	t.Helper()
	if tensor.Rows <= 0 || tensor.Columns <= 0 || tensor.Count <= 0 {
		t.Fatalf("%s: %s has %d x %d x %d numbers", name, tensor.Name, tensor.Count, tensor.Rows, tensor.Columns)
	}
	for _, p := range []Parallel{{1, 1, 1}, {1, 1, 4}} {
		before := tensor.PerGPU(p)
		for p.Tensor = 1; p.Tensor <= 64; p.Tensor *= 2 {
			per := tensor.PerGPU(p)
			gpus := p.Tensor
			if tensor.Routed && p.Expert > 1 {
				gpus = p.Expert
			}
			if per <= 0 || per > before || per*topology.Bytes(gpus) < tensor.Bytes() {
				t.Fatalf("%s: %s takes %d bytes in files, %d on each of %d GPUs, %d before", name, tensor.Name, tensor.Bytes(), per, gpus, before)
			}
			before = per
		}
	}
}

func saneCache(t *testing.T, name string, c Cache) {
	t.Helper()
	for _, n := range []int64{c.KVHeads, c.KeyDim, c.ValueDim, c.Window, c.LatentDim, c.IndexBytes, c.ConvElements, c.StateElements,
		c.StateBits} {
		require.GreaterOrEqual(t, n, int64(0), "%s: %+v", name, c)
		require.LessOrEqual(t, n, int64(1)<<61, "%s: %+v", name, c)
	}
	switch c.Attention {
	case FullAttention, CrossAttention:
		require.Positive(t, c.KVHeads*(c.KeyDim+c.ValueDim), "%s: %+v", name, c)
	case SlidingAttention, ChunkedAttention:
		require.Positive(t, c.KVHeads*(c.KeyDim+c.ValueDim), "%s: %+v", name, c)
		require.Positive(t, c.Window, "%s: %+v", name, c)
	case LatentAttention:
		require.Positive(t, c.LatentDim, "%s: %+v", name, c)
	case RecurrentState:
		require.Positive(t, c.ConvElements+c.StateElements, "%s: %+v", name, c)
	}
}
