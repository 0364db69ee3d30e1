package memory

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// A word that only confirms needs files that are quantised so; a scheme that is applied
// while loading needs files that are not quantised otherwise.
func TestSchemeRefusal(t *testing.T) {
	const plain, awq, gptq, packed = "meta-llama/Llama-3.1-8B-Instruct", "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
		"hugging-quants/Meta-Llama-3.1-8B-Instruct-GPTQ-INT4", "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16"
	for name, tc := range map[string]struct {
		engine      Engine
		scheme      string
		model, want string // want "" for none
	}{
		"awq on 16 bits":            {VLLM, "awq", plain, `vLLM stops with "Cannot find the config file for awq"`},
		"gptq on 16 bits":           {VLLM, "gptq_marlin", plain, `vLLM stops with "Cannot find the config file for gptq_marlin"`},
		"packed on 16 bits":         {VLLM, "compressed-tensors", plain, "it only confirms that the model's files are quantised so already"},
		"modelopt on 16 bits":       {VLLM, "modelopt", plain, `"Cannot find the config file for modelopt"`},
		"SGLang":                    {SGLang, "awq", plain, "SGLang stops"},
		"TGI":                       {TGI, "gptq", plain, "Cannot load `gptq` weight, make sure the model is already quantized"},
		"awq on AWQ":                {VLLM, "awq", awq, ""},
		"kernel of AWQ":             {VLLM, "awq_marlin", awq, ""},
		"gptq on GPTQ":              {VLLM, "gptq", gptq, ""},
		"experts' kernel":           {VLLM, "moe_wna16", gptq, ""},
		"gptq on AWQ":               {VLLM, "gptq", awq, "--quantization gptq contradicts the model's files, which are quantised as awq"},
		"awq on packed":             {VLLM, "awq", packed, "which are quantised as compressed-tensors"},
		"fp8 on AWQ":                {VLLM, "fp8", awq, "--quantization fp8 contradicts the model's files"},
		"fp8 on 16 bits":            {VLLM, "fp8", plain, ""},
		"fp8 on fp8":                {VLLM, "fp8", "Qwen/Qwen3-8B-FP8", ""},
		"bitsandbytes on 16 bits":   {VLLM, "bitsandbytes", plain, ""},
		"mxfp4 on MXFP4":            {VLLM, "mxfp4", "openai/gpt-oss-20b", ""},
		"mxfp4 on 16 bits, dense":   {VLLM, "mxfp4", plain, ""},
		"SGLang's fp8 on packed":    {SGLang, "w8a8_fp8", packed, ""},
		"TGI takes what files are":  {TGI, "gptq", awq, ""},
		"nothing told":              {VLLM, "", awq, ""},
		"a plain server is no rule": {Plain, "awq", plain, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Known(tc.model)
			if err != nil {
				t.Fatal(err)
			}
			server, err := NewServer(m, Launch{Engine: tc.engine, Quantisation: tc.scheme})
			if err != nil {
				t.Fatal(err)
			}
			got := server.StartRefusal()
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Fatalf("server.StartRefusal() = %q, want %q in it", got, tc.want)
			}
			e := server.On(GPU{Name: "any", Total: 100 * topology.GiB, Compute: topology.ComputeCapability{Major: 9}}, Demand{})
			if refused := e.Outcome() == OutcomeUnsupported; refused != (tc.want != "") {
				t.Fatalf("refused on a GPU: %v, want %v: %s", refused, tc.want != "", e.Explain())
			}
		})
	}
}

// What a scheme that is applied while loading leaves of a matrix of 256 x 512.
func TestSchemesWhileLoading(t *testing.T) {
	const elements = 256 * 512
	for word, want := range map[string]topology.Bytes{
		"":                             2 * elements,
		"fp8":                          elements + 4,
		"fp8_per_block":                elements + 4,
		"int8_per_channel_weight_only": elements + 256*4,
		"mxfp8":                        elements + elements/32,
		"bitsandbytes":                 elements/2 + elements/64,
		"experts_int8":                 2 * elements, // it is no expert
		"awq":                          2 * elements,
	} {
		t.Run(word, func(t *testing.T) {
			scheme, _ := FindScheme(VLLM, word)
			s := &Server{Model: &model.Model{}, Launch: Launch{Engine: VLLM, Quantisation: scheme}}
			tensor := &model.Tensor{Part: model.MLPPart, Rows: 256, Columns: 512, Format: model.Bits16}
			if got := s.loadedFormat(tensor).Bytes(256, 512); got != want {
				t.Fatalf("%d bytes, want %d", got, want)
			}
		})
	}
}

