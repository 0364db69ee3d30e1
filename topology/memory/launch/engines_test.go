package launch_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/google/go-cmp/cmp"
)

func TestSGLangFlags(t *testing.T) {
	type l = *memory.Launch
	for line, tc := range map[string]struct {
		change  func(l)
		unknown []string
	}{
		"":                                             {},
		"--tp 4":                                       {change: func(l l) { l.TensorParallel = 4 }},
		"--tp-size 4":                                  {change: func(l l) { l.TensorParallel = 4 }},
		"--tensor-parallel-size=4":                     {change: func(l l) { l.TensorParallel = 4 }},
		"--pp 2":                                       {change: func(l l) { l.PipelineParallel = 2 }},
		"--pp-size 2 --pipeline-parallel-size 4":       {change: func(l l) { l.PipelineParallel = 4 }},
		"--dp 2":                                       {change: func(l l) { l.DataParallel = 2 }},
		"--dp-size 2":                                  {change: func(l l) { l.DataParallel = 2 }},
		"--data-parallel-size 2":                       {change: func(l l) { l.DataParallel = 2 }},
		"--tp 8 --ep 8":                                {change: func(l l) { l.TensorParallel, l.ExpertParallel = 8, true }},
		"--ep-size 1":                                  {},
		"--tp 8 --dp 4 --enable-dp-attention":          {change: func(l l) { l.TensorParallel, l.DataParallel, l.ExpertParallel = 2, 4, true }},
		"--mem-fraction-static 0.7":                    {change: func(l l) { l.Utilisation = 0.7 }},
		"--context-length 32768":                       {change: func(l l) { l.MaxModelLen = 32_768 }},
		"--max-total-tokens 100000":                    {change: func(l l) { l.KVTokens = 100_000 }},
		"--max-running-requests 64":                    {change: func(l l) { l.MaxSequences = 64 }},
		"--chunked-prefill-size 4096":                  {change: func(l l) { l.MaxBatchedTokens = 4096 }},
		"--chunked-prefill-size -1":                    {unknown: []string{"MaxBatchedTokens"}},
		"--cuda-graph-max-bs 160":                      {change: func(l l) { l.GraphBatch = 160 }},
		"--cuda-graph-bs 1 2 4 96":                     {change: func(l l) { l.GraphBatch = 96 }},
		"--disable-cuda-graph":                         {change: func(l l) { l.Eager = true }},
		"--kv-cache-dtype fp8_e5m2":                    {change: func(l l) { l.KVFormat = memory.KVFP8 }},
		"--kv-cache-dtype fp8_e4m3":                    {change: func(l l) { l.KVFormat = memory.KVFP8 }},
		"--kv-cache-dtype fp4_e2m1":                    {change: func(l l) { l.KVFormat = memory.KVNVFP4 }},
		"--kv-cache-dtype auto --dtype bfloat16":       {change: func(l l) { l.Dtype = "bfloat16" }},
		"--cpu-offload-gb 4":                           {change: func(l l) { l.CPUOffload = 4 * topology.GiB }},
		"--page-size 64":                               {change: func(l l) { l.BlockSize = 64 }},
		"--quantization fp8":                           {change: func(l l) { l.Quantisation = "fp8" }},
		"--quantization awq":                           {change: func(l l) { l.Quantisation = "awq" }},
		"--quantization w8a8_fp8":                      {change: func(l l) { l.Quantisation = "w8a8_fp8" }},
		"--torchao-config int4wo-128":                  {unknown: []string{"Quantisation"}},
		"--enable-lora --max-lora-rank 64":             {change: func(l l) { l.Adapters, l.AdapterRank = 8, 64 }},
		"--lora-paths a=b c=d --max-loras-per-batch 2": {change: func(l l) { l.Adapters = 2 }, unknown: []string{"AdapterRank"}},
		"--speculative-algorithm EAGLE3 --speculative-draft-model-path a/draft --speculative-num-draft-tokens " +
			"4": {change: func(l l) { l.Draft, l.DraftTokens = "a/draft", 4 }},
		"--speculative-algorithm NEXTN":      {change: func(l l) { l.Draft = "mtp" }},
		"--speculative-algorithm NGRAM":      {},
		"--speculative-algorithm STANDALONE": {unknown: []string{"Draft"}},
		"--disable-hybrid-swa-memory":        {change: func(l l) { l.NoHybridKV = true }},
		"--host 0.0.0.0 --port 30000 --trust-remote-code --attention-backend fa3 --enable-metrics": {},
	} {
		t.Run(line, func(t *testing.T) {
			want := memory.Launch{Engine: memory.SGLang}
			if tc.change != nil {
				tc.change(&want)
			}
			flagCase{line: "python3 -m sglang.launch_server --model-path org/model " + line, want: want, unknown: tc.unknown,
				model: "org/model"}.check(t)
			flagCase{line: "sglang serve --model org/model " + line, want: want, unknown: tc.unknown, model: "org/model"}.check(t)
		})
	}
	_, err := launch.Read(run(t, "python3 -m sglang.launch_server --model-path a/b --tp 4 --dp 3 --enable-dp-attention"))
	wantError(t, err, "tensor parallel 4 is not a multiple of data parallel 3")
	_, err = launch.Read(run(t, "python3 -m sglang.launch_server --model-path a/b --mem-fraction-static 1.5"))
	wantError(t, err, "--mem-fraction-static 1.5: want a number above 0 and up to 1")
}

