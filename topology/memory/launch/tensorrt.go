package launch

import (
	"fmt"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// trtllmDialect is trtllm-serve's command line (tensorrt_llm/commands/serve.py, v1.0).
// Its file of options stands above the flags.
func trtllmDialect() *dialect {
	d := &dialect{words: 1, begin: standingModel, finish: trtllmFinish}
	d.settings = append([]setting{
		{names: []string{"--tp-size", "--tensor-parallel-size"}, fields: []string{"TensorParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.TensorParallel })},
		{names: []string{"--pp-size", "--pipeline-parallel-size"}, fields: []string{"PipelineParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.PipelineParallel })},
		{names: []string{"--ep-size", "--moe-expert-parallel-size"}, fields: []string{"ExpertParallel"}, read: experts},
		{names: []string{"--max-batch-size"}, fields: []string{"MaxSequences"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxSequences })},
		{names: []string{"--max-num-tokens"}, fields: []string{"MaxBatchedTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxBatchedTokens })},
		{names: []string{"--max-seq-len"}, fields: []string{"MaxModelLen"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxModelLen })},
		{names: []string{"--kv-cache-free-gpu-memory-fraction", "--free-gpu-memory-fraction"}, fields: []string{"Utilisation"}, read: share},
		{names: []string{"--kv-cache-dtype"}, fields: []string{"KVFormat"}, read: kvFormat(trtllmKV)},
		{names: []string{"--extra-llm-api-options", "--config", "--extra-llm-options"}, read: checked},
	}, ignored(`--tokenizer --host --port --backend --log-level --max-beam-width --gpus-per-node --num-postprocess-workers --reasoning-parser --tool-parser
		--metadata-server-config-file --server-role --cluster-size --chat-template --media-io-kwargs --revision --moe-cluster-parallel-size`, takesOne)...)
	d.settings = append(d.settings, ignored(`--trust-remote-code --fail-fast-on-attention-window-too-large --enable-chunked-prefill`, takesNone)...)
	return d.indexed()
}

var trtllmKV = map[string]memory.KVFormat{"auto": memory.KVAuto, "fp8": memory.KVFP8, "nvfp4": memory.KVNVFP4, "bfloat16": memory.KVAuto, "float16": memory.KVAuto}

// standingModel reads a model that stands alone.
func standingModel(a *application) error {
	if len(a.words) == 0 {
		if a.Settled("Model") {
			a.doubt("Model", "no model is stated")
		}
		return nil
	}
	s := setting{names: []string{""}, fields: []string{"Model"}, read: model}
	return a.set(occurrence{&s, given{text: a.words[0].text, place: a.words[0].place}})
}

// options are the fields that a file of options may set, whatever the flags say.
var options = []string{
	"TensorParallel", "PipelineParallel", "ExpertParallel", "DataParallel", "MaxSequences", "MaxBatchedTokens", "MaxModelLen", "Utilisation", "KVTokens",
	"KVFormat", "BlockSize", "Eager", "GraphBatch", "Draft", "DraftTokens", "Adapters", "Dtype", "Quantisation",
}

// inOptions are the file's keys and the settings that they are.
var inOptions = []struct {
	keys string
	setting
}{
	{"tensor_parallel_size", setting{fields: []string{"TensorParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.TensorParallel })}},
	{"pipeline_parallel_size", setting{fields: []string{"PipelineParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.PipelineParallel })}},
	{"moe_expert_parallel_size", setting{fields: []string{"ExpertParallel"}, read: experts}},
	{"max_batch_size", setting{fields: []string{"MaxSequences"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxSequences })}},
	{"max_num_tokens", setting{fields: []string{"MaxBatchedTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxBatchedTokens })}},
	{"max_seq_len", setting{fields: []string{"MaxModelLen"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxModelLen })}},
	{"dtype", setting{fields: []string{"Dtype"}, read: dtype}},
	{"kv_cache_config.free_gpu_memory_fraction", setting{fields: []string{"Utilisation"}, read: share}},
	{"kv_cache_config.max_tokens", setting{fields: []string{"KVTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.KVTokens })}},
	{"kv_cache_config.tokens_per_block", setting{fields: []string{"BlockSize"}, read: count(1, 1<<20, func(l *memory.Launch) *int64 { return &l.BlockSize })}},
	{"kv_cache_config.dtype", setting{fields: []string{"KVFormat"}, read: kvFormat(trtllmKV)}},
	{"cuda_graph_config.max_batch_size", setting{fields: []string{"GraphBatch"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.GraphBatch })}},
	{"quant_config", setting{fields: []string{"Quantisation"}, read: doubtful("Quantisation", "how many bytes this leaves of the weights is not known")}},
	{"enable_attention_dp", setting{fields: []string{"DataParallel"}, read: trtllmAttention}},
	{"speculative_config", setting{fields: []string{"Draft", "DraftTokens"}, read: trtllmSpeculative}},
	{"lora_config.max_loras", setting{fields: []string{"Adapters"}, read: count(1, 1<<16, func(l *memory.Launch) *int64 { return &l.Adapters })}},
	{"lora_config.max_lora_rank", setting{fields: []string{"AdapterRank"}, read: count(1, 1<<16, func(l *memory.Launch) *int64 { return &l.AdapterRank })}},
}

func trtllmFinish(a *application) error {
	g, found := a.given["--extra-llm-api-options"]
	if !found {
		return nil
	}
	content, known := a.file(g.text)
	if !known {
		for _, field := range options {
			a.doubt(field, a.holes.show(g.where())+" is not in the pod")
		}
		return nil
	}
	if graphs, stated := content["cuda_graph_config"]; stated && graphs == nil {
		a.Launch.Eager = true
		a.Stated["Eager"] = "file " + g.text + ": cuda_graph_config null"
	}
	for _, option := range inOptions {
		value, stated := lookUp(content, strings.Split(option.keys, "."))
		if !stated || value == nil {
			continue
		}
		one := given{name: option.keys, text: scalar(value), place: "file " + g.text}
		if object, isObject := value.(map[string]any); isObject {
			one.object = object
		}
		if err := a.set(occurrence{&option.setting, one}); err != nil {
			return err
		}
	}
	return nil
}

func lookUp(content map[string]any, keys []string) (any, bool) {
	value, found := content[keys[0]]
	if len(keys) == 1 || !found {
		return value, found
	}
	inner, isObject := value.(map[string]any)
	if !isObject {
		return nil, false
	}
	return lookUp(inner, keys[1:])
}

// trtllmAttention is attention that every GPU computes for requests of its own: in
// the terms of Launch, data parallel over what TensorRT-LLM calls tensor parallel.
func trtllmAttention(a *application, g given) error {
	if isTrue(g.text) && a.Launch.TensorParallel > 1 {
		a.Launch.DataParallel, a.Launch.TensorParallel = a.Launch.TensorParallel, 1
	}
	return nil
}

func trtllmSpeculative(a *application, g given) error {
	object, err := g.fields()
	if err != nil {
		return err
	}
	method, _ := object["decoding_type"].(string)
	name, _ := object["speculative_model_dir"].(string)
	if name == "" {
		name, _ = object["speculative_model"].(string)
	}
	for _, key := range []string{"max_draft_len", "num_nextn_predict_layers"} {
		if value, found := object[key]; found {
			if a.Launch.DraftTokens, err = g.member(key, value, 1, 1<<16); err != nil {
				return err
			}
		}
	}
	return a.draft(strings.ToLower(method), name, given{name: g.name, text: method, place: g.place})
}

// tritonDialect is tritonserver's command line. What it serves is in a repository of
// models, except what a script writes into one with fill_template.py.
func tritonDialect() *dialect {
	d := &dialect{lenient: true, finish: tritonFinish}
	d.settings = append([]setting{
		{names: []string{"--world-size"}, fields: []string{"TensorParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.TensorParallel })},
	}, ignored(`--model-repository|--model-store|--model-repo --model-control-mode --load-model --backend-config --http-port --grpc-port --metrics-port --log-verbose
		--cuda-memory-pool-byte-size --pinned-memory-pool-byte-size --exit-timeout-secs --rate-limit --tensorrt-llm-model-name`, takesOne)...)
	return d.indexed()
}

func tritonFinish(a *application) error {
	for _, field := range []string{"Engine", "Model"} {
		a.doubt(field, fmt.Sprintf("what tritonserver serves is in its model repository, name it with annotations %s and %s, or state the memory with %s", EngineName, ModelName, GPUMemory))
	}
	return nil
}

// inTemplate are parameters of a model's config.pbtxt in the TensorRT-LLM backend
// (tensorrtllm_backend@0b9d7d5, docs/model_config.md).
var inTemplate = map[string]setting{
	"kv_cache_free_gpu_mem_fraction": {fields: []string{"Utilisation"}, read: share},
	"max_tokens_in_paged_kv_cache":   {fields: []string{"KVTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.KVTokens })},
	"triton_max_batch_size":          {fields: []string{"MaxSequences"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxSequences })},
	"max_attention_window_size":      {},
	"cross_kv_cache_fraction":        {},
	"max_beam_width":                 {},
}

// filled reads what a script writes into a config.pbtxt before it starts Triton:
// fill_template.py -i config.pbtxt key:value,key:value.
func (a *application) filled(programs []started) error {
	for _, p := range programs {
		at := 0
		for at < len(p.words) && path.Base(p.words[at]) != "fill_template.py" {
			at++
		}
		if at == len(p.words) {
			continue
		}
		for _, w := range p.words[at+1:] {
			for pair := range strings.SplitSeq(w, ",") {
				key, value, _ := strings.Cut(pair, ":")
				s, found := inTemplate[key]
				if !found || value == "" || strings.HasPrefix(value, "${") {
					continue
				}
				a.Launch.Engine = memory.TensorRTLLM
				if s.read == nil {
					continue
				}
				if err := a.set(occurrence{&s, given{name: key, text: value, place: p.place}}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
