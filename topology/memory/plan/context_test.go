package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

func TestLongestContext(t *testing.T) {
	const yarn = `{"rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":32768}}`
	for name, tc := range map[string]struct {
		modelType, config string
		positions, want   int64
	}{
		"no config":             {positions: 4096, want: 4096},
		"not stated":            {config: `{}`, want: 0},
		"not stretched":         {config: `{"max_position_embeddings":4096}`, positions: 4096, want: 4096},
		"linear":                {config: `{"rope_scaling":{"type":"linear","factor":2}}`, positions: 4096, want: 8192},
		"newer name":            {config: `{"rope_parameters":{"rope_type":"linear","factor":2.5}}`, positions: 4096, want: 10240},
		"yarn":                  {config: yarn, positions: 32768, want: 131072},
		"yarn already included": {config: yarn, positions: 163840, want: 163840},
		"Llama 3 includes it":   {config: `{"rope_scaling":{"rope_type":"llama3","factor":8}}`, positions: 131072, want: 131072},
		"LongRoPE includes it":  {config: `{"rope_scaling":{"type":"longrope","factor":32}}`, positions: 131072, want: 131072},
		"Gemma 3 includes it": {modelType: "gemma3_text", config: `{"rope_scaling":{"rope_type":"linear","factor":8}}`,
			positions: 131072, want: 131072},
		"inner config": {config: `{"text_config":{"rope_scaling":{"type":"linear","factor":2}}}`, positions: 4096, want: 8192},
		"the outer one counts": {
			config:    `{"rope_scaling":{"type":"linear","factor":2},"text_config":{"rope_scaling":{"type":"linear","factor":4}}}`,
			positions: 4096, want: 8192,
		},
		"factor of one":        {config: `{"rope_scaling":{"type":"linear","factor":1}}`, positions: 4096, want: 4096},
		"factor out of bounds": {config: `{"rope_scaling":{"type":"linear","factor":1e300}}`, positions: 4096, want: 4096 << 20},
		"of another form":      {config: `{"rope_scaling":[1,2]}`, positions: 4096, want: 4096},
		"no JSON":              {config: `{`, positions: 4096, want: 4096},
	} {
		t.Run(name, func(t *testing.T) {
			r := Request{Model: &model.Model{Type: tc.modelType, MaxPositions: tc.positions}, Config: []byte(tc.config)}
			if got := r.LongestContext(); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestLengthWarning(t *testing.T) {
	for name, tc := range map[string]struct {
		launch memory.Launch
		warned bool
	}{
		"longer":            {launch: memory.Launch{Engine: memory.VLLM, MaxModelLen: 8192}, warned: true},
		"as long":           {launch: memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}},
		"not stated":        {launch: memory.Launch{Engine: memory.VLLM}},
		"of another engine": {launch: memory.Launch{Engine: memory.SGLang, MaxModelLen: 8192}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Request{Model: &model.Model{MaxPositions: 4096}, Launch: tc.launch}
			got := r.LengthWarning()
			if (got != "") != tc.warned || tc.warned && !strings.Contains(got, "--max-model-len 8192, since the model was made for 4096 tokens") {
				t.Errorf("got %q, want a warning: %v", got, tc.warned)
			}
		})
	}
}

func TestAllowsLongRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		variable launch.EnvVar
		want     bool
	}{
		"one":             {launch.EnvVar{Name: allowLongVariable, Value: "1"}, true},
		"true":            {launch.EnvVar{Name: allowLongVariable, Value: " True"}, true},
		"zero":            {launch.EnvVar{Name: allowLongVariable, Value: "0"}, false},
		"kept elsewhere":  {launch.EnvVar{Name: allowLongVariable, From: "configMapKeyRef a/b"}, true},
		"of another name": {launch.EnvVar{Name: "VLLM_USE_V1", Value: "1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &launch.Pod{Containers: []launch.Container{{Name: "proxy"}, {Name: "server", Env: []launch.EnvVar{tc.variable}}}}
			if got := AllowsLongRequests(pod, "server"); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if AllowsLongRequests(pod, "proxy") {
				t.Error("another container's variable counts")
			}
		})
	}
}

// Values replace those of the same name, inside of objects too, and numbers stay as
// they were written.
func TestMergeJSON(t *testing.T) {
	for name, tc := range map[string]struct {
		text      string
		overrides map[string]any
		want      string
	}{
		"nothing":       {`{"a":1}`, nil, `{"a":1}`},
		"added":         {`{"a":1}`, map[string]any{"b": "x"}, `{"a":1,"b":"x"}`},
		"replaced":      {`{"a":1}`, map[string]any{"a": int64(2)}, `{"a":2}`},
		"nested":        {`{"a":{"b":1,"c":2}}`, map[string]any{"a": map[string]any{"b": int64(3)}}, `{"a":{"b":3,"c":2}}`},
		"object for it": {`{"a":1}`, map[string]any{"a": map[string]any{"b": int64(3)}}, `{"a":{"b":3}}`},
		"large number":  {`{"a":12345678901234567890}`, nil, `{"a":12345678901234567890}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mergeJSON([]byte(tc.text), tc.overrides)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
		})
	}
	if _, _, err := OverrideConfig(&model.Model{}, nil, map[string]any{"a": 1}); err == nil {
		t.Error("no config.json is changed without complaint")
	}
}
