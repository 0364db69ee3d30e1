package memory_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// A model that states no length is served with what the engine assumes.
func TestAssumedLengths(t *testing.T) {
	m, err := model.Parse([]byte(`{"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
		"intermediate_size": 1024, "vocab_size": 1000}`))
	if err != nil {
		t.Fatal(err)
	}
	for engine, want := range map[memory.Engine]int64{memory.VLLM: 2048, memory.SGLang: 2048, memory.TGI: 4096} {
		server, err := memory.NewServer(m, memory.Launch{Engine: engine})
		if err != nil {
			t.Fatal(err)
		}
		if got := server.On(whole(t, "L4"), memory.Demand{}).MaxModelLen; got != want {
			t.Errorf("%s takes %d tokens, want %d", engine, got, want)
		}
	}
}

// The cache is stored as the checkpoint states, unless the launch or an early release says otherwise.
func TestCacheFormatOfTheCheckpoint(t *testing.T) {
	m, err := model.Parse([]byte(`{"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
		"intermediate_size": 1024, "vocab_size": 1000, "max_position_embeddings": 4096,
		"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 8, "type": "float"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	perToken := func(launch memory.Launch) int64 {
		server, err := memory.NewServer(m, launch)
		if err != nil {
			t.Fatal(err)
		}
		return int64(server.KVPerToken())
	}
	stated := perToken(memory.Launch{})
	for name, launch := range map[string]memory.Launch{
		"bfloat16": {KVFormat: memory.KVWide}, "an early release": {Version: memory.Version{Minor: 10}}, "SGLang": {Engine: memory.SGLang},
	} {
		if got := perToken(launch); got != 2*stated {
			t.Errorf("%s: %d bytes a token, want twice %d", name, got, stated)
		}
	}
}
