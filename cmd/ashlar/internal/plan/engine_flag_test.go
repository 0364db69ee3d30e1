package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// What a pod says counts under --engine too, and under a model that is named; a group's GPUs count together.
func TestPodUnderFlags(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: "
	const gpus = "\n    resources: {limits: {nvidia.com/gpu: 2}}\n"
	for name, tc := range map[string]struct {
		manifest string
		args     []string
		want     []string
		not      string
	}{
		"engine of an unknown image": {head + "me/server:1\n    args: [--model=Qwen/Qwen3-32B, --max-model-len=8192, --tensor-parallel-size=2]" + gpus,
			[]string{"--engine", "vllm"}, []string{"one request of 8192 tokens", "2 x L40S: fits"}, "unknown, because the pod"},
		"model and engine": {head + "me/server:1\n    args: [--max-model-len=4096, --tensor-parallel-size=2]" + gpus,
			[]string{"Qwen/Qwen3-32B", "--engine", "vllm"}, []string{"one request of 4096 tokens", "2 x L40S: fits"}, ""},
		"files of four bits": {head + "vllm/vllm-openai:v0.18.0\n    args: [--model=org/Qwen3-8B-GGUF:Q4_K_M]" + gpus,
			[]string{"Qwen/Qwen3-8B"}, []string{"4.67GiB of weights (GGUF Q4_K_M)", "GGUF files of Q4_K_M"}, ""},
		"files of an unknown form": {head + "vllm/vllm-openai:v0.18.0\n    args: [--model=/models/m.gguf]" + gpus,
			[]string{"Qwen/Qwen3-8B"}, []string{"counted in the model's own 16 bits"}, ""},
		"a group over nodes": {"apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: g}\nspec:\n  leaderWorkerTemplate:\n" +
			"    size: 2\n    workerTemplate:\n      spec:\n        containers:\n        - name: c\n          image: vllm/vllm-openai:v0.11.0\n" +
			"          args: [--model=Qwen/Qwen3-32B, --tensor-parallel-size=2, --pipeline-parallel-size=2]\n" +
			"          resources: {limits: {nvidia.com/gpu: 2}}\n", nil, []string{"4 x L40S: fits"}, "ask for 4"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "m.yaml")
			if err := os.WriteFile(file, []byte(tc.manifest), 0o600); err != nil {
				t.Fatal(err)
			}
			stdout, stderr, err := clitest.RunCommand(t, NewCommand(), append(append([]string{"plan"}, tc.args...), "-f", file, "--gpu", "L40S")...)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("no %q in\n%s%s", want, stdout, stderr)
				}
			}
			if tc.not != "" && strings.Contains(stdout+stderr, tc.not) {
				t.Errorf("%q in\n%s%s", tc.not, stdout, stderr)
			}
		})
	}
}
