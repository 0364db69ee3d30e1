package plan

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const config = `{"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,
"intermediate_size":14336,"vocab_size":128256,"max_position_embeddings":131072,"torch_dtype":"bfloat16","tie_word_embeddings":false}`

// A config.json says as much as the catalogue, from a file, a folder or a hub.
func TestPlanSources(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/me/mine/resolve/main/config.json":
			_, _ = w.Write([]byte(config))
		case "/me/mine/resolve/main/model.safetensors.index.json":
			_, _ = w.Write([]byte(`{"metadata":{"total_size":16100000000},"weight_map":{}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer hub.Close()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	want := planned(t, llama8)
	for name, args := range map[string][]string{
		"file":   {"--config", file},
		"named":  {"me/mine", "--config", file},
		"path":   {file},
		"folder": {folder},
		"hub":    {"me/mine", "--hub=" + hub.URL},
		"spaced": {"me/mine", "--hub", hub.URL},
	} {
		got := planned(t, args...)
		if got.Parameters != want.Parameters || len(got.Options) != len(want.Options) {
			t.Errorf("%s: %d parameters, want %d", name, got.Parameters, want.Parameters)
		}
		if published := strings.HasPrefix(name, "hub") || name == "spaced"; published != (got.WeightBytes > want.WeightBytes) {
			t.Errorf("%s: %d bytes of weights", name, got.WeightBytes)
		}
	}
	_, _, err := runPlan(t, "plan", "meta-llama/Llama-3.1-9B", "--hub="+hub.URL)
	if err == nil || !strings.Contains(err.Error(), "did you mean meta-llama/") {
		t.Errorf("a model that the hub lacks: %v", err)
	}
}
