package memory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// SchemeUse is what an engine does with a word that is given as its quantisation.
type SchemeUse int8

// The uses of such words.
const (
	// SchemeNotKnown is a word that the engine refuses.
	SchemeNotKnown SchemeUse = iota
	// SchemeOfFiles only confirms what the model's files are already.
	SchemeOfFiles
	// SchemeWhileLoading quantises 16-bit files while they are loaded.
	SchemeWhileLoading
	// SchemeNotCounted does something about which it is not known how many bytes it leaves.
	SchemeNotCounted
)

// schemeWord is one word of an engine's quantisation flag.
type schemeWord struct {
	use SchemeUse
	// canonical is the word that Launch.Quantisation has for it, "" for the word itself.
	canonical string
	// files are the schemes of files, as config.json names them, with which engines take
	// the word; nil for any. With plainToo, engines may also start with files that are not
	// quantised.
	files    []string
	plainToo bool
}

var (
	awqFiles      = []string{"awq", "autoawq", "awq_marlin", "auto-round"}
	gptqFiles     = []string{"gptq", "gptq_marlin", "auto-round"}
	modeloptFiles = []string{"modelopt", "modelopt_fp4", "modelopt_mixed"}
	fp8Files      = []string{"fp8"}
)

// vllmSchemes are the words of vLLM's --quantization from v0.8 on. Source: QuantizationMethods
// in vllm/model_executor/layers/quantization/__init__.py of several releases, and
// override_quantization_method of the schemes for what files they take.
var vllmSchemes = map[string]schemeWord{
	"awq": {use: SchemeOfFiles, files: awqFiles}, "awq_marlin": {use: SchemeOfFiles, files: awqFiles},
	"auto_awq": {use: SchemeOfFiles, files: awqFiles}, "cpu_awq": {use: SchemeOfFiles, files: awqFiles},
	"gptq": {use: SchemeOfFiles, files: gptqFiles}, "gptq_marlin": {use: SchemeOfFiles, files: gptqFiles},
	"gptq_marlin_24": {use: SchemeOfFiles, files: gptqFiles}, "gptq_bitblas": {use: SchemeOfFiles, files: gptqFiles},
	"auto_gptq": {use: SchemeOfFiles, files: gptqFiles}, "marlin": {use: SchemeOfFiles, files: gptqFiles},
	"bitblas":            {use: SchemeOfFiles, files: gptqFiles},
	"moe_wna16":          {use: SchemeOfFiles, files: slices.Concat(awqFiles, gptqFiles)},
	"compressed-tensors": {use: SchemeOfFiles, files: []string{"compressed-tensors"}},
	"modelopt":           {use: SchemeOfFiles, files: modeloptFiles}, "modelopt_fp4": {use: SchemeOfFiles, files: modeloptFiles},
	"modelopt_mxfp8": {use: SchemeOfFiles, files: modeloptFiles}, "modelopt_mixed": {use: SchemeOfFiles, files: modeloptFiles},
	"nvfp4": {use: SchemeOfFiles, files: modeloptFiles}, "petit_nvfp4": {use: SchemeOfFiles, files: modeloptFiles},
	"fbgemm_fp8": {use: SchemeOfFiles, files: []string{"fbgemm_fp8"}}, "deepseek_v4_fp8": {use: SchemeOfFiles, files: fp8Files},
	"auto-round": {use: SchemeOfFiles, files: []string{"auto-round"}}, "aqlm": {use: SchemeOfFiles}, "hqq": {use: SchemeOfFiles},
	"qqq": {use: SchemeOfFiles}, "quark": {use: SchemeOfFiles}, "squeezellm": {use: SchemeOfFiles}, "fp_quant": {use: SchemeOfFiles},

	"fp8":            {use: SchemeWhileLoading, files: fp8Files},
	"ptpc_fp8":       {use: SchemeWhileLoading, files: fp8Files, canonical: "fp8"},
	"fp8_per_tensor": {use: SchemeWhileLoading, files: fp8Files, canonical: "fp8"},
	"fp8_per_block":  {use: SchemeWhileLoading, files: fp8Files, canonical: "fp8"}, "fp8_per_channel": {use: SchemeWhileLoading,
		files: fp8Files, canonical: "fp8"},
	"bitsandbytes": {use: SchemeWhileLoading, files: []string{"bitsandbytes"}},
	"experts_int8": {use: SchemeWhileLoading}, "int8_per_channel_weight_only": {use: SchemeWhileLoading},
	"mxfp8": {use: SchemeWhileLoading},

	// These need no configuration in the files: mxfp4 leaves everything but routed experts as it is.
	"mxfp4":         {use: SchemeOfFiles, files: []string{"mxfp4"}, plainToo: true},
	"gpt_oss_mxfp4": {use: SchemeOfFiles, files: []string{"mxfp4"}, plainToo: true},
	"inc":           {use: SchemeOfFiles, files: []string{"auto-round"}, plainToo: true},

	"torchao": {use: SchemeNotCounted}, "online": {use: SchemeNotCounted},
	"nvfp4_per_token": {use: SchemeNotCounted}, "rtn": {use: SchemeNotCounted}, "tpu_int8": {use: SchemeNotCounted},
	"deepspeedfp": {use: SchemeNotCounted}, "ipex": {use: SchemeNotCounted}, "neuron_quant": {use: SchemeNotCounted},
	"humming": {use: SchemeNotCounted}, "gguf": {use: SchemeNotCounted},
}

