package launch_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

func vllm(change func(*memory.Launch)) memory.Launch {
	l := memory.Launch{Engine: memory.VLLM}
	if change != nil {
		change(&l)
	}
	return l
}

// One or more cases for each of vLLM's flags, in each of its spellings.
func TestVLLMFlags(t *testing.T) {
	type l = *memory.Launch
	for line, change := range map[string]func(l){
		"": nil,

		"-tp 2":                          func(l l) { l.TensorParallel = 2 },
		"-tp=2":                          func(l l) { l.TensorParallel = 2 },
		"--tensor-parallel-size 4":       func(l l) { l.TensorParallel = 4 },
		"--tensor_parallel_size=8":       func(l l) { l.TensorParallel = 8 },
		"--tensor-parallel 4":            func(l l) { l.TensorParallel = 4 }, // the beginning of one flag only
		"-tp 2 --tensor-parallel-size 4": func(l l) { l.TensorParallel = 4 },
		"--tensor-parallel-size 4 -tp 2": func(l l) { l.TensorParallel = 2 },
		"-pp 2":                          func(l l) { l.PipelineParallel = 2 },
		"--pipeline-parallel-size 2":     func(l l) { l.PipelineParallel = 2 },
		"-dp 4":                          func(l l) { l.DataParallel = 4 },
		"--data_parallel_size 4":         func(l l) { l.DataParallel = 4 },
		"-dcp 2 -pcp 4":                  func(l l) { l.ContextParallel = 8 },
		"--enable-expert-parallel":       func(l l) { l.ExpertParallel = true },
		"--enable-expert-parallel --no-enable-expert-parallel": nil,
		"--no-enable-expert-parallel -ep":                      func(l l) { l.ExpertParallel = true },

		"--max-model-len 8192":                   func(l l) { l.MaxModelLen = 8192 },
		"--max-model-len 32k":                    func(l l) { l.MaxModelLen = 32_000 },
		"--max-model-len=32K":                    func(l l) { l.MaxModelLen = 32_768 },
		"--max_model_len 25.6k":                  func(l l) { l.MaxModelLen = 25_600 },
		"--max-model-len 1m":                     func(l l) { l.MaxModelLen = 1_000_000 },
		"--max-model-len 1M":                     func(l l) { l.MaxModelLen = 1 << 20 },
		"--max-model-len auto":                   func(l l) { l.FitModelLen = true },
		"--max-model-len -1":                     func(l l) { l.FitModelLen = true },
		"--max-model-len=-1":                     func(l l) { l.FitModelLen = true },
		"--max-model-len 4k --max-model-len 8k":  func(l l) { l.MaxModelLen = 8_000 },
		"--max-model-len auto --max-model-len 9": func(l l) { l.MaxModelLen = 9 },

		"--gpu-memory-utilization 0.85": func(l l) { l.Utilisation = 0.85 },
		"--gpu-memory-utilization=1":    func(l l) { l.Utilisation = 1 },
		"--gpu_memory_utilization 9e-1": func(l l) { l.Utilisation = 0.9 },

		"--kv-cache-memory-bytes 10g":          func(l l) { l.KVMemory = 10 * topology.GB },
		"--kv-cache-memory-bytes 10G":          func(l l) { l.KVMemory = 10 * topology.GiB },
		"--kv-cache-memory 1073741824":         func(l l) { l.KVMemory = topology.GiB },
		"--kv-cache-dtype auto":                nil,
		"--kv-cache-dtype bfloat16":            func(l l) { l.KVFormat = memory.KVWide },
		"--kv-cache-dtype fp8":                 func(l l) { l.KVFormat = memory.KVFP8 },
		"--kv-cache-dtype fp8_e4m3":            func(l l) { l.KVFormat = memory.KVFP8 },
		"--kv-cache-dtype fp8_e5m2":            func(l l) { l.KVFormat = memory.KVFP8 },
		"--kv-cache-dtype fp8_inc":             func(l l) { l.KVFormat = memory.KVFP8 },
		"--kv-cache-dtype fp8_ds_mla":          func(l l) { l.KVFormat = memory.KVFP8MLA },
		"--kv-cache-dtype nvfp4":               func(l l) { l.KVFormat = memory.KVNVFP4 },
		"--kv-cache-dtype int4_per_token_head": func(l l) { l.KVFormat = memory.KVINT4 },
		"--kv-cache-dtype fp8_per_token_head":  func(l l) { l.KVFormat = memory.KVFP8Head },
		"--block-size 128":                     func(l l) { l.BlockSize = 128 },
		"--num-gpu-blocks-override 1444":       func(l l) { l.KVBlocks = 1444 },
		"--max-num-batched-tokens 2k":          func(l l) { l.MaxBatchedTokens = 2000 },
		"--max-num-batched-tokens 2048":        func(l l) { l.MaxBatchedTokens = 2048 },
		"--max-num-seqs 64":                    func(l l) { l.MaxSequences = 64 },

		"--quantization fp8":                 func(l l) { l.Quantisation = "fp8" },
		"-q bitsandbytes":                    func(l l) { l.Quantisation = "bitsandbytes" },
		"-qfp8":                              func(l l) { l.Quantisation = "fp8" },
		"--quantization awq":                 func(l l) { l.Quantisation = "awq" }, // only confirms
		"--quantization AWQ":                 func(l l) { l.Quantisation = "awq" },
		"--quantization none":                nil,
		"-q gptq_marlin":                     func(l l) { l.Quantisation = "gptq_marlin" },
		"--quantization mxfp4":               func(l l) { l.Quantisation = "mxfp4" },
		"--quantization fp8_per_tensor":      func(l l) { l.Quantisation = "fp8" },
		"--quantization experts_int8":        func(l l) { l.Quantisation = "experts_int8" },
		"--load-format bitsandbytes":         func(l l) { l.Quantisation = "bitsandbytes" },
		"--load-format safetensors":          nil,
		"--dtype auto":                       nil,
		"--dtype half":                       func(l l) { l.Dtype = "float16" },
		"--dtype float16":                    func(l l) { l.Dtype = "float16" },
		"--dtype bfloat16":                   func(l l) { l.Dtype = "bfloat16" },
		"--dtype float":                      func(l l) { l.Dtype = "float32" },
		"--dtype=float32":                    func(l l) { l.Dtype = "float32" },
		"--enforce-eager":                    func(l l) { l.Eager = true },
		"--enforce_eager":                    func(l l) { l.Eager = true },
		"--enforce-eager --no-enforce-eager": nil,
		"-O0":                                func(l l) { l.Eager = true },
		"-O3":                                nil,
		"-O 2":                               nil,
		`--compilation-config '{"cudagraph_mode":"NONE"}'`:            func(l l) { l.Eager = true },
		`-cc.cudagraph_mode NONE`:                                     func(l l) { l.Eager = true },
		`--compilation-config '{"cudagraph_capture_sizes":[1,2,64]}'`: func(l l) { l.GraphBatch = 64 },
		"--compilation-config.max_cudagraph_capture_size 256":         func(l l) { l.GraphBatch = 256 },
		"--compilation-config 3":                                      nil,
		"--cuda-graph-sizes 1 2 128":                                  func(l l) { l.GraphBatch = 128 },
		"--cudagraph-capture-sizes 8 16":                              func(l l) { l.GraphBatch = 16 },
		"--max-cudagraph-capture-size 32":                             func(l l) { l.GraphBatch = 32 },
		"--cpu-offload-gb 10":                                         func(l l) { l.CPUOffload = 10 * topology.GiB },
		"--cpu-offload-gb 0.5":                                        func(l l) { l.CPUOffload = 512 * topology.MiB },
		"--swap-space 16":                                             nil, // memory of the host

		`--speculative-config '{"model":"a/draft","num_speculative_tokens":5}'`: func(l l) {
			l.Draft,
				l.DraftTokens = "a/draft", 5
		},
		"--speculative-config.model a/draft --speculative-config.num_speculative_tokens 5": func(l l) {
			l.Draft,
				l.DraftTokens = "a/draft", 5
		},
		"--speculative_config.model=a/draft": func(l l) { l.Draft = "a/draft" },
		`--speculative-config '{"method":"mtp","num_speculative_tokens":1}'`: func(l l) {
			l.Draft,
				l.DraftTokens = "mtp", 1
		},
		`--speculative-config '{"method":"deepseek_mtp","num_speculative_tokens":1}'`: func(l l) {
			l.Draft,
				l.DraftTokens = "mtp", 1
		},
		`--speculative-config '{"method":"eagle3","model":"a/eagle","num_speculative_tokens":3}'`: func(l l) {
			l.Draft,
				l.DraftTokens = "a/eagle", 3
		},
		`--speculative-config '{"method":"ngram","num_speculative_tokens":4,"prompt_lookup_max":4}'`: func(l l) { l.DraftTokens = 4 },
		"--speculative-model a/draft --num-speculative-tokens 5": func(l l) {
			l.Draft,
				l.DraftTokens = "a/draft", 5
		},
		// Dotted flags come behind the others, as one JSON text.
		`--speculative-config.model a/late --speculative-config '{"model":"a/early","num_speculative_tokens":2}'`: func(l l) {
			l.Draft = "a/late"
		},

		"--enable-lora":                                  func(l l) { l.Adapters, l.AdapterRank = 1, 16 },
		"--enable-lora --max-loras 4":                    func(l l) { l.Adapters, l.AdapterRank = 4, 16 },
		"--max-loras 4 --max-lora-rank 64 --enable-lora": func(l l) { l.Adapters, l.AdapterRank = 4, 64 },
		"--enable-lora --lora-modules a=b/c d=e/f --max-lora-rank 32 --lora-extra-vocab-size 256": func(l l) {
			l.Adapters, l.AdapterRank = 1,
				32
		},
		"--max-loras 4":                         nil, // without --enable-lora there are none
		"--disable-hybrid-kv-cache-manager":     func(l l) { l.NoHybridKV = true },
		"--no-disable-hybrid-kv-cache-manager":  nil,
		"--language-model-only":                 func(l l) { l.LanguageOnly = true },
		`--limit-mm-per-prompt '{"image":2}'`:   func(l l) { l.Media.Pictures = 2 },
		"--limit-mm-per-prompt image=2,video=1": func(l l) { l.Media.Pictures, l.Media.Videos = 2, 1 },
		"--limit-mm-per-prompt.image 2":         func(l l) { l.Media.Pictures = 2 },
		`--limit-mm-per-prompt '{"image":{"count":5,"width":512,"height":512},"video":0,"audio":0}'`: func(l l) {
			l.Media.Pictures, l.Media.Videos, l.Media.Sounds = 5, memory.NoMedia, memory.NoMedia
		},
		`--mm-processor-kwargs '{"max_pixels":1003520,"min_pixels":3136}'`:              func(l l) { l.Media.MaxPixels = 1003520 },
		`--mm-processor-kwargs '{"size":{"longest_edge":401408,"shortest_edge":3136}}'`: func(l l) { l.Media.MaxPixels = 401408 },
		`--mm-processor-kwargs.max_dynamic_patch 4`:                                     func(l l) { l.Media.MaxTiles = 4 },
		"--skip-mm-profiling":        func(l l) { l.Media.Unprofiled = true },
		"--no-skip-mm-profiling":     nil,
		"--enable-prefix-caching":    nil,
		"--no-enable-prefix-caching": func(l l) { l.NoPrefixCaching = true },

		"--served-model-name a b c --port 8000 --trust-remote-code --enable-prefix-caching --no-enable-chunked-prefill": nil,
		"--brand-new 3 --max-num-seqs 5": func(l l) { l.MaxSequences = 5 },
	} {
		t.Run(line, func(t *testing.T) {
			flagCase{line: "vllm serve org/model " + line, want: vllm(change), model: "org/model"}.check(t)
			flagCase{line: "python3 -m vllm.entrypoints.openai.api_server " + line + " --model org/model", want: vllm(change),
				model: "org/model"}.check(t)
		})
	}
}

