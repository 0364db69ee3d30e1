package model

import "strings"

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