func TestTGIFlags(t *testing.T) {
	type l = *memory.Launch
	type env = []launch.EnvVar
	for name, tc := range map[string]struct {
		line    string
		env     env
		gpus    int64
		change  func(l)
		unknown []string
	}{
		"shards":        {line: "--num-shard 2", change: func(l l) { l.TensorParallel = 2 }},
		"shards in env": {env: env{{Name: "NUM_SHARD", Value: "4"}}, change: func(l l) { l.TensorParallel = 4 }},
		"flag above env": {line: "--num-shard 2", env: env{{Name: "NUM_SHARD", Value: "4"}},
			change: func(l l) { l.TensorParallel = 2 }},
		"flag above unknown env": {line: "--num-shard 2", env: env{{Name: "NUM_SHARD", From: "configMapKeyRef a/b"}},
			change: func(l l) { l.TensorParallel = 2 }},
		"env unknown":        {env: env{{Name: "NUM_SHARD", From: "configMapKeyRef a/b"}}, unknown: []string{"TensorParallel"}},
		"all GPUs":           {gpus: 8, change: func(l l) { l.TensorParallel = 8 }},
		"all GPUs, unknown":  {unknown: []string{"TensorParallel"}},
		"not sharded":        {line: "--sharded false", gpus: 8, change: func(l l) { l.TensorParallel = 1 }},
		"not sharded in env": {env: env{{Name: "SHARDED", Value: "false"}}, gpus: 1, change: func(l l) { l.TensorParallel = 1 }},
		"lengths": {line: "--max-total-tokens 4096 --max-input-tokens 4000 --max-batch-prefill-tokens 4050 --max-batch-total-tokens 50000 " +
			"--max-batch-size 8", gpus: 1,
			change: func(l l) {
				l.TensorParallel, l.MaxModelLen, l.MaxBatchedTokens, l.KVTokens, l.MaxSequences = 1, 4096, 4050, 50_000, 8
			}},
		"lengths in env": {env: env{{Name: "MAX_TOTAL_TOKENS", Value: "4096"}, {Name: "MAX_INPUT_LENGTH", Value: "4000"},
			{Name: "MAX_BATCH_PREFILL_TOKENS", Value: "4050"}, {Name: "MAX_BATCH_TOTAL_TOKENS", Value: "50000"},
			{Name: "MAX_BATCH_SIZE", Value: "8"}}, gpus: 1,
			change: func(l l) {
				l.TensorParallel, l.MaxModelLen, l.MaxBatchedTokens, l.KVTokens, l.MaxSequences = 1, 4096, 4050, 50_000, 8
			}},
		"fraction": {line: "--cuda-memory-fraction 0.5", gpus: 1, change: func(l l) { l.TensorParallel, l.Utilisation = 1, 0.5 }},
		"fraction in env": {env: env{{Name: "CUDA_MEMORY_FRACTION", Value: "0.5"}}, gpus: 1,
			change: func(l l) { l.TensorParallel, l.Utilisation = 1, 0.5 }},
		"formats": {line: "--quantize fp8 --dtype bfloat16 --kv-cache-dtype fp8_e5m2", gpus: 1,
			change: func(l l) { l.TensorParallel, l.Quantisation, l.Dtype, l.KVFormat = 1, "fp8", "bfloat16", memory.KVFP8 }},
		"formats in env": {env: env{{Name: "QUANTIZE", Value: "bitsandbytes-nf4"}, {Name: "DTYPE", Value: "float16"},
			{Name: "KV_CACHE_DTYPE", Value: "fp8_e4m3fn"}}, gpus: 1,
			change: func(l l) {
				l.TensorParallel, l.Quantisation, l.Dtype, l.KVFormat = 1, "bitsandbytes", "float16", memory.KVFP8
			}},
		"quantised files": {line: "--quantize awq", gpus: 1, change: func(l l) { l.TensorParallel, l.Quantisation = 1, "awq" }},
		"8-bit integers": {line: "--quantize eetq", gpus: 1, change: func(l l) { l.TensorParallel, l.Quantisation = 1, "eetq" },
			unknown: []string{"Quantisation"}},
		"8-bit integers of bitsandbytes": {line: "--quantize bitsandbytes", gpus: 1,
			change: func(l l) { l.TensorParallel, l.Quantisation = 1, "bitsandbytes-int8" }, unknown: []string{"Quantisation"}},
		"graphs": {line: "--cuda-graphs 1,2,64", gpus: 1, change: func(l l) { l.TensorParallel, l.GraphBatch = 1, 64 }},
		"graphs in env": {env: env{{Name: "CUDA_GRAPHS", Value: "1,2,64"}}, gpus: 1,
			change: func(l l) { l.TensorParallel, l.GraphBatch = 1, 64 }},
		"no graphs": {line: "--cuda-graphs 0", gpus: 1, change: func(l l) { l.TensorParallel, l.Eager = 1, true }},
		"speculation": {line: "--speculate 3", gpus: 1, change: func(l l) { l.TensorParallel, l.DraftTokens = 1, 3 },
			unknown: []string{"Draft"}},
		"other flags": {line: "--port 8080 --hostname 0.0.0.0 --json-output --max-concurrent-requests 128 --trust-remote-code", gpus: 1,
			change: func(l l) { l.TensorParallel = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			want := memory.Launch{Engine: memory.TGI}
			if tc.change != nil {
				tc.change(&want)
			}
			flagCase{line: "text-generation-launcher --model-id org/model " + tc.line, env: tc.env, gpus: tc.gpus, want: want,
				unknown: tc.unknown, model: "org/model"}.check(t)
			tc.env = append(tc.env, launch.EnvVar{Name: "MODEL_ID", Value: "org/model"})
			flagCase{line: "text-generation-launcher " + tc.line, env: tc.env, gpus: tc.gpus, want: want, unknown: tc.unknown,
				model: "org/model"}.check(t)
		})
	}
	_, err := launch.Read(launch.Container{Image: "ghcr.io/huggingface/text-generation-inference:3.3.4",
		Env: env{{Name: "CUDA_MEMORY_FRACTION", Value: "2"}}})
	wantError(t, err, "env: CUDA_MEMORY_FRACTION 2: want a number above 0 and up to 1")
}