func TestVLLMUnknown(t *testing.T) {
	for line, fields := range map[string][]string{
		"--kv-cache-dtype turboquant_3bit":                               {"KVFormat"},
		"--quantization torchao":                                         {"Quantisation"},
		"--quantization gguf":                                            {"Model"},
		"--load-format gguf":                                             {"Model"},
		`--speculative-config '{"num_speculative_tokens":3}'`:            {"Draft"},
		"--speculative-config.model /models/draft":                       {"Draft"},
		`--limit-mm-per-prompt '{"image":0,"video":0}'`:                  {"LanguageOnly"},
		`--kv-transfer-config '{"kv_connector":"NixlConnector"}'`:        {"NoHybridKV"},
		`--kv-transfer-config '{}' --no-disable-hybrid-kv-cache-manager`: nil,
	} {
		t.Run(line, func(t *testing.T) {
			if diff := cmp.Diff(fields, unknown(mustRead(t, run(t, "vllm serve org/model "+line)))); diff != "" {
				t.Fatalf("unknown(mustRead(t, run(t, \"vllm serve org/model \"+line))) (-want +got):\n%s", diff)
			}
		})
	}
}

// A connector turned the hybrid manager off until v0.12.
func TestVLLMConnectorOfOldRelease(t *testing.T) {
	c := run(t, `vllm serve org/model --kv-transfer-config '{"kv_connector":"NixlConnector"}'`)
	c.Image = "vllm/vllm-openai:v0.10.2"
	r := mustRead(t, c)
	if !r.Launch.NoHybridKV {
		t.Fatal("r.Launch.NoHybridKV is false")
	}
	if !r.IsKnown(launch.FieldNoHybridKV) {
		t.Fatal("r.IsKnown(launch.FieldNoHybridKV) is false")
	}
}

