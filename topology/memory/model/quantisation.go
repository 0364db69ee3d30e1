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
		out.ignore.add(q, key, q.list(key)...)
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

func readFP8(q *fields, out *quantisation) {
	format := FP8Tensor
	if out.name == "fbgemm_fp8" {
		format = FP8Channel
		format.ScaleBits = 32
	}
	if block := q.ints("weight_block_size"); len(block) == 2 {
		format = FP8Block(block[0], block[1])
	}
	out.everywhere(format)
	out.layersOnly = true
}

// readGrouped reads the schemes of AWQ and GPTQ, whose files carry packed zero
// points whether or not they are symmetric.
func readGrouped(q *fields, out *quantisation) {
	out.head, out.layersOnly = q.flag(false, "lm_head"), true
	format := func(f *fields) Format {
		bits := f.within(1, 8, []string{"bits", "w_bit"})
		if bits == 0 {
			f.fail("bits", "missing")
		}
		grouped := Grouped(bits, groupSize(f, "group_size", "q_group_size"), bits)
		if strings.HasPrefix(out.name, "gptq") {
			grouped.ColumnBits = 32 // g_idx, the group of each input feature
		}
		return grouped
	}
	// GPTQModel's dynamic: "-:" leaves modules out, "+:" or nothing overrides.
	if dynamic := q.object("dynamic"); dynamic != nil {
		for _, key := range dynamic.keys() {
			pattern, leaveOut := strings.CutPrefix(key, "-:")
			if leaveOut {
				out.ignore.add(q, "dynamic", "re:"+pattern)
				continue
			}
			if own := dynamic.object(key); own != nil {
				set := &modules{}
				set.add(q, "dynamic", "re:"+strings.TrimPrefix(pattern, "+:"))
				out.rules = append(out.rules, rule{format: format(q.over(own.values)), modules: set})
			}
		}
	}
	out.everywhere(format(q))
}

func readMXFP4(_ *fields, out *quantisation) {
	out.rules = []rule{{format: MXFP4, experts: true}}
}

func readBitsAndBytes(q *fields, out *quantisation) {
	format := INT8
	if q.flag(false, "load_in_4bit", "_load_in_4bit") {
		format = NF4
	}
	out.everywhere(format)
}

// groupSize reads how many numbers share a scale: 128 unless stated, 0 for -1, which
// stands for a whole row.
func groupSize(q *fields, keys ...string) int64 {
	_, value := q.find(keys)
	if number, ok := whole(value); ok && number == -1 {
		return 0
	}
	if value == nil {
		return 128
	}
	return q.dimension(keys...)
}

// readCompressed reads the groups of compressed-tensors.
func readCompressed(q *fields, out *quantisation) {
	groups := q.object("config_groups")
	if groups == nil || len(groups.values) == 0 {
		q.fail("config_groups", "missing")
		return
	}
	for _, key := range groups.keys() {
		group := groups.object(key)
		if group == nil {
			return
		}
		weights := group.object("weights")
		if weights == nil {
			continue // activations only
		}
		out.rules = append(out.rules, rule{format: compressed(weights), modules: targets(group)})
	}
}

// targets are the modules of a group; nil where a class such as "Linear" is named.
func targets(group *fields) *modules {
	set := &modules{}
	for _, target := range group.list("targets") {
		if !strings.HasPrefix(target, "re:") && !strings.ContainsAny(target, ".*") {
			return nil
		}
		set.add(group, "targets", target)
	}
	if set.empty() {
		return nil
	}
	return set
}

func compressed(weights *fields) Format {
	bits := weights.within(1, 16, []string{"num_bits"})
	if bits == 0 {
		weights.fail("num_bits", "missing")
	}
	group := groupSize(weights, "group_size")
	float := weights.text("type") == "float"
	format := Format{Bits: bits, ScaleBits: 16}
	switch strategy := weights.text("strategy"); strategy {
	case "channel":
		format.GroupRows = 1
	case "group", "tensor_group":
		format.GroupRows, format.GroupColumns = 1, group
		if float && bits == 4 {
			format = NVFP4
			format.GroupColumns = group
		}
	case "block":
		block := weights.ints("block_structure")
		if len(block) != 2 {
			weights.fail("block_structure", "two numbers are needed")
			return Format{}
		}
		format.GroupRows, format.GroupColumns = block[0], block[1]
	case "tensor", "":
		format.ScaleBits = 32
	default:
		weights.fail("strategy", "%q is not known", strategy)
	}
	if !weights.flag(true, "symmetric") {
		format.ZeroBits = bits
	}
	return format
}

// readModelOpt reads what NVIDIA's ModelOpt writes: one algorithm for everything,
// or, as MIXED_PRECISION, one for each of the modules it names.
func readModelOpt(q *fields, out *quantisation) {
	if each := q.object("quantized_layers"); each != nil {
		byAlgorithm := map[Format]*modules{}
		for _, name := range each.keys() {
			if own := each.object(name); own != nil {
				format := algorithm(own)
				if byAlgorithm[format] == nil {
					byAlgorithm[format] = &modules{}
					out.rules = append(out.rules, rule{format: format, modules: byAlgorithm[format]})
				}
				byAlgorithm[format].add(q, "quantized_layers", name)
			}
		}
		return
	}
	if q.has("config_groups") && !q.has("quant_algo") {
		readCompressed(q, out)
		return
	}
	out.everywhere(algorithm(q))
}

func algorithm(q *fields) Format {
	name := strings.ToUpper(q.text("quant_algo"))
	group := q.dimension("group_size")
	if group == 0 {
		group = 16
	}
	switch name {
	case "NVFP4", "NVFP4_AWQ", "W4A16_NVFP4":
		format := NVFP4
		format.GroupColumns = group
		return format
	case "MXFP4", "W4A8_MXFP4_FP8":
		return MXFP4
	case "FP8", "FP8_DEFAULT":
		return FP8Tensor
	case "FP8_PER_CHANNEL_PER_TOKEN":
		return FP8Channel
	case "FP8_PB_WO", "FP8_PB_REAL":
		return FP8Block(128, 128)
	case "W4A16_AWQ", "INT4_AWQ":
		return Grouped(4, max(group, 128), 0)
	}
	q.fail("quant_algo", "%q is not known", name)
	return Format{}
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