func TestTensorRTLLM(t *testing.T) {
	const start = "trtllm-serve serve org/model "
	want := func(change func(*memory.Launch)) memory.Launch {
		l := memory.Launch{Engine: memory.TensorRTLLM}
		change(&l)
		return l
	}
	flagCase{
		line: start + "--tp_size 4 --pp_size 2 --ep_size 4 --max_batch_size 64 --max_num_tokens 8192 --max_seq_len 16384 " +
			"--kv_cache_free_gpu_memory_fraction 0.8 --max_beam_width 1 --backend pytorch",
		want: want(func(l *memory.Launch) {
			l.TensorParallel, l.PipelineParallel, l.ExpertParallel = 4, 2, true
			l.MaxSequences, l.MaxBatchedTokens, l.MaxModelLen, l.Utilisation = 64, 8192, 16_384, 0.8
		}),
		model: "org/model",
	}.check(t)
	flagCase{line: "mpirun -n 2 --allow-run-as-root trtllm-llmapi-launch trtllm-serve org/model --tp_size=2",
		want: want(func(l *memory.Launch) { l.TensorParallel = 2 }), model: "org/model"}.check(t)

	c := run(t, start+"--tp_size 4 --max_batch_size 64 --extra_llm_api_options /cfg/extra.yaml")
	r := mustRead(t, c)
	if r.IsKnown(launch.FieldMaxSequences) {
		t.Fatal("the file stands above the flags")
	}
	if r.IsKnown(launch.FieldKVTokens) {
		t.Fatal("r.IsKnown(launch.FieldKVTokens) is true")
	}
	if !r.IsKnown(launch.FieldModel) {
		t.Fatal("r.IsKnown(launch.FieldModel) is false")
	}

	c.Files = map[string]map[string]any{"/cfg/extra.yaml": {
		"max_batch_size": float64(128), "enable_attention_dp": true, "cuda_graph_config": nil,
		"kv_cache_config": map[string]any{"free_gpu_memory_fraction": 0.7, "max_tokens": float64(65536), "dtype": "fp8",
			"tokens_per_block": float64(32)},
		"speculative_config": map[string]any{"decoding_type": "MTP", "num_nextn_predict_layers": float64(3)},
	}}
	r = mustRead(t, c)
	if got := unknown(r); len(got) > 0 {
		t.Fatalf("%v: unknown(r) = %v, want none", r.Unknown, got)
	}
	wantLaunch(t, want(func(l *memory.Launch) {
		l.TensorParallel, l.DataParallel, l.MaxSequences, l.Eager = 1, 4, 128, true
		l.Utilisation, l.KVTokens, l.KVFormat, l.BlockSize, l.Draft, l.DraftTokens = 0.7, 65_536, memory.KVFP8, 32, "mtp", 3
	}), r.Launch)
	if r.Explicit[launch.FieldKVTokens] != "file /cfg/extra.yaml: kv_cache_config.max_tokens 65536" {
		t.Fatalf("r.Explicit[launch.FieldKVTokens] = %q, want %q",
			r.Explicit[launch.FieldKVTokens], "file /cfg/extra.yaml: kv_cache_config.max_tokens 65536")
	}
}