func TestFindScheme(t *testing.T) {
	for word, want := range map[string]SchemeUse{
		"int8": SchemeNotKnown, "int4": SchemeNotKnown, "fp16": SchemeNotKnown, "": SchemeNotKnown, "Q4_K_M": SchemeNotKnown,
		"AWQ": SchemeOfFiles, "fp8": SchemeWhileLoading, "torchao": SchemeNotCounted,
	} {
		if _, got := FindScheme(VLLM, word); got != want {
			t.Errorf("FindScheme(VLLM, %q) = %d, want %d", word, got, want)
		}
	}
}

func TestBfloat16OnGPUsWithoutIt(t *testing.T) {
	turing, volta := topology.ComputeCapability{Major: 7, Minor: 5}, topology.ComputeCapability{Major: 7}
	for name, tc := range map[string]struct {
		launch  Launch
		model   string
		compute topology.ComputeCapability
		want    string // what is said against it, "" for nothing
		float16 bool
	}{
		"converted":           {Launch{Engine: VLLM, Version: Version{Minor: 11}}, "Qwen/Qwen2.5-3B-Instruct", turing, "", true},
		"converted on Volta":  {Launch{Engine: VLLM}, "Qwen/Qwen2.5-3B-Instruct", volta, "", true},
		"before the fallback": {Launch{Engine: VLLM, Version: Version{Minor: 8}}, "Qwen/Qwen2.5-3B-Instruct", turing, "", false},
		"stated": {Launch{Engine: VLLM, Dtype: "bfloat16"}, "Qwen/Qwen2.5-3B-Instruct", turing,
			"has no bfloat16, which --dtype states", false},
		"overflows": {Launch{Engine: VLLM}, "google/gemma-2-2b-it", turing, "gemma2 does not run in float16: state --dtype float32", true},
		"float16 by hand": {Launch{Engine: VLLM, Dtype: "float16"}, "google/gemma-2-2b-it", topology.ComputeCapability{Major: 9},
			"vLLM refuses it for gemma2", false},
		"SGLang":          {Launch{Engine: SGLang}, "Qwen/Qwen2.5-3B-Instruct", turing, "", true},
		"SGLang on Volta": {Launch{Engine: SGLang}, "Qwen/Qwen2.5-3B-Instruct", volta, "SGLang needs 7.5", true},
		"a GPU with bfloat16": {Launch{Engine: VLLM, Dtype: "bfloat16"}, "Qwen/Qwen2.5-3B-Instruct", topology.ComputeCapability{Major: 8},
			"", false},
		"a GPU of unknown kind": {Launch{Engine: VLLM, Dtype: "bfloat16"}, "Qwen/Qwen2.5-3B-Instruct", topology.ComputeCapability{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Known(tc.model)
			if err != nil {
				t.Fatal(err)
			}
			server, err := NewServer(m, tc.launch)
			if err != nil {
				t.Fatal(err)
			}
			got := server.unsupportedReason(GPU{Compute: tc.compute})
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("unsupportedReason = %q, want %q in it", got, tc.want)
			}
			if got := tc.launch.RunsAsFloat16(tc.compute); got != tc.float16 {
				t.Errorf("RunsAsFloat16 = %v, want %v", got, tc.float16)
			}
		})
	}
}

// Until v0.14 the files' 16 bits had to fit first.
func TestQuantisedAfterLoading(t *testing.T) {
	m, err := model.Known("meta-llama/Llama-3.1-70B-Instruct")
	if err != nil {
		t.Fatal(err)
	}
	gpu := GPU{Name: "any", Total: 79 * topology.GiB, Compute: topology.ComputeCapability{Major: 9}}
	for name, tc := range map[string]struct {
		launch Launch
		want   string
	}{
		"before":     {Launch{Quantisation: "fp8", Version: Version{Minor: 11}}, "loads 131.42GiB of weights as they are in the files"},
		"on two":     {Launch{Quantisation: "fp8", Version: Version{Minor: 11}, TensorParallel: 2}, ""},
		"in stages":  {Launch{Quantisation: "fp8", Version: Version{Minor: 11}, PipelineParallel: 2}, ""},
		"since":      {Launch{Quantisation: "fp8", Version: Version{Minor: 14}}, ""},
		"newest":     {Launch{Quantisation: "fp8"}, ""},
		"one by one": {Launch{Quantisation: "bitsandbytes", Version: Version{Minor: 11}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := NewServer(m, tc.launch)
			if err != nil {
				t.Fatal(err)
			}
			got := server.unsupportedReason(gpu)
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("unsupportedReason = %q, want %q in it", got, tc.want)
			}
		})
	}
}
