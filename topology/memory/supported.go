package memory

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// leastCompute is the compute capability from which vLLM has kernels, by the model's
// quantisation. Source: get_min_capability in vllm/model_executor/layers/quantization.
var leastCompute = map[string]topology.ComputeCapability{
	"":               {Major: 7},
	"fp8":            {Major: 8},
	"fbgemm_fp8":     {Major: 8},
	"awq":            {Major: 7, Minor: 5},
	"mxfp4":          {Major: 8},
	"modelopt":       {Major: 8},
	"nvfp4":          {Major: 8},
	"modelopt_fp4":   {Major: 8},
	"modelopt_mixed": {Major: 8},
}

var (
	turingCompute = topology.ComputeCapability{Major: 7, Minor: 5}
	leastBfloat16 = topology.ComputeCapability{Major: 8}
)

// noFloat16 are the model types whose numbers overflow in float16, which vLLM refuses.
// Source: _FLOAT16_NOT_SUPPORTED_MODELS in vllm/config.
var noFloat16 = map[string]bool{"gemma2": true, "gemma3": true, "gemma3_text": true, "glm4": true, "plamo2": true}

// unsupportedReason says why the engine cannot run the model on the GPU; "" if it can, or
// if the GPU's capability or the engine's needs are not known.
func (s *Server) unsupportedReason(g GPU) string {
	if s.Launch.Engine != VLLM || g.Compute == (topology.ComputeCapability{}) {
		return ""
	}
	least := leastCompute[""]
	for _, scheme := range []string{s.Model.Quantisation, s.Launch.Quantisation} {
		if needs, known := leastCompute[scheme]; known && least.Less(needs) {
			least = needs
		}
	}
	if least == leastCompute["fp8"] && s.quantisationScheme() == "fp8" && !s.Launch.Version.Before(0, 14) {
		least = turingCompute // vLLM pull requests 29901 and 33076
	}
	if g.Compute.Less(leastBfloat16) && noFloat16[s.Model.Type] && s.Launch.Dtype != "float32" {
		return fmt.Sprintf("compute capability %s has no bfloat16, and %s does not run in float16", g.Compute, s.Model.Type)
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
