package podspec

import (
	"slices"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// overlayNodes is the lower node with the upper one above it, as a strategic merge patch does it:
// mappings field by field, lists whose items have names item by item, and everything else as the
// upper has it. Neither is changed.
func overlayNodes(lower, upper *yamlfile.Node) *yamlfile.Node {
	switch {
	case lower == nil:
		return upper
	case upper == nil || upper.Kind == yamlfile.KindNull:
		return lower
	case lower.Kind == yamlfile.KindMapping && upper.Kind == yamlfile.KindMapping:
		merged, at := *upper, map[string]int{}
		merged.Fields = slices.Clone(upper.Fields)
		for i := range merged.Fields {
			at[merged.Fields[i].Name] = i
		}
		for _, field := range lower.Fields {
			if i, both := at[field.Name]; both {
				merged.Fields[i].Value = overlayNodes(field.Value, merged.Fields[i].Value)
				continue
			}
			merged.Fields = append(merged.Fields, field)
		}
		return &merged
	case lower.Kind == yamlfile.KindSequence && upper.Kind == yamlfile.KindSequence && haveNames(lower) && haveNames(upper):
		merged, at := *upper, map[string]int{}
		merged.Items = slices.Clone(upper.Items)
		for i, item := range merged.Items {
			at[item.Field("name").String()] = i
		}
		for _, item := range lower.Items {
			if i, both := at[item.Field("name").String()]; both {
				merged.Items[i] = overlayNodes(item, merged.Items[i])
				continue
			}
			merged.Items = append(merged.Items, item)
		}
		return &merged
	}
	return upper
}

func haveNames(n *yamlfile.Node) bool {
	return !slices.ContainsFunc(n.Items, func(item *yamlfile.Node) bool { return item.Field("name").String() == "" })
}
