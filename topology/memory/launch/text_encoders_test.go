package launch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

func TestTextEncoderServers(t *testing.T) {
	for name, tc := range map[string]struct {
		container launch.Container
		model     string
		want      memory.Launch
	}{
		"TEI by image": {
			launch.Container{Image: "ghcr.io/huggingface/text-embeddings-inference:1.8", Args: []string{"--model-id", "BAAI/bge-large-en-v1.5",
				"--max-batch-tokens", "32768", "--port", "8080"}},
			"BAAI/bge-large-en-v1.5", memory.Launch{Engine: memory.TEI, MaxBatchedTokens: 32768},
		},
		"TEI by command": {
			launch.Container{Command: []string{"text-embeddings-router", "--model-id=BAAI/bge-reranker-v2-m3", "--dtype", "float32"}},
			"BAAI/bge-reranker-v2-m3", memory.Launch{Engine: memory.TEI, Dtype: "float32"},
		},
		"TEI by variables": {
			launch.Container{Image: "text-embeddings-inference:turing-1.8", Env: []launch.EnvVar{{Name: "MODEL_ID", Value: "BAAI/bge-m3"},
				{Name: "MAX_BATCH_TOKENS", Value: "8192"}}},
			"BAAI/bge-m3", memory.Launch{Engine: memory.TEI, MaxBatchedTokens: 8192},
		},
		"Infinity": {
			launch.Container{Image: "michaelf34/infinity:0.0.77", Args: []string{"v2", "--model-id", "mixedbread-ai/mxbai-rerank-base-v1",
				"--batch-size", "64"}},
			"mixedbread-ai/mxbai-rerank-base-v1", memory.Launch{Engine: memory.Infinity, MaxSequences: 64},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := launch.Read(tc.container)
			if err != nil {
				t.Fatal(err)
			}
			r.Launch.Version = memory.Version{}
			if r.Model != tc.model || !r.IsKnown(launch.FieldModel) {
				t.Errorf("model %q, want %q; unknown %v", r.Model, tc.model, r.Unknown)
			}
			if diff := cmp.Diff(tc.want, r.Launch); diff != "" {
				t.Errorf("launch (-want +got):\n%s", diff)
			}
		})
	}
}
