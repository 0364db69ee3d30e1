package memory

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// leastCompute is the compute capability from which vLLM has kernels, by the model's
// quantisation. Source: get_min_capability in vllm/model_executor/layers/quantization.
var leastCompute = map[string]topology.ComputeCapability{
	"":           {Major: 7},
	"fp8":        {Major: 8},
	"fbgemm_fp8": {Major: 8},
	"awq":        {Major: 7, Minor: 5},
	// By the kernels for 4-bit integers and 8-bit floats.
	"compressed-tensors": {Major: 8},
	"mxfp4":              {Major: 8},
	"modelopt":           {Major: 8},
	"nvfp4":              {Major: 8},
	"modelopt_fp4":       {Major: 8},
	"modelopt_mixed":     {Major: 8},
}

var (
	turingCompute = topology.ComputeCapability{Major: 7, Minor: 5}
	leastBfloat16 = topology.ComputeCapability{Major: 8}
)

// noFloat16 are the model types whose numbers overflow in float16, which vLLM refuses.
// Source: _FLOAT16_NOT_SUPPORTED_MODELS in vllm/config.
var noFloat16 = map[string]bool{"gemma2": true, "gemma3": true, "gemma3_text": true, "glm4": true, "plamo2": true}

// StartRefusal says why the engine starts with the model on no GPU at all; "" if it does on some.
func (s *Server) StartRefusal() string {
	if because := s.schemeRefusal(); because != "" {
		return because
	}
	if s.Launch.Engine == VLLM && s.Launch.Dtype == "float16" && noFloat16[s.Model.Type] {
		return fmt.Sprintf("--dtype float16: vLLM refuses it for %s, whose numbers overflow in it", s.Model.Type)
	}
	return ""
}

// RunsAsFloat16 reports whether the engine converts a model of 16-bit brain floats to
// float16 by itself on the GPU, which has none. Sources: _resolve_auto_dtype in
// vllm/config/model.py, and before it vLLM pull request 17265, which v0.9 is the first
// release with; load_model in sglang/srt/model_executor/model_runner.py.
func (l *Launch) RunsAsFloat16(compute topology.ComputeCapability) bool {
	if compute == (topology.ComputeCapability{}) || !compute.Less(leastBfloat16) {
		return false
	}
	return l.Engine == SGLang || l.Engine == VLLM && l.Dtype == "" && !l.Version.Before(0, 9)
}

// unsupportedReason says why the engine cannot run the model on the GPU; "" if it can, or
// if the GPU's capability or the engine's needs are not known.
func (s *Server) unsupportedReason(g GPU) string {
	if because := s.StartRefusal(); because != "" {
		return because
	}
	if because := s.unsupportedCompute(g); because != "" {
		return because
	}
	if free := g.Total - ContextSize; g.Total > 0 && s.loading > free {
		return fmt.Sprintf("vLLM before 0.14 loads %s of weights as they are in the files before it turns them into fp8, and %s are free: "+
			"a later release does it one by one", s.loading, free)
	}
	return ""
}

// unsupportedCompute says what the GPU's compute capability, if known, lacks for the engine.
func (s *Server) unsupportedCompute(g GPU) string {
	switch {
	case g.Compute == (topology.ComputeCapability{}):
		return ""
	case s.Launch.Engine == VLLM:
		return s.unsupportedByVLLM(g)
	case s.Launch.Engine == SGLang && g.Compute.Less(turingCompute): // load_model in model_runner.py
		return fmt.Sprintf("compute capability %s, and SGLang needs %s", g.Compute, turingCompute)
	}
	return ""
}

// unsupportedByVLLM is unsupportedReason for vLLM, on a GPU whose capability is known.
func (s *Server) unsupportedByVLLM(g GPU) string {
	least := leastCompute[""]
	for _, scheme := range []string{s.Model.Quantisation, s.Launch.Quantisation} {
		if needs, known := leastCompute[scheme]; known && least.Less(needs) {
			least = needs
		}
	}
	if scheme := s.quantisationScheme(); (scheme == "fp8" || scheme == "compressed-tensors") && !s.Launch.Version.Before(0, 14) {
		least = turingCompute // vLLM pull requests 29901 and 33076
	}
	if g.Compute.Less(leastBfloat16) && noFloat16[s.Model.Type] && s.Launch.Dtype != "float32" {
		return fmt.Sprintf("compute capability %s has no bfloat16, and %s does not run in float16: state --dtype float32, which doubles the "+
			"weights, or take a GPU of compute capability %s", g.Compute, s.Model.Type, leastBfloat16)
	}
	if g.Compute.Less(leastBfloat16) && s.Launch.Dtype == "bfloat16" { // check_if_supports_dtype in vllm/platforms/cuda.py
		return fmt.Sprintf("compute capability %s has no bfloat16, which --dtype states: state float16", g.Compute)
	}
	switch {
	case !g.Compute.Less(least):
		return ""
	case !g.Compute.Less(leastCompute[""]) && s.isQuantised():
		return fmt.Sprintf("compute capability %s, and vLLM needs %s for %s", g.Compute, least, s.quantisationScheme())
	}
	return fmt.Sprintf("compute capability %s, and vLLM needs %s", g.Compute, least)
}

func (s *Server) isQuantised() bool { return s.quantisationScheme() != "" }

func (s *Server) quantisationScheme() string {
	if s.Launch.Quantisation != "" {
		return s.Launch.Quantisation
	}
	return s.Model.Quantisation
}
