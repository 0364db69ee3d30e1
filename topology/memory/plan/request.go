package plan

import (
	"bytes"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Request is a model server to find GPUs for.
type Request struct {
	Model *model.Model
	// Config is the model's config.json, nil if there is none.
	Config []byte
	Launch memory.Launch
	Demand memory.Demand
	// SingleGPU says that Launch.TensorParallel is 1 because GPUs are asked about one by
	// one, rather than because the server states it: more of them may be hinted at.
	SingleGPU bool
}

// DefaultEngine is what serves a model where no engine is stated.
func DefaultEngine(m *model.Model) memory.Engine {
	switch {
	case m.Kind == model.VisionKind, m.Kind == model.EncoderKind && !embeddingTypes[m.Type]:
		return memory.Plain
	case m.Kind == model.EncoderKind:
		return memory.TEI
	case m.Type == "whisper":
		return memory.CTranslate2
	}
	return memory.VLLM
}

// embeddingTypes are the types of text encoders that Text Embeddings Inference serves. Source: "Supported
// models" of its documentation.
var embeddingTypes = map[string]bool{
	"bert": true, "camembert": true, "roberta": true, "xlm-roberta": true, "distilbert": true, "mpnet": true, "modernbert": true,
	"nomic_bert": true, "new": true, "gte": true,
}

// CanServe reports whether an engine serves models of that kind.
func CanServe(engine memory.Engine, m *model.Model) bool {
	switch engine {
	case memory.Plain:
		return true
	case memory.TEI, memory.Infinity:
		return m.Kind == model.EncoderKind
	case memory.CTranslate2:
		return m.Type == "whisper"
	case memory.Triton:
		return m.Kind != model.DecoderKind
	}
	return m.Kind != model.VisionKind
}

// lacksBfloat16 reports whether the model's numbers are bfloat16, and the offer's GPU has none.
func (r *Request) lacksBfloat16(offer *Offer) bool {
	return lacksBfloat16(offer) && bytes.Contains(r.Config, []byte(`"bfloat16"`))
}

// lacksBfloat16 reports whether an offer's GPU has no bfloat16.
func lacksBfloat16(offer *Offer) bool {
	return offer.GPU.Compute != (topology.ComputeCapability{}) && offer.GPU.Compute.Less(topology.ComputeCapability{Major: 8})
}