func TestVLLMOverrides(t *testing.T) {
	for name, line := range map[string]string{
		"JSON":   `--hf-overrides '{"max_position_embeddings":8192,"text_config":{"rope_theta":1000000}}'`,
		"dotted": "--hf-overrides.max_position_embeddings 8192 --hf-overrides.text_config.rope_theta 1000000",
		"suffix": "--hf-overrides.max_position_embeddings 8192 --hf_overrides.text_config.rope_theta 1m",
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, run(t, "vllm serve org/model "+line))
			want := map[string]any{"max_position_embeddings": "8192", "text_config": map[string]any{"rope_theta": "1000000"}}
			if diff := cmp.Diff(want, numbersAsText(r.Overrides)); diff != "" {
				t.Errorf("overrides (-want +got):\n%s", diff)
			}
		})
	}
}

func numbersAsText(object map[string]any) map[string]any {
	texts := map[string]any{}
	for key, value := range object {
		if inner, isObject := value.(map[string]any); isObject {
			texts[key] = numbersAsText(inner)
			continue
		}
		texts[key] = value.(interface{ String() string }).String()
	}
	return texts
}

func TestVLLMEnvironment(t *testing.T) {
	for name, tc := range map[string]flagCase{
		"graphs not counted": {
			env:  []launch.EnvVar{{Name: "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS", Value: "0"}},
			want: vllm(func(l *memory.Launch) { l.GraphsUncounted = true }),
		},
		"graphs counted": {
			env:  []launch.EnvVar{{Name: "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS", Value: "1"}},
			want: vllm(nil),
		},
		"graphs unknown": {
			env:     []launch.EnvVar{{Name: "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS", From: "configMapKeyRef a/b"}},
			want:    vllm(nil),
			unknown: []string{"GraphsUncounted"},
		},
		"stages": {
			line: "-pp 2",
			env:  []launch.EnvVar{{Name: "VLLM_PP_LAYER_PARTITION", Value: "16,32"}},
			want: vllm(func(l *memory.Launch) { l.PipelineParallel, l.StageLayers = 2, []int64{16, 32} }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.line = "vllm serve org/model " + tc.line
			tc.check(t)
		})
	}
}

