package model

import "strings"

// readModelOpt reads what NVIDIA's ModelOpt writes: one algorithm for everything,
// or, as MIXED_PRECISION, one for each of the modules it names.
func readModelOpt(q *configFields, out *quantisationRules) {
	if each := q.readObject("quantized_layers"); each != nil {
		byAlgorithm := map[Format]*moduleSet{}
		for _, name := range each.sortedKeys() {
			if own := each.readObject(name); own != nil {
				format := algorithmFormat(own)
				if byAlgorithm[format] == nil {
					byAlgorithm[format] = &moduleSet{}
					out.rules = append(out.rules, formatRule{format: format, modules: byAlgorithm[format]})
				}
				byAlgorithm[format].addEntries(q, "quantized_layers", name)
			}
		}
		return
	}
	if q.hasKey("config_groups") && !q.hasKey("quant_algo") {
		readCompressed(q, out)
		return
	}
	out.setEverywhere(algorithmFormat(q))
}

func algorithmFormat(q *configFields) Format {
	name := strings.ToUpper(q.readText("quant_algo"))
	group := q.readDimension("group_size")
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
		return GroupedFormat(4, max(group, 128), 0)
	}
	q.addError("quant_algo", "%q is not known", name)
	return Format{}
}
