package model

import (
	"fmt"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
)

// TestQuantisation: one layer of four 256 x 256 and three 512 x 256 matrices, which
// are 655,360 numbers; embedding, head and norms are 512,768.
func TestQuantisation(t *testing.T) {
	const (
		model = `{"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 512,
			"vocab_size": 1000, "torch_dtype": "bfloat16", "quantization_config": {%s}}`
		attention, mlp = topology.Bytes(4 * 65536), topology.Bytes(3 * 131072)
		linear         = attention + mlp
		head           = topology.Bytes(256000)
		rest           = topology.Bytes(2 * 512768)
	)
	compressed := func(weights, more string) string {
		return `"quant_method": "compressed-tensors", "config_groups": {"group_0": {"targets": ["Linear"], "weights": {` + weights + `}}}` + more
	}
	for _, c := range []struct {
		name, config string
		linear       topology.Bytes
	}{
		{"FP8, one scale per matrix", `"quant_method": "fp8"`, linear + 7*4},
		{"FP8, blocks of 128 x 128", `"quant_method": "fp8", "weight_block_size": [128, 128]`, linear + 40*4},
		{"FP8 but for attention", `"quant_method": "fp8", "modules_to_not_convert": ["self_attn"]`, 2*attention + mlp + 3*4},
		{"FP8 but for a router that is no gate_proj", `"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0.mlp.gate"]`,
			linear + 7*4},
		{"FP8, as fused in the engine", `"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0.mlp.gate_up_proj"]`,
			linear + 2*131072 + 5*4},
		{"FBGEMM, a scale per row", `"quant_method": "fbgemm_fp8"`, linear + 2304*4},
		{"AWQ", `"quant_method": "awq", "bits": 4, "group_size": 128`, linear/2 + 5120*5/2},
		{"GPTQ with the group of each column", `"quant_method": "gptq", "bits": 4, "group_size": 128`, linear/2 + 5120*5/2 + 8192},
		{"GPTQ, 8 bits", `"quant_method": "gptq", "bits": 8, "group_size": 128`, linear + 5120*3 + 8192},
		{"GPTQ, a group per row", `"quant_method": "gptq", "bits": 4, "group_size": -1`, linear/2 + 2304*5/2 + 8192},
		{"GPTQ with its head", `"quant_method": "gptq", "bits": 4, "lm_head": true`,
			linear/2 + 5120*5/2 + 8192 + (head/2 + 2000*5/2 + 1024) - 2*head},
		{"GPTQ with rules", `"quant_method": "gptq", "bits": 4, "dynamic": {"-:.*\\.mlp\\..*": {}, "+:.*q_proj": {"bits": 8}}`,
			65536 + 512*3 + 3*(32768+512*5/2) + 4*1024 + 2*mlp},
		{"bitsandbytes, 8 bits", `"quant_method": "bitsandbytes", "load_in_8bit": true`, linear + 2304*4},
		{"bitsandbytes, NF4", `"quant_method": "bitsandbytes", "load_in_4bit": true`, linear/2 + linear/64},
		{"compressed-tensors W8A8", compressed(`"num_bits": 8, "type": "int", "strategy": "channel"`, ""), linear + 2304*2},
		{"compressed-tensors W4A16", compressed(`"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128`, ""), linear/2 + 5120*2},
		{"compressed-tensors W4A16, zero points",
			compressed(`"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, "symmetric": false`, ""), linear/2 + 5120*5/2},
		{"compressed-tensors NVFP4", compressed(`"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16`, ""),
			linear/2 + linear/16},
		{"compressed-tensors but for an expression",
			compressed(`"num_bits": 8, "type": "float", "strategy": "tensor"`, `, "ignore": ["lm_head", "re:.*mlp\\.(gate|up|down)_proj.*"]`),
			attention + 4*4 + 2*mlp},
		{"compressed-tensors, two groups", `"quant_method": "compressed-tensors", "config_groups": {
			"group_0": {"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float", "strategy": "tensor"}},
			"group_1": {"targets": ["re:.*mlp.*"], "weights": {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32}}}`,
			attention + 4*4 + mlp/2 + mlp/32},
		{"ModelOpt FP8", `"quant_method": "modelopt", "quant_algo": "FP8"`, linear + 7*4},
		{"ModelOpt NVFP4 but for a glob", `"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": ["lm_head",
			"model.layers.0.self_attn*"]`, 2*attention + mlp/2 + mlp/16},
		{"ModelOpt, as in hf_quant_config.json", `"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["*down_proj"]}`,
			(linear-131072)/2 + (linear-131072)/16 + 2*131072},
		{"ModelOpt, mixed", `"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {
			"model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"}, "model.layers.0.mlp.*": {"quant_algo": "NVFP4"}}`,
			65536 + 4 + 2*3*65536 + mlp/2 + mlp/16},
		{"MXFP4, of experts only", `"quant_method": "mxfp4"`, 2 * linear},
	} {
		m, err := Parse([]byte(fmt.Sprintf(model, c.config)))
		if err != nil {
			t.Fatalf("%v: %v", c.name, err)
		}
		if got := m.Stored() - rest; got != c.linear {
			t.Fatalf("%v: m.Stored() - rest = %v, want %v", c.name, got, c.linear)
		}
	}
}

// TestTowersStayAsTheyAre unless the scheme quantises every linear layer.
func TestTowersStayAsTheyAre(t *testing.T) {
	const model = `{"model_type": "mistral3", "text_config": {"model_type": "mistral", "hidden_size": 256, "num_hidden_layers": 1,
		"num_attention_heads": 4,
		"intermediate_size": 512, "vocab_size": 1000%s}, "vision_config": {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2,
		"num_attention_heads": 1, "patch_size": 14}, "quantization_config": %s}`
	tower := func(inside, outside string) topology.Bytes {
		m, err := Parse([]byte(fmt.Sprintf(model, inside, outside)))
		if err != nil {
			t.Fatal(err)
		}
		var sum topology.Bytes
		m.eachTensor(func(t *Tensor, times int64) {
			if t.Part == TowerPart {
				sum += topology.Bytes(times) * t.Bytes()
			}
		})
		return sum
	}
	const everything = `{"quant_method": "compressed-tensors", "config_groups": {"group_0": {"targets": ["Linear"],
		"weights": {"num_bits": 8, "type": "float", "strategy": "tensor"}}}%s}`
	plain := tower("", "null")
	if got := tower("", `{"quant_method": "fp8"}`); got != plain {
		t.Fatalf("got = %v, want %v", got, plain)
	}
	if got := tower("", `{"quant_method": "awq", "bits": 4}`); got != plain {
		t.Fatalf("got = %v, want %v", got, plain)
	}
	if got := tower("", fmt.Sprintf(everything, `, "ignore": ["re:vision_tower.*", "re:multi_modal_projector.*"]`)); got != plain {
		t.Fatalf("got = %v, want %v", got, plain)
	}
	if got := tower(`, "quantization_config": {"quant_method": "fp8"}`, "null"); got != plain {
		t.Fatalf("got = %v, want %v", got, plain)
	}
	if got := tower("", fmt.Sprintf(everything, "")); got >= plain {
		t.Fatalf("tower(\"\", fmt.Sprintf(everything, \"\")) = %v, want less than %v", got, plain)
	}
}
