package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuantisedCopies(t *testing.T) {
	for name, want := range map[string][]string{
		"meta-llama/Llama-3.1-70B-Instruct": {
			"RedHatAI/Meta-Llama-3.1-70B-Instruct-quantized.w4a16", "hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
			"hugging-quants/Meta-Llama-3.1-70B-Instruct-GPTQ-INT4", "RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8-dynamic",
		},
		// Of the same architecture as the one above, and with other weights.
		"meta-llama/Llama-3.3-70B-Instruct": {
			"RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16", "nvidia/Llama-3.3-70B-Instruct-FP4",
			"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
		},
		"meta-llama/Llama-2-70b-chat-hf": {"TheBloke/Llama-2-70B-Chat-AWQ", "TheBloke/Llama-2-70B-Chat-GPTQ"},
		"deepseek-ai/DeepSeek-R1":        {"nvidia/DeepSeek-R1-FP4"}, // fp8 itself
		"meta-llama/Llama-3.1-70B":       nil,                        // none is of the base model
		"Qwen/Qwen3-8B-AWQ":              nil,                        // nothing is smaller
		"someone/Llama-3.1-70B-Instruct": nil,
	} {
		t.Run(name, func(t *testing.T) {
			m := &Model{Name: name}
			if known, err := Known(name); err == nil {
				m = known
			}
			var got []string
			for _, c := range QuantisedCopies(m) {
				got = append(got, c.Name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
		})
	}
}
