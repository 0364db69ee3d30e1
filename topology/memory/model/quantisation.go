package model

import (
	"strings"
)

// quantisation says which linear layers of a model are stored how.
type quantisation struct {
	name string
	// rules are looked at in turn; the first that has the module says how.
	rules []rule
	// layersOnly leaves everything outside the language model's layers as it is.
	layersOnly bool
	// head says that the output head is quantised too.
	head   bool
	ignore modules
}

// rule is how the modules of a set are stored.
type rule struct {
	format Format
	// modules is nil for all.
	modules *modules
	// experts limits the rule to routed experts.
	experts bool
}

// readers read quantization_config by its quant_method.
var readers = map[string]func(*fields, *quantisation){
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
func readQuantisation(f *fields) quantisation {
	q := f.object("quantization_config", "compression_config", "quantization")
	if inner := f.language(); q == nil && inner != nil {
		q = inner.object("quantization_config", "compression_config")
	}
	if q == nil {
		return quantisation{}
	}
	if nested := q.object("quantization"); nested != nil { // as in hf_quant_config.json
		q = nested.under(map[string]any{"quant_method": "modelopt"})
	}
	method := strings.ToLower(q.text("quant_method"))
	if method == "" && q.has("quant_algo") {
		method = "modelopt"
	}
	out := quantisation{name: method}
	for _, key := range []string{"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules", "llm_int8_skip_modules"} {
		out.ignore.add(q, key, q.strings(maxNames, []string{key})...)
	}
	read, known := readers[method]
	if !known {
		reason := "it is not known here"
		if other, isOther := otherMethods[method]; isOther {
			reason = other
		}
		q.fail("quant_method", "the size of %q cannot be told from config.json, because %s: state it with a safetensors index", method, reason)
		return out
	}
	read(q, &out)
	return out
}

// everywhere quantises every linear layer alike.
func (q *quantisation) everywhere(format Format) { q.rules = append(q.rules, rule{format: format}) }

// tooLong reports whether matching modules against patterns was given up.
func (q *quantisation) tooLong() bool {
	matches := q.ignore.matches
	for _, rule := range q.rules {
		if rule.modules != nil {
			matches = max(matches, rule.modules.matches)
		}
	}
	return matches > maxMatches
}

// of is how a linear layer is stored that would take plain without quantisation.
func (q *quantisation) of(names []string, t *Tensor, plain Format) Format {
	switch {
	case len(q.rules) == 0, t.Part == Embedding, t.Part == Head && !q.head:
		return plain
	case t.Part == Tower && (q.layersOnly || q.ignore.towers):
		return plain
	case q.ignore.have(names):
		return plain
	}
	for _, rule := range q.rules {
		if (!rule.experts || t.Routed) && (rule.modules == nil || rule.modules.have(names)) {
			return rule.format
		}
	}
	return plain
}
