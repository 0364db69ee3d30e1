package model

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
)

func TestStandardJSON(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"plain":             {`{"a": 1}`, `{"a": 1}`},
		"limits":            {"{\"a\": [0.0, Infinity],\n\"b\": -Infinity, \"c\": NaN}", "{\"a\": [0.0, null],\n\"b\": null, \"c\": null}"},
		"within a string":   {`{"Infinity": "NaN \" Infinity"}`, `{"Infinity": "NaN \" Infinity"}`},
		"a negative number": {`{"a": -1}`, `{"a": -1}`},
		"cut short":         {`{"a": "\`, `{"a": "\`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, string(StandardJSON([]byte(tc.text)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A number that nobody reads keeps no model from being read, and mistakes keep their line.
func TestConfigsAsPythonWritesThem(t *testing.T) {
	const config = `{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
		"intermediate_size": 128, "vocab_size": 100, "time_step_limit": [0.0, Infinity]}`
	if _, err := Parse([]byte(config)); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte("{\"a\": Infinity,\n\n!}")); err == nil || !strings.Contains(err.Error(), "config.json:3") {
		t.Errorf("got %v, want the third line named", err)
	}
}

func TestTowersUnderEitherName(t *testing.T) {
	for name, want := range map[string]string{
		"qwen3_5": "qwen3_5", "qwen3_5_vision": "qwen3_5", "qwen3_5_moe_vision": "qwen3_5_moe", "gemma4_vision": "gemma4_vision",
		"gemma4_vision_model": "gemma4_vision", "pixtral_vision": "pixtral", "siglip": "siglip_vision_model", "moonvit2": "",
	} {
		if got, _ := findTower(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Lists of layers that stay as they are name modules as the checkpoint does.
func TestCheckpointNames(t *testing.T) {
	for _, tc := range []struct{ family, here, want string }{
		{"gemma4_text", "mlp.experts.0.up_proj", "experts.0.up_proj"},
		{"gemma4_text", "mlp.up_proj", "mlp.up_proj"},
		{"mixtral", "mlp.experts.0.up_proj", "block_sparse_moe.experts.0.up_proj"},
		{"nemotron_h", "self_attn.q_proj", "mixer.q_proj"},
		{"llama4_text", "mlp.shared_experts.up_proj", "feed_forward.shared_expert.up_proj"},
		{"qwen3_moe", "mlp.experts.0.up_proj", "mlp.experts.0.up_proj"},
	} {
		if got := checkpointName(tc.family, tc.here); got != tc.want {
			t.Errorf("%s of %s is %s, want %s", tc.here, tc.family, got, tc.want)
		}
	}
}

const smallConfig = `{"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
	"intermediate_size": 1024, "vocab_size": 1000}`

func TestQuantisationBesideTheConfig(t *testing.T) {
	const beside = `{"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16,
		"exclude_modules": ["lm_head"]}}`
	if StatesQuantisation([]byte(smallConfig)) {
		t.Error("the config states a quantisation that it has not")
	}
	whole, err := WithQuantisation([]byte(smallConfig), []byte(beside))
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := Parse([]byte(smallConfig))
	quantised, err := Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	if !StatesQuantisation(whole) || quantised.Quantisation != "modelopt" || !quantised.CacheFP8 || quantised.Stored()*2 > plain.Stored() {
		t.Errorf(
			"%s of %s, cache of 8 bits %v: %s against %s",
			quantised.Quantisation,
			quantised.Name,
			quantised.CacheFP8,
			quantised.Stored(),
			plain.Stored(),
		)
	}
	if _, err := WithQuantisation([]byte(smallConfig), []byte("{")); err == nil || !strings.Contains(err.Error(), QuantisationFile) {
		t.Errorf("got %v, want %s named", err, QuantisationFile)
	}
}

func TestPromisedBits(t *testing.T) {
	m, err := Parse([]byte(smallConfig))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"nvidia/Small-NVFP4": "4 bits", "me/small-fp8-dynamic": "8 bits", "me/Small-AWQ": "4 bits", "me/small": "", "awq/small": "",
	} {
		m.Name = name
		if got := m.PromisedBits(); got != want {
			t.Errorf("%s promises %q, want %q", name, got, want)
		}
	}
}

func TestGGUFFormats(t *testing.T) {
	for text, want := range map[string]string{
		"unsloth/Qwen3-8B-GGUF:Q4_K_M": "Q4_K_M", "args[0]: x/llama-q8_0.gguf": "Q8_0", "m-IQ2_XXS.gguf": "IQ2_XXS", "model.gguf": "",
		"Qwen3-8B-GGUF": "", "m:Q9_Z": "",
	} {
		if got := GGUFFormat(text); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
	m, err := Known("Qwen/Qwen3-8B")
	if err != nil {
		t.Fatal(err)
	}
	// Qwen publishes a file of 5.03 GB.
	if got := m.WithGGUF("Q4_K_M").Stored(); got < 4_900_000_000 || got > 5_150_000_000 {
		t.Errorf("%d bytes, want about 5.03 GB", got)
	}
	if m.Stored() < 15*topology.GiB {
		t.Error("the model itself was changed")
	}
}
