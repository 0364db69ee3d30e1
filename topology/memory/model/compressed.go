package model

import "strings"

// readCompressed reads the groups of compressed-tensors.
func readCompressed(q *configFields, out *quantisationRules) {
	groups := q.readObject("config_groups")
	if groups == nil || len(groups.values) == 0 {
		q.addError("config_groups", "missing")
		return
	}
	for _, key := range groups.sortedKeys() {
		group := groups.readObject(key)
		if group == nil {
			return
		}
		weights := group.readObject("weights")
		if weights == nil {
			continue // activations only
		}
		out.rules = append(out.rules, formatRule{format: compressedFormat(weights), modules: targetModules(group)})
	}
}

// targetModules are the modules of a group; nil where a class such as "Linear" is named.
func targetModules(group *configFields) *moduleSet {
	set := &moduleSet{}
	for _, target := range group.readStrings(maxNames, []string{"targets"}) {
		if !strings.HasPrefix(target, "re:") && !strings.ContainsAny(target, ".*") {
			return nil
		}
		set.addEntries(group, "targets", target)
	}
	if set.isEmpty() {
		return nil
	}
	return set
}

func compressedFormat(weights *configFields) Format {
	bits := weights.readWithin(1, 16, []string{"num_bits"})
	if bits == 0 {
		weights.addError("num_bits", "missing")
	}
	group := groupSize(weights, "group_size")
	float := weights.readText("type") == "float"
	format := Format{Bits: bits, ScaleBits: 16}
	switch strategy := weights.readText("strategy"); strategy {
	case "channel":
		format.GroupRows = 1
	case "group", "tensor_group":
		format.GroupRows, format.GroupColumns = 1, group
		if float && bits == 4 {
			format = NVFP4
			format.GroupColumns = group
		}
	case "block":
		block := weights.readInts("block_structure")
		if len(block) != 2 {
			weights.addError("block_structure", "two numbers are needed")
			return Format{}
		}
		format.GroupRows, format.GroupColumns = block[0], block[1]
	case "tensor", "":
		format.ScaleBits = 32
	default:
		weights.addError("strategy", "%q is not known", strategy)
	}
	if !weights.readFlag(true, "symmetric") {
		format.ZeroBits = bits
	}
	return format
}
