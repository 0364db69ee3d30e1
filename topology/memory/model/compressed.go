package model

import "strings"

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
	for _, target := range group.strings(maxNames, []string{"targets"}) {
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