// sglangSchemes are the words of SGLang's --quantization. Source: QUANTIZATION_CHOICES in
// sglang/srt/server_args.py. w8a8_fp8 quantises 16-bit files itself (W8A8Fp8Config).
var sglangSchemes = map[string]schemeWord{
	"awq": {use: SchemeOfFiles, files: awqFiles}, "awq_marlin": {use: SchemeOfFiles, files: awqFiles},
	"gptq": {use: SchemeOfFiles, files: gptqFiles}, "gptq_marlin": {use: SchemeOfFiles, files: gptqFiles},
	"marlin":    {use: SchemeOfFiles, files: gptqFiles},
	"moe_wna16": {use: SchemeOfFiles, files: slices.Concat(awqFiles, gptqFiles)},
	"w8a8_int8": {use: SchemeOfFiles, files: []string{"compressed-tensors"}},
	"w4afp8":    {use: SchemeOfFiles}, "qoq": {use: SchemeOfFiles}, "petit_nvfp4": {use: SchemeOfFiles, files: modeloptFiles},
	"compressed-tensors": {use: SchemeOfFiles, files: []string{"compressed-tensors"}},
	"auto-round":         {use: SchemeOfFiles, files: []string{"auto-round"}}, "auto-round-int8": {use: SchemeOfFiles},

	"fp8":          {use: SchemeWhileLoading, files: fp8Files},
	"w8a8_fp8":     {use: SchemeWhileLoading, files: []string{"fp8", "compressed-tensors"}},
	"bitsandbytes": {use: SchemeWhileLoading, files: []string{"bitsandbytes"}}, "mxfp8": {use: SchemeWhileLoading},

	// ModelOptModelLoader quantises 16-bit files too, if told to.
	"modelopt":       {use: SchemeOfFiles, files: modeloptFiles, plainToo: true},
	"modelopt_fp8":   {use: SchemeOfFiles, files: modeloptFiles, plainToo: true},
	"modelopt_fp4":   {use: SchemeOfFiles, files: modeloptFiles, plainToo: true},
	"modelopt_mixed": {use: SchemeOfFiles, files: modeloptFiles, plainToo: true},
	"mxfp4":          {use: SchemeOfFiles, files: []string{"mxfp4"}, plainToo: true},

	"nvfp4_online": {use: SchemeNotCounted}, "gguf": {use: SchemeNotCounted},
	"modelslim": {use: SchemeNotCounted}, "mxfp_w4a8": {use: SchemeNotCounted}, "quark": {use: SchemeNotCounted},
	"quark_int4fp8_moe": {use: SchemeNotCounted}, "quark_mxfp4": {use: SchemeNotCounted}, "mlx_q4": {use: SchemeNotCounted},
	"mlx_q8": {use: SchemeNotCounted}, "unquant": {use: SchemeNotCounted}, "humming": {use: SchemeNotCounted},
}

// tgiSchemes are the words of text-generation-launcher's --quantize (launcher/src/main.rs). It
// loads what the files are, so that only files that are not quantised contradict a word.
var tgiSchemes = map[string]schemeWord{
	"awq": {use: SchemeOfFiles}, "gptq": {use: SchemeOfFiles}, "marlin": {use: SchemeOfFiles}, "exl2": {use: SchemeOfFiles},
	"compressed-tensors": {use: SchemeOfFiles},
	"fp8":                {use: SchemeWhileLoading},
	"bitsandbytes-nf4":   {use: SchemeWhileLoading, canonical: "bitsandbytes"},
	"bitsandbytes-fp4":   {use: SchemeWhileLoading, canonical: "bitsandbytes"},
	// Integers of 8 bits.
	"bitsandbytes": {use: SchemeNotCounted, canonical: "bitsandbytes-int8"}, "eetq": {use: SchemeNotCounted},
}

// engineSchemes are the words that each engine knows.
var engineSchemes = map[Engine]map[string]schemeWord{VLLM: vllmSchemes, SGLang: sglangSchemes, TGI: tgiSchemes}

