package claim

import (
	"path"
	"strings"
)

// longestName leaves room for what controllers append to a claim's name.
const longestName = 52

// NameFor makes a Kubernetes name of a model's: "llama-3-1-8b-instruct".
func NameFor(model string) string {
	var name strings.Builder
	for _, r := range strings.ToLower(path.Base(model)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			name.WriteRune(r)
		} else if name.Len() > 0 && !strings.HasSuffix(name.String(), "-") {
			name.WriteByte('-')
		}
	}
	text := strings.Trim(name.String()[:min(name.Len(), longestName)], "-")
	if text == "" {
		return "model"
	}
	return text
}
