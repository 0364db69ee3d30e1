package memory

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Server is a model and how it is started: all that does not depend on the GPU. It
// is immutable and can be asked about many GPUs.
type Server struct {
	Model *model.Model
	// Draft is the model that drafts for it, nil without one.
	Draft  *model.Model
	Launch Launch

	parallel model.Parallel
	stages   []pipelineStage
	// published is by how much the model's files are larger than what its tensors add up to.
	published float64
	// loading is what one GPU holds of the weights before they are quantised, 0 where they
	// never stand there as they are in the files.
	loading topology.Bytes
}

// pipelineStage is what one GPU of a pipeline stage holds.
type pipelineStage struct {
	weights [model.PartCount]topology.Bytes
	layers  []layerRange
	caches  []layerCaches
}

// layerRange is a run of equal layers of a stage.
type layerRange struct {
	layer *model.Layer
	count int64
}

// NewServer checks that the launch makes sense for the model. Errors name the field. A
// launch may draft with a model that the catalogue has; another one needs NewServerWithDraft.
func NewServer(m *model.Model, l Launch) (*Server, error) {
	var draft *model.Model
	if l.Draft != "" && l.Draft != OwnDraft {
		if known, err := model.Known(l.Draft); err == nil {
			draft = known
		}
	}
	return NewServerWithDraft(m, draft, l)
}

// NewServerWithDraft is NewServer for speculative decoding with a draft model, which
// the last pipeline stage holds beside its own layers.
func NewServerWithDraft(m, draft *model.Model, l Launch) (*Server, error) {
	if m == nil {
		return nil, errors.New("no model")
	}
	if l.Draft != "" && l.Draft != OwnDraft && draft == nil {
		return nil, fmt.Errorf("field Draft is %q: the size of that model is not known", l.Draft)
	}
	if l.Draft == OwnDraft && m.DraftLayers == 0 {
		return nil, fmt.Errorf("field Draft is %q: the model has no draft layers", l.Draft)
	}
	if err := l.checkLaunch(m); err != nil {
		return nil, err
	}
	if l.Engine == "" {
		l.Engine = VLLM
	}
	if _, known := engineAccounts[l.Engine]; !known {
		return nil, fmt.Errorf("Engine is %q: known are %v", l.Engine, Engines())
	}
	if l.KVFormat == KVAuto && m.CacheFP8 && l.takesCacheFormat() {
		l.KVFormat = KVFP8
	}
	l.TensorParallel, l.PipelineParallel = max(1, l.TensorParallel), max(1, l.PipelineParallel)
	l.DataParallel, l.ContextParallel = max(1, l.DataParallel), max(1, l.ContextParallel)
	s := &Server{Model: m, Draft: draft, Launch: l, published: m.PublishedShare()}
	s.parallel = model.Parallel{Tensor: l.TensorParallel, Pipeline: l.PipelineParallel, Expert: 1}
	if l.ExpertParallel {
		s.parallel.Expert = l.TensorParallel * l.DataParallel
	}
	first := int64(0)
	for i := range l.PipelineParallel {
		count := stageLayers(&l, int64(len(m.Order)), i)
		s.stages = append(s.stages, s.pipelineStageOf(first, count))
		first += count
	}
	s.loading = s.unquantisedBytes()
	return s, nil
}

// GPUs is how many GPUs one replica of the server takes.
func (s *Server) GPUs() int64 { return s.parallel.Tensor * s.parallel.Pipeline }

// stageLayers is how many of n layers the i-th stage has. What does not divide
// evenly goes to the stages before the last one, which also holds the output head.
func stageLayers(l *Launch, n, i int64) int64 {
	if len(l.StageLayers) > 0 {
		return l.StageLayers[i]
	}
	stages := l.PipelineParallel
	count := n / stages
	if fromEnd := stages - i; fromEnd >= 2 && fromEnd < n%stages+2 {
		count++
	}
	return count
}

func (s *Server) pipelineStageOf(first, count int64) pipelineStage {
	m := s.Model
	last := first+count == int64(len(m.Order))
	out := pipelineStage{}
	for i := range m.Outer {
		t := &m.Outer[i]
		if s.holdsTensor(t, first == 0, last) {
			out.weights[t.Part] += s.perGPU(t)
		}
	}
	counts := make([]int64, len(m.Layers))
	for _, layer := range m.Order[first : first+count] {
		counts[layer]++
	}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		layer := &m.Layers[i]
		out.layers = append(out.layers, layerRange{layer, n})
		for j := range layer.Tensors {
			t := &layer.Tensors[j]
			out.weights[t.Part] += topology.Bytes(n) * s.perGPU(t)
		}
		for _, cache := range layer.Caches {
			out.addCache(s, cache, n)
		}
	}
	if last && s.Launch.Draft == OwnDraft {
		out.addCache(s, s.draftLayerCache(), s.Model.DraftLayers)
	}
	if last && s.Draft != nil {
		out.addDraft(s)
	}
	return out
}

