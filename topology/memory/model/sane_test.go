package model

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
)

// checkSane is what holds for every model that Parse returns, whatever it read.
func checkSane(t *testing.T, name string, m *Model) {
	t.Helper()
	const most = topology.Bytes(1) << 52
	if got := m.Parameters(); got <= 0 {
		t.Fatalf("%v: m.Parameters() = %v, want more than 0", name, got)
	}
	if got := m.Parameters(); got > int64(maxParameters) {
		t.Fatalf("%v: m.Parameters() = %v, want at most %v", name, got, int64(maxParameters))
	}
	if got := m.Stored(); got <= 0 {
		t.Fatalf("%v: m.Stored() = %v, want more than 0", name, got)
	}
	if got := m.Stored(); got >= most {
		t.Fatalf("%v: m.Stored() = %v, want less than %v", name, got, most)
	}
	if got := m.Loaded(); got > m.Stored() {
		t.Fatalf("%v: m.Loaded() = %v, want at most %v", name, got, m.Stored())
	}
	if len(m.Order) > maxLayers {
		t.Fatalf("%v: len(m.Order) = %v, want at most %v", name, len(m.Order), maxLayers)
	}
	for _, n := range []int64{m.Hidden, m.Vocabulary, m.Heads, m.HeadDim, m.MaxPositions, m.FeedForward, m.ActiveExperts, m.ExpertWidth,
		m.DraftLayers, m.RotaryDim} {
		if n < int64(0) {
			t.Fatalf("%v: n = %v, want at least %v", name, n, int64(0))
		}
	}
	if m.Hidden <= 0 {
		t.Fatalf("%v: m.Hidden = %v, want more than 0", name, m.Hidden)
	}
	if len(m.Layers) > 256 {
		t.Fatalf("%v: len(m.Layers) = %v, want at most %v", name, len(m.Layers), 256)
	}
	for _, layer := range m.Order {
		if got := int(layer); got >= len(m.Layers) {
			t.Fatalf("%v: int(layer) = %v, want less than %v", name, got, len(m.Layers))
		}
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
		if n < int64(0) {
			t.Fatalf("%s: %+v: n = %v, want at least %v", name, c, n, int64(0))
		}
		if n > int64(1)<<61 {
			t.Fatalf("%s: %+v: n = %v, want at most %v", name, c, n, int64(1)<<61)
		}
	}
	switch c.Attention {
	case FullAttention, CrossAttention:
		if c.KVHeads*(c.KeyDim+c.ValueDim) <= 0 {
			t.Fatalf("%s: %+v: c.KVHeads * (c.KeyDim + c.ValueDim) = %v, want more than 0", name, c, c.KVHeads*(c.KeyDim+c.ValueDim))
		}
	case SlidingAttention, ChunkedAttention:
		if c.KVHeads*(c.KeyDim+c.ValueDim) <= 0 {
			t.Fatalf("%s: %+v: c.KVHeads * (c.KeyDim + c.ValueDim) = %v, want more than 0", name, c, c.KVHeads*(c.KeyDim+c.ValueDim))
		}
		if c.Window <= 0 {
			t.Fatalf("%s: %+v: c.Window = %v, want more than 0", name, c, c.Window)
		}
	case LatentAttention:
		if c.LatentDim <= 0 {
			t.Fatalf("%s: %+v: c.LatentDim = %v, want more than 0", name, c, c.LatentDim)
		}
	case RecurrentState:
		if c.ConvElements+c.StateElements <= 0 {
			t.Fatalf("%s: %+v: c.ConvElements + c.StateElements = %v, want more than 0", name, c, c.ConvElements+c.StateElements)
		}
	}
}
