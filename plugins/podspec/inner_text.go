package podspec

import (
	"encoding/json"
	"strings"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// parseInner reads YAML that stands as text in a field; nil if it is none. Its places are counted from
// its own beginning.
func (r *workloadReader) parseInner(text string) *yamlfile.Node {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	documents, err := yamlfile.Parse(r.object.File, []byte(text), yamlfile.Options{Aliases: true, MaxBytes: maxText})
	if err != nil || len(documents) == 0 || len(documents[0].Faults) > 0 {
		return nil
	}
	return documents[0].Root
}

// settingFlags are the flags of vLLM for settings by their names in Python or on its command line.
func settingFlags(n *yamlfile.Node) []string {
	if n == nil || n.Kind != yamlfile.KindMapping {
		return nil
	}
	var flags []string
	for _, field := range n.Fields {
		name := "--" + strings.ReplaceAll(field.Name, "_", "-")
		switch value := field.Value; value.Kind {
		case yamlfile.KindNull:
		case yamlfile.KindBoolean:
			if value.Value() == true {
				flags = append(flags, name)
			} else {
				flags = append(flags, "--no-"+strings.TrimPrefix(name, "--"))
			}
		case yamlfile.KindSequence:
			if len(value.Items) > 0 {
				flags = append(append(flags, name), textItems(value)...)
			}
		case yamlfile.KindMapping:
			if text, err := json.Marshal(value.Value()); err == nil {
				flags = append(flags, name+"="+string(text))
			}
		default:
			flags = append(flags, name+"="+value.String())
		}
	}
	return flags
}