// FindScheme says what an engine does with a word that is given as its quantisation, and
// what to put into Launch.Quantisation for it. Letter case does not matter.
func FindScheme(engine Engine, word string) (quantisation string, use SchemeUse) {
	word = strings.ToLower(word)
	scheme := engineSchemes[engine][word]
	if scheme.canonical != "" {
		word = scheme.canonical
	}
	return word, scheme.use
}

// SchemeWords lists the words that an engine knows and of which the use is the given one,
// sorted.
func SchemeWords(engine Engine, use SchemeUse) []string {
	var words []string
	for word, scheme := range engineSchemes[engine] {
		if scheme.use == use {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

// mxfp8 is 8 bits and an 8-bit scale for 32 of them (OCP Microscaling).
var mxfp8 = model.Format{Bits: 8, GroupRows: 1, GroupColumns: 32, ScaleBits: 8}

// quantisedFormat is how a linear layer is stored once the launch's scheme is applied while
// loading; ok is false if the scheme leaves it as it is.
func (s *Server) quantisedFormat(t *model.Tensor) (format model.Format, ok bool) {
	switch s.Launch.Quantisation {
	case "fp8", "w8a8_fp8":
		return model.FP8Tensor, true
	case "bitsandbytes":
		return model.NF4, true
	case "mxfp8":
		return mxfp8, true
	case "int8_per_channel_weight_only":
		return model.INT8, true
	case "experts_int8":
		return model.INT8, t.Routed
	}
	return model.Format{}, false
}

// unquantisedBytes is what the fullest GPU holds before the engine quantises: vLLM until v0.14 loaded
// the whole model as it is in the files and turned it into fp8 afterwards. 0 where the
// weights are quantised one by one. Source: vLLM pull requests 29196, 31914 and 37851.
func (s *Server) unquantisedBytes() topology.Bytes {
	if s.Launch.Engine != VLLM || s.Launch.Quantisation != "fp8" || !s.Launch.Version.Before(0, 14) || s.Model.Quantisation != "" {
		return 0
	}
	plain := Server{Model: s.Model, Launch: s.Launch, parallel: s.parallel, published: s.published}
	plain.Launch.Quantisation = ""
	var most topology.Bytes
	first := int64(0)
	for i := range s.Launch.PipelineParallel {
		count := stageLayers(&s.Launch, int64(len(s.Model.Order)), i)
		stage := plain.pipelineStageOf(first, count)
		first += count
		var sum topology.Bytes
		for _, part := range plain.offloadWeights(stage.weights) {
			sum += part
		}
		most = max(most, sum)
	}
	return most
}

// quantisationFlags are the flags by which engines are told a scheme.
var quantisationFlags = map[Engine]string{VLLM: "--quantization", SGLang: "--quantization", TGI: "--quantize"}

// schemeRefusal says why the engine does not start with the scheme that it is told and
// files such as the model's; "" if it does, or that is not known. Sources:
// _verify_quantization in vllm/config/model.py and sglang's model_config.py;
// get_quant_config in vllm/model_executor/model_loader/weight_utils.py; vLLM issue 1419;
// the weights loaders of text-generation-inference.
func (s *Server) schemeRefusal() string {
	l, files := &s.Launch, s.Model.Quantisation
	scheme, known := engineSchemes[l.Engine][l.Quantisation]
	flag := fmt.Sprintf("%s %s", quantisationFlags[l.Engine], l.Quantisation)
	switch {
	case !known:
		return ""
	case files == "" && scheme.use == SchemeOfFiles && !scheme.plainToo:
		return fmt.Sprintf("%s does not quantise, it only confirms that the model's files are quantised so already, and they are not "+
			"(config.json has no quantization_config): %s", flag, howRefused(l.Engine, l.Quantisation))
	case files != "" && scheme.files != nil && !slices.Contains(scheme.files, files):
		return fmt.Sprintf("%s contradicts the model's files, which are quantised as %s: %s refuses to start; without the flag it "+
			"takes what the files are", flag, files, l.Engine.Title())
	}
	return ""
}

// howRefused is how an engine fails that finds no quantised files.
func howRefused(engine Engine, scheme string) string {
	switch {
	case engine == TGI:
		return fmt.Sprintf("%s stops with \"Cannot load `%s` weight, make sure the model is already quantized\"", engine.Title(), scheme)
	case strings.Contains(scheme, "awq") || strings.Contains(scheme, "gptq") || strings.HasPrefix(scheme, "modelopt"):
		return fmt.Sprintf("%s stops with \"Cannot find the config file for %s\"", engine.Title(), scheme)
	}
	return fmt.Sprintf("%s does not start", engine.Title())
}