// The ways to start vLLM, and which model each serves.
func TestVLLMStarts(t *testing.T) {
	for name, tc := range map[string]struct {
		container launch.Container
		model     string
		unknown   []string
	}{
		"serve": {launch.Container{Command: []string{"vllm", "serve", "org/model"}}, "org/model", nil},
		"model behind flags": {launch.Container{Command: []string{"vllm", "serve", "--port", "8000", "--enable-prefix-caching",
			"org/model"}}, "org/model", nil},
		"full path": {launch.Container{Command: []string{"/opt/venv/bin/vllm", "serve", "org/model"}}, "org/model", nil},
		"serve with --model": {launch.Container{Command: []string{"vllm", "serve"}, Args: []string{"--model", "org/model"}}, "org/model",
			nil},
		"module": {launch.Container{Command: []string{"python3", "-u", "-m", "vllm.entrypoints.openai.api_server",
			"--model=org/model"}}, "org/model", nil},
		"source file": {launch.Container{Command: []string{"python", "/app/vllm/entrypoints/openai/api_server.py", "--model",
			"org/model"}}, "org/model", nil},
		"wrapped": {launch.Container{Command: []string{"/usr/bin/tini", "--", "numactl", "-N", "0", "vllm", "serve",
			"org/model"}}, "org/model", nil},
		"dynamo": {launch.Container{Command: []string{"python3", "-m", "dynamo.vllm", "--model", "org/model"}}, "org/model",
			nil},
		"image": {launch.Container{Image: "vllm/vllm-openai:v0.10.0", Args: []string{"--model", "org/model"}}, "org/model",
			nil},
		"image, model alone": {launch.Container{Image: "vllm/vllm-openai:v0.15.0", Args: []string{"org/model"}}, "org/model", nil},
		"mirrored image": {launch.Container{Image: "registry.corp:5000/mirror/vllm-openai:v0.11.0@sha256:0123",
			Args: []string{"--model", "org/model"}}, "org/model", nil},
		"command in args": {launch.Container{Image: "vllm/vllm-openai:v0.11.0", Args: []string{"vllm", "serve", "org/model"}},
			"org/model", nil},
		"old image, model alone": {launch.Container{Image: "vllm/vllm-openai:v0.10.0", Args: []string{"org/model"}}, "", []string{"Model"}},
		"module, model alone": {launch.Container{Command: []string{"python3", "-m", "vllm.entrypoints.openai.api_server", "org/model"}},
			"", []string{"Model"}},
		"no model": {launch.Container{Command: []string{"vllm", "serve"}}, "", []string{"Model"}},
		"hub cache": {launch.Container{Command: []string{"vllm", "serve", "/cache/hub/models--org--model/snapshots/0123abc"}},
			"org/model", nil},
		"hf URI":              {launch.Container{Command: []string{"vllm", "serve", "hf://org/model:main"}}, "org/model", nil},
		"folder":              {launch.Container{Command: []string{"vllm", "serve", "/models/llama"}}, "", []string{"Model"}},
		"bucket":              {launch.Container{Command: []string{"vllm", "serve", "s3://bucket/llama"}}, "", []string{"Model"}},
		"GGUF file":           {launch.Container{Command: []string{"vllm", "serve", "/models/llama.Q4_K_M.gguf"}}, "", []string{"Model"}},
		"GGUF on the hub":     {launch.Container{Command: []string{"vllm", "serve", "unsloth/Qwen3-8B:Q4_K_M"}}, "", []string{"Model"}},
		"unknown flag before": {launch.Container{Command: []string{"vllm", "serve", "--brand-new", "org/model"}}, "", []string{"Model"}},
		"template":            {launch.Container{Command: []string{"vllm", "serve", "{{ .Values.model }}"}}, "", []string{"Model"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, tc.container)
			if r.Server != "vllm" {
				t.Fatalf("r.Server = %q, want %q", r.Server, "vllm")
			}
			if r.Launch.Engine != memory.VLLM {
				t.Fatalf("r.Launch.Engine = %q, want %q", r.Launch.Engine, memory.VLLM)
			}
			if r.Model != tc.model {
				t.Fatalf("r.Model = %q, want %q", r.Model, tc.model)
			}
			if diff := cmp.Diff(tc.unknown, unknown(r)); diff != "" {
				t.Fatalf("%v: unknown(r) (-want +got):\n%s", r.Unknown, diff)
			}
		})
	}
}

