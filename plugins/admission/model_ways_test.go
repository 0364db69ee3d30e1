package admission

import (
	"strings"
	"testing"
)

// A model that fits no single GPU is answered with the best way out, within what the API server passes on.
func TestWayOutOfAModel(t *testing.T) {
	for name, want := range map[string]string{
		"deepseek-ai/DeepSeek-V3":            "would fit: 8 x H200-NVL-141GB with --tensor-parallel-size=8",
		"meta-llama/Llama-3.1-405B-Instruct": "with --tensor-parallel-size=8",
	} {
		warnings := reviewOf(t, podWith("@ashlar.dev/model: "+name), &Cluster{}).Warnings
		text := strings.Join(warnings, "\n")
		if !strings.Contains(text, want) || !strings.Contains(text, " with ") {
			t.Errorf("%s: %q lacks %q", name, text, want)
		}
		for _, warning := range warnings {
			t.Log(len(warning), warning)
			if len(warning) > longestWarning || strings.HasSuffix(warning, "...") {
				t.Errorf("%s: cut: %s", name, warning)
			}
		}
	}
}
