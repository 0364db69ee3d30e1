package model

import "strings"

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
