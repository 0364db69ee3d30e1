package model

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What Python writes stays as long in lines, is JSON where only numbers kept it from being so, and is left alone once it is.
func FuzzStandardJSON(f *testing.F) {
	for _, seed := range []string{
		`{"time_step_limit": [0.0, Infinity]}`, `{"a": -Infinity, "b": NaN, "c": "NaN \" Infinity"}`, `{"a": "\\", "b": Infinity}`, `NaN`,
		`{"a": -1, "b": Inf}`, "{\"a\":\n\n-Infinity\n}", `"Infinity`, `\`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		got := StandardJSON(text)
		if !bytes.Equal(before, text) {
			t.Fatalf("%q was changed", before)
		}
		if bytes.Count(got, []byte("\n")) != bytes.Count(text, []byte("\n")) {
			t.Errorf("%q has other lines than %q", got, text)
		}
		if json.Valid(text) && !bytes.Equal(got, text) {
			t.Errorf("%q is JSON and became %q", text, got)
		}
		if again := StandardJSON(got); json.Valid(got) && !bytes.Equal(again, got) {
			t.Errorf("%q became %q the second time", got, again)
		}
	})
}

// A file beside a config.json is taken over or refused, and what is made of both can be parsed or says why not.
func FuzzWithQuantisation(f *testing.F) {
	const config = `{"model_type":"qwen3","hidden_size":1024,"num_hidden_layers":2,"num_attention_heads":8,"num_key_value_heads":4,
		"intermediate_size":4096,"vocab_size":1000,"head_dim":128}`
	f.Add([]byte(config), []byte(`{"producer":{"name":"modelopt"},"quantization":{"quant_algo":"NVFP4","kv_cache_quant_algo":"FP8",
		"group_size":16,"exclude_modules":["lm_head","model.layers.0.*"]}}`))
	f.Add(
		[]byte(config),
		[]byte(`{"quantization":{"quant_algo":"MIXED_PRECISION","quantized_layers":{"model.layers.0.mlp":{"quant_algo":"FP8"}}}}`),
	)
	f.Add([]byte(config), []byte(`{"quant_method":"compressed-tensors","ignore":["re:.*lm_head","["]}`))
	f.Add([]byte(`{"a":NaN}`), []byte(`{"quantization":{"quant_algo":Infinity}}`))
	f.Add([]byte(``), []byte(`[]`))
	f.Fuzz(func(t *testing.T, config, beside []byte) {
		StatesQuantisation(config)
		merged, err := WithQuantisation(config, beside)
		if err != nil {
			return
		}
		if !json.Valid(merged) {
			t.Fatalf("%q and %q became %q, which is no JSON", config, beside, merged)
		}
		if !StatesQuantisation(merged) && !bytes.Equal(bytes.TrimSpace(beside), []byte("null")) {
			t.Errorf("%q states no quantisation", merged)
		}
		if m, err := Parse(merged); err == nil && (m.Stored() <= 0 || m.Loaded() < 0 || m.PublishedShare() != 1) {
			t.Errorf("%q is a model of %d bytes", merged, m.Stored())
		}
	})
}

// The format that a name tells is one that is known, and is told again from its own name.
func FuzzGGUFFormat(f *testing.F) {
	for _, seed := range []string{
		"Qwen3-8B-Q4_K_M.gguf", "unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL", "model.IQ2_XXS.gguf", "m-f16.gguf", "m-BF16-00001-of-00002.gguf", "Q9_9", "q8_0",
		"a/Q4_K_M/Q5_K_S.gguf", "", "::::",
	} {
		f.Add(seed)
	}
	plain, err := Known("Qwen/Qwen3-0.6B")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		format := GGUFFormat(text)
		if format == "" {
			return
		}
		if !strings.Contains(strings.ToUpper(text), format) || GGUFFormat(format) != format {
			t.Errorf("%q tells %q, which tells %q", text, format, GGUFFormat(format))
		}
		if with := plain.WithGGUF(format); with.Stored() <= 0 || with.Stored() > plain.Stored()*101/100 {
			t.Errorf("%s takes %d bytes, and 16 bits %d", format, with.Stored(), plain.Stored())
		}
	})
}

// An index is a size within bounds or an error, and never makes a model of no size.
func FuzzParseIndex(f *testing.F) {
	for _, seed := range []string{
		`{"metadata":{"total_size":1192099840},"weight_map":{"lm_head.weight":"a"}}`, `{"metadata":{"total_size":1e9}}`, `{}`, `[]`, `{"metadata":null}`,
		`{"metadata":{"total_size":"5"}}`, `{"metadata":{"total_size":400000000}}`,
	} {
		f.Add([]byte(seed))
	}
	plain, err := Known("Qwen/Qwen3-0.6B")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		index, err := ParseIndex(text)
		if err != nil {
			return
		}
		if index.Size < 1 {
			t.Errorf("%q is of %d bytes", text, index.Size)
		}
		with, _ := plain.WithIndex(index)
		if share := with.PublishedShare(); with.Stored() <= 0 || with.Loaded() <= 0 || share < 0.1 || share > 2 {
			t.Errorf("%q makes a model of %d bytes, %v of what is counted", text, with.Stored(), share)
		}
	})
}