// Triton serves what is in a repository. A script that fills a model's parameters in
// says what it has to say.
func TestTriton(t *testing.T) {
	r := mustRead(t, launch.Container{Image: "nvcr.io/nvidia/tritonserver:25.04-py3",
		Command: []string{"tritonserver", "--model-repository=/models", "--http-port=8000"}})
	if r.Server != "triton" {
		t.Fatalf("r.Server = %q, want %q", r.Server, "triton")
	}
	if diff := cmp.Diff([]string{"Engine", "Model"}, unknown(r)); diff != "" {
		t.Fatalf("unknown(r) (-want +got):\n%s", diff)
	}
	if !strings.Contains(r.Unknown[len(r.Unknown)-1].Because, "is in its model repository") {
		t.Fatalf("%q does not contain %q", r.Unknown[len(r.Unknown)-1].Because, "is in its model repository")
	}

	r = mustRead(t, launch.Container{Command: []string{"bash", "-c", `
python3 tools/fill_template.py -i /repo/tensorrt_llm/config.pbtxt \
triton_backend:tensorrtllm,triton_max_batch_size:8,kv_cache_free_gpu_mem_fraction:0.5,max_tokens_in_paged_kv_cache:2560,\
max_attention_window_size:4096,max_beam_width:1,cross_kv_cache_fraction:0.5
python3 scripts/launch_triton_server.py --world_size=4 --model_repo=/repo`}})
	wantLaunch(t, memory.Launch{Engine: memory.TensorRTLLM, TensorParallel: 4, MaxSequences: 8, Utilisation: 0.5, KVTokens: 2560}, r.Launch)

	_, err := launch.Read(launch.Container{Command: []string{"bash", "-c",
		"python3 fill_template.py -i x kv_cache_free_gpu_mem_fraction:1.5; tritonserver"}})
	wantError(t, err, "kv_cache_free_gpu_mem_fraction 1.5: want a number above 0 and up to 1")
}

