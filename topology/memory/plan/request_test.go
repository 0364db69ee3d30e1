package plan

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

func TestOverrideConfig(t *testing.T) {
	config := []byte(`{"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,
		"intermediate_size":14336,"vocab_size":128256,"max_position_embeddings":131072,"rope_scaling":{"factor":8,"rope_type":"llama3"}}`)
	before := &model.Model{Name: "mine"}
	overrides := map[string]any{"max_position_embeddings": int64(8192), "rope_scaling": map[string]any{"factor": 2.0}}
	m, text, err := OverrideConfig(before, config, overrides)
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "mine" || m.MaxPositions != 8192 || !strings.Contains(string(text), `"rope_scaling":{"factor":2,"rope_type":"llama3"}`) {
		t.Errorf("%s with %d positions: %s", m.Name, m.MaxPositions, text)
	}
	if _, _, err := OverrideConfig(before, nil, overrides); err == nil {
		t.Error("there is no config.json to change")
	}
	if _, _, err := OverrideConfig(before, config, map[string]any{"hidden_size": int64(-1)}); err == nil {
		t.Error("a model of no size is taken")
	}
}

func TestEngines(t *testing.T) {
	for name, want := range map[string]memory.Engine{
		llama8: memory.VLLM, "resnet50": memory.Plain, "google-bert/bert-base-uncased": memory.TEI, "BAAI/bge-reranker-v2-m3": memory.TEI,
		"openai/whisper-large-v3": memory.CTranslate2, "google/vit-base-patch16-224": memory.Plain, "google-t5/t5-base": memory.VLLM,
	} {
		if m := knownModel(t, name); DefaultEngine(m) != want || !CanServe(want, m) {
			t.Errorf("%s is served by %s, want %s", name, DefaultEngine(m), want)
		}
	}
	if CanServe(memory.VLLM, knownModel(t, "resnet50")) {
		t.Error("vLLM serves pictures")
	}
}