func TestVLLMBenchIsALibrary(t *testing.T) {
	r := mustRead(t, run(t, "vllm bench throughput --model org/model --input-len 128 -tp 2"))
	wantLaunch(t, memory.Launch{Engine: memory.VLLM, Library: true, TensorParallel: 2}, r.Launch)
	if mustRead(t, run(t, "vllm bench serve --model org/model")).IsServer() {
		t.Fatal("it measures a server elsewhere")
	}
}

// What argparse overlooks is said.
func TestVLLMModelAloneIsOverlooked(t *testing.T) {
	r := mustRead(t, run(t, "python3 -m vllm.entrypoints.openai.api_server org/model"))
	if len(r.Contradictions) != 1 {
		t.Fatalf("len(r.Contradictions) = %d, want %d: %v", len(r.Contradictions), 1, r.Contradictions)
	}
	if !strings.Contains(r.Contradictions[0], `command[3]: "org/model" stands without a flag and is overlooked, write --model org/model`) {
		t.Fatalf("%q does not contain %q",
			r.Contradictions[0], `command[3]: "org/model" stands without a flag and is overlooked, write --model org/model`)
	}
}

func TestVLLMConfigFile(t *testing.T) {
	c := run(t, "vllm serve org/model --config /etc/vllm/config.yaml --max-num-seqs 64")

	t.Run("in a volume", func(t *testing.T) {
		r := mustRead(t, c)
		if !r.IsKnown(launch.FieldMaxSequences) {
			t.Fatal("the command line stands above the file")
		}
		if !r.IsKnown(launch.FieldModel) {
			t.Fatal("r.IsKnown(launch.FieldModel) is false")
		}
		for _, field := range []launch.Field{launch.FieldTensorParallel, launch.FieldMaxModelLen, launch.FieldKVFormat,
			launch.FieldUtilisation, launch.FieldEager} {
			if r.IsKnown(field) {
				t.Fatalf("%v", field)
			}
		}
		if !strings.Contains(r.Unknown[len(r.Unknown)-1].Because, "--config /etc/vllm/config.yaml is not in the pod") {
			t.Fatalf("%q does not contain %q", r.Unknown[len(r.Unknown)-1].Because, "--config /etc/vllm/config.yaml is not in the pod")
		}
	})

	t.Run("known", func(t *testing.T) {
		known := c
		known.Files = map[string]map[string]any{"/etc/vllm/config.yaml": {
			"tensor-parallel-size": float64(2), "max_model_len": "16k", "max-num-seqs": 8, "enforce-eager": true, "enable-expert-parallel": false,
			"cuda-graph-sizes": []any{1, 8}, "speculative-config": map[string]any{"model": "a/draft", "num_speculative_tokens": 2},
			"gpu-memory-utilization": 0.8,
		}}
		r := mustRead(t, known)
		if got := unknown(r); len(got) > 0 {
			t.Fatalf("unknown(r) = %v, want none", got)
		}
		wantLaunch(t, vllm(func(l *memory.Launch) {
			l.TensorParallel, l.MaxModelLen, l.MaxSequences, l.Eager, l.GraphBatch = 2, 16_000, 64, true, 8
			l.Draft, l.DraftTokens, l.Utilisation = "a/draft", 2, 0.8
		}), r.Launch)
		if r.Explicit[launch.FieldMaxModelLen] != "file /etc/vllm/config.yaml: --max_model_len 16k" {
			t.Fatalf("r.Explicit[launch.FieldMaxModelLen] = %q, want %q",
				r.Explicit[launch.FieldMaxModelLen], "file /etc/vllm/config.yaml: --max_model_len 16k")
		}
		if r.Explicit[launch.FieldMaxSequences] != "command[5]: --max-num-seqs 64" {
			t.Fatalf("r.Explicit[launch.FieldMaxSequences] = %q, want %q", r.Explicit[launch.FieldMaxSequences], "command[5]: --max-num-seqs 64")
		}
	})

	t.Run("model in the file", func(t *testing.T) {
		c := run(t, "vllm serve --config=c.yaml")
		c.Image = "vllm/vllm-openai:v0.10.0"
		c.Files = map[string]map[string]any{"c.yaml": {"model": "org/model"}}
		if got := mustRead(t, c).Model; got != "org/model" {
			t.Fatalf("mustRead(t, c).Model = %q, want %q", got, "org/model")
		}
	})
}