func TestHuggingFaceServer(t *testing.T) {
	for line, tc := range map[string]struct {
		change  func(*memory.Launch)
		model   string
		unknown []string
	}{
		"--model_id org/model --backend vllm": {nil, "org/model", nil},
		"--model_name llama --model_id=org/model --backend=vllm --dtype float16": {func(l *memory.Launch) { l.Dtype = "float16" },
			"org/model", nil},
		"--model_id org/model --backend vllm --max_model_len 512": {func(l *memory.Launch) { l.MaxModelLen = 512 },
			"org/model", nil},
		"--model_id org/model --backend vllm --max_length 512": {func(l *memory.Launch) { l.MaxModelLen = 512 },
			"org/model", nil},
		"--model_id org/model --backend vllm --tensor-parallel-size 2 --enforce-eager": {func(l *memory.Launch) {
			l.TensorParallel,
				l.Eager = 2, true
		}, "org/model", nil},
		"--model_id org/model --backend vllm --gpu-memory-utilization 0.8 --max-num-seqs 4": {func(l *memory.Launch) {
			l.Utilisation,
				l.MaxSequences = 0.8, 4
		}, "org/model", nil},
		"--model_id org/model --model_revision main":               {nil, "org/model", []string{"Engine"}},
		"--model_id org/model --backend auto":                      {nil, "org/model", []string{"Engine"}},
		"--model_id org/model --backend huggingface":               {func(l *memory.Launch) { l.Engine = memory.Plain }, "org/model", nil},
		"--model_id org/model --backend triton":                    {func(l *memory.Launch) { l.Engine = memory.Plain }, "org/model", nil},
		"--model_name=bert --model_dir=/mnt/models --backend=vllm": {nil, "", []string{"Model"}},
		"--model_name=bert --backend=vllm":                         {nil, "", []string{"Model"}},
	} {
		t.Run(line, func(t *testing.T) {
			flagCase{line: "python3 -m huggingfaceserver " + line, want: vllm(tc.change), model: tc.model, unknown: tc.unknown}.check(t)
		})
	}
	_, err := launch.Read(run(t, "huggingfaceserver --backend tpu"))
	wantError(t, err, "--backend tpu: want auto, vllm, huggingface or triton")
}