// addDraft adds the draft model.
func (st *pipelineStage) addDraft(s *Server) {
	share := s.Draft.PublishedShare()
	for i := range s.Draft.Outer {
		st.weights[model.DraftPart] += s.perGPUOf(&s.Draft.Outer[i], share)
	}
	for _, kind := range s.Draft.Order {
		layer := &s.Draft.Layers[kind]
		for i := range layer.Tensors {
			st.weights[model.DraftPart] += s.perGPUOf(&layer.Tensors[i], share)
		}
		for _, cache := range layer.Caches {
			st.addCache(s, cache, 1)
		}
	}
}

// OwnDraft is the Draft of a model that brings its own draft layers.
const OwnDraft = "mtp"

// draftLayerCache is what a draft layer caches: what the model's last layer does.
func (s *Server) draftLayerCache() model.Cache {
	order := s.Model.Order
	for i := len(order) - 1; i >= 0; i-- {
		for _, cache := range s.Model.Layers[order[i]].Caches {
			if cache.Attention == model.FullAttention || cache.Attention == model.LatentAttention {
				return cache
			}
		}
	}
	return model.Cache{}
}

// holdsTensor says whether a tensor outside the layers is on a stage.
func (s *Server) holdsTensor(t *model.Tensor, first, last bool) bool {
	switch t.Part {
	case model.EmbeddingPart:
		return first || last && s.Model.Tied
	case model.TowerPart:
		return first && !s.Launch.LanguageOnly
	case model.DraftPart:
		// Draft layers use the model's own embedding and head.
		return last && s.Launch.Draft == OwnDraft && t.Split != model.SplitVocabulary
	case model.HeadPart:
		return last
	}
	return first || last
}

// perGPU is what one GPU holds of a tensor once the engine has converted it.
func (s *Server) perGPU(t *model.Tensor) topology.Bytes { return s.perGPUOf(t, s.published) }

// perGPUOf is perGPU for a model whose files are of so large a share of what its tensors add up to.
func (s *Server) perGPUOf(t *model.Tensor, published float64) topology.Bytes {
	count, rows, columns := t.Local(s.parallel)
	format := s.loadedFormat(t)
	bytes := topology.Bytes(count) * format.Bytes(rows, columns)
	if format == t.Format && published != 1 {
		return topology.Bytes(float64(bytes) * published)
	}
	return bytes
}

// loadedFormat is how the engine stores a tensor: quantised while loading if so asked,
// and otherwise converted to the stated dtype. Engines that serve language models
// turn 32-bit files into 16 bits.
func (s *Server) loadedFormat(t *model.Tensor) model.Format {
	format := t.Format
	if format.Quantised() {
		return format
	}
	linear := t.Columns > 1 && t.Part != model.EmbeddingPart && t.Part != model.HeadPart && t.Part != model.OtherPart &&
		t.Part != model.TowerPart
	if quantised, ok := s.quantisedFormat(t); ok && linear {
		return quantised
	}
	switch {
	case s.Launch.isInt8() && t.Columns > 1 && t.Part != model.OtherPart:
		return model.INT8
	case s.Launch.Dtype == "float32":
		return model.Bits32
	case s.Launch.Dtype == "float16", s.Launch.Dtype == "bfloat16":
		return model.Bits16
	case s.Launch.Engine.halvesWeights() && format == model.Bits32:
		return model.Bits16
	case !s.Launch.Engine.LoadsOnly() && format == model.Bits32 && s.Model.Kind != model.EncoderKind:
		return model.Bits16
	}
	return format
}

// KVPerToken is the keys and values of one more token of a long request on the
// fullest GPU. Layers that keep a window or a state do not grow, unless all do keep a
// window: then it is what a token takes until the window is full.
func (s *Server) KVPerToken() topology.Bytes {
	var most topology.Bytes
	for i := range s.stages {
		most = max(most, s.stages[i].bytesPerToken())
	}
	return most
}

func (st *pipelineStage) bytesPerToken() topology.Bytes {
	var full, windowed topology.Bytes
	for _, c := range st.caches {
		bytes := topology.Bytes(cappedProduct(int64(c.token-c.index), c.layers))
		switch c.attention {
		case model.FullAttention:
			full += bytes
		case model.SlidingAttention, model.ChunkedAttention:
			windowed += bytes
		}
	}
	if full == 0 {
		return windowed
	}
	return full
}