// Kaito starts vLLM from a program of its own, with a file of settings.
func TestKaito(t *testing.T) {
	c := launch.Container{Image: "mcr.microsoft.com/aks/kaito/kaito-base:0.0.9", Command: []string{"/bin/sh", "-c",
		"python3 /workspace/vllm/inference_api.py --model=org/model --dtype=float16 --tensor-parallel-size=2 " +
			"--kaito-config-file=/mnt/config/inference_config.yaml"}}
	r := mustRead(t, c)
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}
	if r.Launch.TensorParallel != int64(2) {
		t.Fatalf("r.Launch.TensorParallel = %v, want %v", r.Launch.TensorParallel, int64(2))
	}
	if !r.IsKnown(launch.FieldTensorParallel) {
		t.Fatal("r.IsKnown(launch.FieldTensorParallel) is false")
	}
	if r.IsKnown(launch.FieldMaxModelLen) {
		t.Fatal("r.IsKnown(launch.FieldMaxModelLen) is true")
	}
	c.Files = map[string]map[string]any{"/mnt/config/inference_config.yaml": {"max_probe_steps": 6,
		"vllm": map[string]any{"max-model-len": 2048, "tensor-parallel-size": 8}}}
	r = mustRead(t, c)
	if r.Launch.MaxModelLen != int64(2048) {
		t.Fatalf("r.Launch.MaxModelLen = %v, want %v", r.Launch.MaxModelLen, int64(2048))
	}
	if r.Launch.TensorParallel != int64(2) {
		t.Fatalf("the command line stands above the file: r.Launch.TensorParallel = %v, want %v", r.Launch.TensorParallel, int64(2))
	}
	if len(r.Unrecognised) > 0 {
		t.Fatalf("r.Unrecognised = %v, want none", r.Unrecognised)
	}
}

func TestVLLMRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"--quantization int8": "command[3]: --quantization int8: vLLM has no such scheme: to quantise 16-bit files while loading, " +
			"state one of bitsandbytes, experts_int8, fp8, ",
		"--quantization awqq":                  "; near it are ",
		"--quantization q4_k_m":                "for files that are quantised already, leave the flag out",
		"--max-model-len 0":                    "command[3]: --max-model-len 0: want a whole number from 1 to",
		"--max-model-len=-5":                   "command[3]: --max-model-len -5: want a whole number from 1 to",
		"--max-model-len 32.5":                 `"32.5" is not a whole number`,
		"--max-model-len 25.6K":                "write 25.6k to count in thousands",
		"--max-model-len 99999999999999999999": "is more than can be counted",
		"--max-model-len 9999999t":             "--max-model-len 9999999t: ",
		"--max-model-len":                      "--max-model-len: a value is missing",
		"--max-model-len --port 8000":          "--max-model-len: a value is missing",
		"--max-model-len '$LENGTH'":            "Kubernetes replaces $(NAME)",
		"-tp 0":                                "command[3]: -tp 0: want a whole number from 1 to 4096",
		"-tp 32k":                              `"32k" is not a whole number`,
		"-tp two":                              `"two" is not a whole number`,
		"-dp -1":                               "-dp -1: want a whole number from 1",
		"-pp 9223372036854775808":              "is more than can be counted",
		"--gpu-memory-utilization 0":           "want a number above 0 and up to 1",
		"--gpu-memory-utilization 1.01":        "want a number above 0 and up to 1",
		"--gpu-memory-utilization nan":         `"nan" is not a number`,
		"--gpu-memory-utilization=inf":         `"inf" is not a number`,
		"--gpu-memory-utilization -0.5":        "want a number above 0 and up to 1",
		"--gpu-memory-utilization 90%":         `"90%" is not a number`,
		"--cpu-offload-gb -1":                  "want GiB from 0 to",
		"--cpu-offload-gb 1e300":               "want GiB from 0 to",
		"--swap-space nan":                     `"nan" is not a number`,
		"--max-num-seqs 0":                     "want a whole number from 1",
		"--block-size 0":                       "want a whole number from 1",
		"--num-gpu-blocks-override 0":          "want a whole number from 1",
		"--kv-cache-memory-bytes 0":            "want a whole number from 1",
		"--dtype int8":                         "want auto, half, float16, bfloat16, float or float32",
		"--enforce-eager=true":                 `--enforce-eager true: takes no value, leave "=true" out`,
		"--speculative-config '{'":             "is not JSON",
		"--speculative-config 3":               "is not a JSON object",
		`--speculative-config '{"model":"a/b","num_speculative_tokens":0}'`: "num_speculative_tokens 0: want a whole number from 1",
		"--hf-overrides '[1]'":        "is not a JSON object",
		"--enable-lora --max-loras 0": "want a whole number from 1",
		"--cuda-graph-sizes 1 x":      `"x" is not a whole number`,
		"stray":                       `command[3]: "stray" belongs to no flag, vllm would refuse it`,
		"'--max-model-len 4096'":      `is one word, make the flag and its value two`,
		"--enforce-eager true":        `"true" belongs to no flag`,
	} {
		t.Run(line, func(t *testing.T) {
			_, err := launch.Read(run(t, "vllm serve org/model "+line))
			wantError(t, err, want)
		})
	}
}

// vllm serve took the model as a word of its own only, until v0.11.
func TestVLLMServeRefusesModelFlag(t *testing.T) {
	c := run(t, "vllm serve --model org/model")
	c.Image = "vllm/vllm-openai:v0.10.1"
	_, err := launch.Read(c)
	wantError(t, err, "command[2]: --model org/model: vllm serve 0.10.1 takes the model without --model: vllm serve org/model")
	c.Image = "vllm/vllm-openai:v0.11.0"
	if got := mustRead(t, c).Model; got != "org/model" {
		t.Fatalf("mustRead(t, c).Model = %q, want %q", got, "org/model")
	}
}

func TestVLLMStagesMustMatch(t *testing.T) {
	c := run(t, "vllm serve org/model -pp 3")
	c.Env = []launch.EnvVar{{Name: "VLLM_PP_LAYER_PARTITION", Value: "16,16"}}
	_, err := launch.Read(c)
	wantError(t, err, "env: VLLM_PP_LAYER_PARTITION 16,16: has 2 stages, pipeline parallel has 3")
}