// Servers whose accounting is not known are recognised, with everything unknown.
func TestUnaccountedServers(t *testing.T) {
	for line, server := range map[string]string{
		"lmdeploy serve api_server org/model --tp 2": "lmdeploy", "/app/llama-server -m /models/x.gguf -ngl 99": "llama.cpp",
		"ollama serve": "ollama",
		"python -m llama_cpp.server --model x.gguf": "llama.cpp", "torchserve --start": "torchserve",
		"python3 -m dynamo.trtllm --model-path a/b": "dynamo", "serve run app:main": "ray", "mlc_llm serve x": "mlc-llm",
	} {
		r := mustRead(t, run(t, line))
		if r.Server != server {
			t.Fatalf("%v: r.Server = %q, want %q", line, r.Server, server)
		}
		if r.Launch.Engine != "" {
			t.Fatalf("r.Launch.Engine = %v, want none", r.Launch.Engine)
		}
		if diff := cmp.Diff([]string{"Engine", "Model"}, unknown(r)); diff != "" {
			t.Fatalf("unknown(r) (-want +got):\n%s", diff)
		}
		if !strings.Contains(r.Unknown[0].Because, launch.GPUMemoryAnnotation) {
			t.Fatalf("%q does not contain %q", r.Unknown[0].Because, launch.GPUMemoryAnnotation)
		}
	}
	for image, server := range map[string]string{
		"ollama/ollama:0.12": "ollama", "ghcr.io/ggml-org/llama.cpp:server-cuda": "llama.cpp",
		"nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8": "nim",
	} {
		if got := mustRead(t, launch.Container{Image: image}).Server; got != server {
			t.Fatalf("mustRead(t, launch.Container{Image: image}).Server = %q, want %q", got, server)
		}
	}
}

func TestVersions(t *testing.T) {
	for image, want := range map[string]string{
		"vllm/vllm-openai:v0.11.0":                             "0.11.0",
		"vllm/vllm-openai:v0.10.1.1":                           "0.10.1",
		"vllm/vllm-openai:v0.11.0-x86_64":                      "0.11.0",
		"vllm/vllm-openai:v0.15.2rc1@sha256:aa":                "0.15.2",
		"localhost:5000/vllm-openai:v0.9.2":                    "0.9.2",
		"vllm/vllm-openai:latest":                              "",
		"vllm/vllm-openai:nightly-0123abc":                     "",
		"vllm/vllm-openai:gptoss":                              "",
		"vllm/vllm-openai":                                     "",
		"vllm/vllm-openai@sha256:aa":                           "",
		"nvcr.io/nvidia/vllm:25.09-py3":                        "",
		"lmsysorg/sglang:v0.5.3-cu126":                         "0.5.3",
		"lmsysorg/sglang:v0.5.3.post1":                         "0.5.3",
		"lmsysorg/sglang:latest":                               "",
		"nvcr.io/nvidia/sglang:25.10-py3":                      "",
		"ghcr.io/huggingface/text-generation-inference:3.3.4":  "3.3.4",
		"ghcr.io/huggingface/text-generation-inference:sha-12": "",
		"nvcr.io/nvidia/tensorrt-llm/release:1.0.0":            "1.0.0",
		"ghcr.io/llm-d/llm-d-cuda:v0.6.0":                      "",
		"corp/own-image:v1.2.3":                                "",
		"":                                                     "",
	} {
		line := "vllm serve a/b"
		switch {
		case strings.Contains(image, "sglang"):
			line = "python3 -m sglang.launch_server --model-path a/b"
		case strings.Contains(image, "text-generation"):
			line = "text-generation-launcher --model-id a/b"
		case strings.Contains(image, "tensorrt"):
			line = "trtllm-serve a/b"
		}
		c := run(t, line)
		c.Image = image
		r := mustRead(t, c)
		if want == "" {
			if r.IsKnown(launch.FieldVersion) {
				t.Fatalf("%v: r.IsKnown(launch.FieldVersion) is true", image)
			}
			if diff := cmp.Diff(memory.Version{}, r.Launch.Version); diff != "" {
				t.Fatalf("%v: r.Launch.Version (-want +got):\n%s", image, diff)
			}
			continue
		}
		if got := r.Launch.Version.String(); got != want {
			t.Fatalf("%v: r.Launch.Version.String() = %q, want %q", image, got, want)
		}
		if !r.IsKnown(launch.FieldVersion) {
			t.Fatalf("%v: r.IsKnown(launch.FieldVersion) is false", image)
		}
	}
}
