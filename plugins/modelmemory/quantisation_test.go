package modelmemory_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// The scheduler refuses what plan refuses: a flag that only confirms on files that are not
// quantised, or quantised otherwise.
func TestRefusesContradictedQuantisation(t *testing.T) {
	const vllm, llama = "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct"
	const awq = "--model=hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4"
	for name, tc := range map[string]struct {
		args []string
		want string // "" for accepted
	}{
		"16 bits": {[]string{llama, "--max-model-len=4096", "--quantization=awq"},
			`vLLM stops with "Cannot find the config file for awq"`},
		"another scheme": {[]string{awq, "--max-model-len=4096", "--quantization=gptq"},
			"contradicts the model's files, which are quantised as awq"},
		"its own":         {[]string{awq, "--max-model-len=4096", "--quantization=awq_marlin"}, ""},
		"on loading":      {[]string{llama, "--max-model-len=4096", "--quantization=fp8"}, ""},
		"float16 instead": {[]string{"--model=Qwen/Qwen2.5-3B-Instruct", "--max-model-len=4096"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			device := l40s
			if name == "float16 instead" {
				device = t4
			}
			server, err := modelmemory.Of(pod(nil, vllm, tc.args...))
			if err != nil || server == nil {
				t.Fatalf("server %v, error %v", server, err)
			}
			got := server.Refuses(device)
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("Refuses = %q, want %q in it", got, tc.want)
			}
		})
	}
	if doubts := modelmemory.Doubts(pod(nil, vllm, llama, "--quantization=int8")); len(doubts) != 1 ||
		!strings.Contains(doubts[0], "--quantization int8: vLLM has no such scheme") {
		t.Errorf("doubts about a scheme that nobody knows: %q", doubts)
	}
}
