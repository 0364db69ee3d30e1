package model

import "strings"

func readFP8(q *configFields, out *quantisationRules) {
	format := FP8Tensor
	if out.name == "fbgemm_fp8" {
		format = FP8Channel
		format.ScaleBits = 32
	}
	if block := q.readInts("weight_block_size"); len(block) == 2 {
		format = FP8Block(block[0], block[1])
	}
	out.setEverywhere(format)
	out.layersOnly = true
}

// readGrouped reads the schemes of AWQ and GPTQ, whose files carry packed zero
// points whether or not they are symmetric.
func readGrouped(q *configFields, out *quantisationRules) {
	out.head, out.layersOnly = q.readFlag(false, "lm_head"), true
	format := func(f *configFields) Format {
		bits := f.readWithin(1, 8, []string{"bits", "w_bit"})
		if bits == 0 {
			f.addError("bits", "missing")
		}
		grouped := GroupedFormat(bits, groupSize(f, "group_size", "q_group_size"), bits)
		if strings.HasPrefix(out.name, "gptq") {
			grouped.ColumnBits = 32 // g_idx, the group of each input feature
		}
		return grouped
	}
	// GPTQModel's dynamic: "-:" leaves modules out, "+:" or nothing overrides.
	if dynamic := q.readObject("dynamic"); dynamic != nil {
		for _, key := range dynamic.sortedKeys() {
			pattern, leaveOut := strings.CutPrefix(key, "-:")
			if leaveOut {
				out.ignore.addEntries(q, "dynamic", "re:"+pattern)
				continue
			}
			if own := dynamic.readObject(key); own != nil {
				set := &moduleSet{}
				set.addEntries(q, "dynamic", "re:"+strings.TrimPrefix(pattern, "+:"))
				out.rules = append(out.rules, formatRule{format: format(q.withValuesOver(own.values)), modules: set})
			}
		}
	}
	out.setEverywhere(format(q))
}

func readMXFP4(_ *configFields, out *quantisationRules) {
	out.rules = []formatRule{{format: MXFP4, experts: true}}
}

func readBitsAndBytes(q *configFields, out *quantisationRules) {
	format := INT8
	if q.readFlag(false, "load_in_4bit", "_load_in_4bit") {
		format = NF4
	}
	out.setEverywhere(format)
}

// groupSize reads how many numbers share a scale: 128 unless stated, 0 for -1, which
// stands for a whole row.
func groupSize(q *configFields, keys ...string) int64 {
	_, value := q.findKey(keys)
	if number, ok := wholeNumber(value); ok && number == -1 {
		return 0
	}
	if value == nil {
		return 128
	}
	return q.readDimension(keys...)
}
