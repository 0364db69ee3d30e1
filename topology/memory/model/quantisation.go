package model

import (
	"strings"
)

// quantisationRules says which linear layers of a model are stored how.
type quantisationRules struct {
	name string
	// rules are looked at in turn; the first that has the module says how.
	rules []formatRule
	// layersOnly leaves everything outside the language model's layers as it is.
	layersOnly bool
	// head says that the output head is quantised too.
	head   bool
	ignore moduleSet
	// cacheFP8 says that the KV cache has 8 bits.
	cacheFP8 bool
}

// formatRule is how the modules of a set are stored.
type formatRule struct {
	format Format
	// modules is nil for all.
	modules *moduleSet
	// experts limits the rule to routed experts.
	experts bool
}

// schemeReaders read quantization_config by its quant_method.
var schemeReaders = map[string]func(*configFields, *quantisationRules){
	"fp8":                readFP8,
	"fbgemm_fp8":         readFP8,
	"awq":                readGrouped,
	"autoawq":            readGrouped,
	"awq_marlin":         readGrouped,
	"gptq":               readGrouped,
	"gptq_marlin":        readGrouped,
	"auto-round":         readGrouped,
	"mxfp4":              readMXFP4,
	"bitsandbytes":       readBitsAndBytes,
	"compressed-tensors": readCompressed,
	"modelopt":           readModelOpt,
	"modelopt_fp4":       readModelOpt,
	"modelopt_mixed":     readModelOpt,
}

// otherMethods are known and not counted here, and why.
var otherMethods = map[string]string{
	"gguf":     "the layout is in the .gguf file, not in config.json",
	"hqq":      "its layout depends on settings per layer type",
	"aqlm":     "its codebooks are not described well enough",
	"quip":     "its codebooks are not described well enough",
	"vptq":     "its codebooks are not described well enough",
	"spqr":     "its outliers are not described",
	"eetq":     "it is applied while loading",
	"torchao":  "its layout is a serialised Python object",
	"quark":    "its layout is not known here",
	"higgs":    "its layout is not known here",
	"bitnet":   "its layout is not known here",
	"fp_quant": "its layout is not known here",
}

// readQuantisation reads quantization_config, and what NVIDIA's tools put elsewhere.
func readQuantisation(f *configFields) quantisationRules {
	q := f.readObject("quantization_config", "compression_config", "quantization")
	if inner := f.languageFields(); q == nil && inner != nil {
		q = inner.readObject("quantization_config", "compression_config")
	}
	if q == nil {
		return quantisationRules{}
	}
	if nested := q.readObject("quantization"); nested != nil { // as in hf_quant_config.json
		q = nested.withValuesUnder(map[string]any{"quant_method": "modelopt"})
	}
	method := strings.ToLower(q.readText("quant_method"))
	if method == "" && q.hasKey("quant_algo") {
		method = "modelopt"
	}
	out := quantisationRules{name: method, cacheFP8: statesFP8Cache(q)}
	for _, key := range []string{"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules", "llm_int8_skip_modules"} {
		out.ignore.addEntries(q, key, q.readStrings(maxNames, []string{key})...)
	}
	read, known := schemeReaders[method]
	if !known {
		reason := "it is not known here"
		if other, isOther := otherMethods[method]; isOther {
			reason = other
		}
		q.addError("quant_method", "the size of %q cannot be told from config.json, because %s: state it with a safetensors index", method,
			reason)
		return out
	}
	read(q, &out)
	return out
}

// setEverywhere quantises every linear layer alike.
func (q *quantisationRules) setEverywhere(format Format) {
	q.rules = append(q.rules, formatRule{format: format})
}

// tooLong reports whether matching modules against patterns was given up.
func (q *quantisationRules) tooLong() bool {
	matches := q.ignore.matches
	for _, rule := range q.rules {
		if rule.modules != nil {
			matches = max(matches, rule.modules.matches)
		}
	}
	return matches > maxMatches
}

// formatOf is how a linear layer is stored that would take plain without quantisation.
func (q *quantisationRules) formatOf(names []string, t *Tensor, plain Format) Format {
	switch {
	case len(q.rules) == 0, t.Part == EmbeddingPart, t.Part == HeadPart && !q.head:
		return plain
	case t.Part == TowerPart && (q.layersOnly || q.ignore.towers):
		return plain
	case q.ignore.hasAny(names):
		return plain
	}
	for _, rule := range q.rules {
		if (!rule.experts || t.Routed) && (rule.modules == nil || rule.modules.hasAny(names)) {
			return rule.format
		}
	}
	return plain
}

// statesFP8Cache reads how the KV cache is stored: kv_cache_quant_algo of ModelOpt, or kv_cache_scheme of
// compressed-tensors, which ModelOpt writes into config.json too.
func statesFP8Cache(q *configFields) bool {
	if q.hasKey("kv_cache_quant_algo") {
		return strings.EqualFold(q.readText("kv_cache_quant_algo"), "FP8")
	}
	scheme := q.readObject("kv_cache_scheme")
	return scheme != nil && scheme.readDimension("num_bits") == 8
}
