package launch

import (
	"fmt"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// trtllmDialect is trtllm-serve's command line (tensorrt_llm/commands/serve.py, v1.0).
// Its file of options stands above the flags.
func trtllmDialect() *flagDialect {
	d := &flagDialect{words: 1, underscores: true, begin: readStandingModel, finish: finishTRTLLM}
	d.settings = append([]flagSetting{
		countSetting(FieldTensorParallel, 1, maxDegree, "--tp-size", "--tensor-parallel-size"),
		countSetting(FieldPipelineParallel, 1, maxDegree, "--pp-size", "--pipeline-parallel-size"),
		{names: []string{"--ep-size", "--moe-expert-parallel-size"}, fields: []Field{FieldExpertParallel}, read: readExperts},
		countSetting(FieldMaxSequences, 1, maxTokens, "--max-batch-size"),
		countSetting(FieldMaxBatchedTokens, 1, maxTokens, "--max-num-tokens"),
		countSetting(FieldMaxModelLen, 1, maxTokens, "--max-seq-len"),
		{names: []string{"--kv-cache-free-gpu-memory-fraction", "--free-gpu-memory-fraction"}, fields: []Field{FieldUtilisation},
			read: readShare},
		{names: []string{"--kv-cache-dtype"}, fields: []Field{FieldKVFormat}, read: readKVFormat(trtllmKVFormats)},
		{names: []string{"--extra-llm-api-options", "--config", "--extra-llm-options"}, read: readByFinish},
	}, ignoredFlags(`--tokenizer --host --port --backend --log-level --max-beam-width --gpus-per-node --num-postprocess-workers
		--reasoning-parser --tool-parser --metadata-server-config-file --server-role --cluster-size --chat-template --media-io-kwargs
		--revision --moe-cluster-parallel-size`, takesOne)...)
	d.settings = append(d.settings, ignoredFlags(`--trust-remote-code --fail-fast-on-attention-window-too-large --enable-chunked-prefill`,
		takesNone)...)
	return d.withIndex()
}

var trtllmKVFormats = map[string]memory.KVFormat{"auto": memory.KVAuto, "fp8": memory.KVFP8, "nvfp4": memory.KVNVFP4,
	"bfloat16": memory.KVWide, "float16": memory.KVWide}

// readStandingModel reads a model that stands alone.
func readStandingModel(a *flagReader) error {
	if len(a.words) == 0 {
		if a.reading.IsKnown(FieldModel) {
			a.reading.markUnknown(FieldModel, "no model is stated")
		}
		return nil
	}
	s := flagSetting{names: []string{""}, fields: []Field{FieldModel}, read: readModel}
	return a.readFlag(flagOccurrence{&s, givenFlag{text: a.words[0].text, place: a.words[0].place}})
}

// optionFields are the fields that a file of options may set, whatever the flags say.
var optionFields = []Field{
	FieldTensorParallel, FieldPipelineParallel, FieldExpertParallel, FieldDataParallel, FieldMaxSequences, FieldMaxBatchedTokens,
	FieldMaxModelLen, FieldUtilisation, FieldKVTokens,
	FieldKVFormat, FieldBlockSize, FieldEager, FieldGraphBatch, FieldDraft, FieldDraftTokens, FieldAdapters, FieldDtype, FieldQuantisation,
}

// optionSettings are the file's keys and the settings that they are.
var optionSettings = []struct {
	keys string
	flagSetting
}{
	{"tensor_parallel_size", countSetting(FieldTensorParallel, 1, maxDegree)},
	{"pipeline_parallel_size", countSetting(FieldPipelineParallel, 1, maxDegree)},
	{"moe_expert_parallel_size", flagSetting{fields: []Field{FieldExpertParallel}, read: readExperts}},
	{"max_batch_size", countSetting(FieldMaxSequences, 1, maxTokens)},
	{"max_num_tokens", countSetting(FieldMaxBatchedTokens, 1, maxTokens)},
	{"max_seq_len", countSetting(FieldMaxModelLen, 1, maxTokens)},
	{"dtype", flagSetting{fields: []Field{FieldDtype}, read: readDtype}},
	{"kv_cache_config.free_gpu_memory_fraction", flagSetting{fields: []Field{FieldUtilisation}, read: readShare}},
	{"kv_cache_config.max_tokens", countSetting(FieldKVTokens, 1, maxTokens)},
	{"kv_cache_config.tokens_per_block", countSetting(FieldBlockSize, 1, 1<<20)},
	{"kv_cache_config.dtype", flagSetting{fields: []Field{FieldKVFormat}, read: readKVFormat(trtllmKVFormats)}},
	{"cuda_graph_config.max_batch_size", countSetting(FieldGraphBatch, 1, maxTokens)},
	{"quant_config", flagSetting{fields: []Field{FieldQuantisation},
		read: readAsUnknown(FieldQuantisation, "how many bytes this leaves of the weights is not known")}},
	{"enable_attention_dp", flagSetting{fields: []Field{FieldDataParallel}, read: readTRTLLMAttention}},
	{"speculative_config", flagSetting{fields: []Field{FieldDraft, FieldDraftTokens}, read: readTRTLLMSpeculative}},
	{"lora_config.max_loras", countSetting(FieldAdapters, 1, 1<<16)},
	{"lora_config.max_lora_rank", countSetting(FieldAdapterRank, 1, 1<<16)},
}

func finishTRTLLM(a *flagReader) error {
	g, found := a.flags["--extra-llm-api-options"]
	if !found {
		return nil
	}
	content, known := a.knownFile(g.text)
	if !known {
		for _, field := range optionFields {
			a.reading.markUnknown(field, a.unknowns.showText(g.whereGiven())+" is not in the pod")
		}
		return nil
	}
	if graphs, stated := content["cuda_graph_config"]; stated && graphs == nil {
		a.reading.Launch.Eager = true
		a.reading.Explicit[FieldEager] = "file " + g.text + ": cuda_graph_config null"
	}
	for _, option := range optionSettings {
		value, stated := lookUpKey(content, strings.Split(option.keys, "."))
		if !stated || value == nil {
			continue
		}
		one := givenFlag{name: option.keys, text: scalarText(value), place: "file " + g.text}
		if object, isObject := value.(map[string]any); isObject {
			one.object = object
		}
		if err := a.readFlag(flagOccurrence{&option.flagSetting, one}); err != nil {
			return err
		}
	}
	return nil
}

func lookUpKey(content map[string]any, keys []string) (any, bool) {
	value, found := content[keys[0]]
	if len(keys) == 1 || !found {
		return value, found
	}
	inner, isObject := value.(map[string]any)
	if !isObject {
		return nil, false
	}
	return lookUpKey(inner, keys[1:])
}

// readTRTLLMAttention is attention that every GPU computes for requests of its own: in
// the terms of Launch, data parallel over what TensorRT-LLM calls tensor parallel.
func readTRTLLMAttention(a *flagReader, g givenFlag) error {
	if isTrueText(g.text) && a.reading.Launch.TensorParallel > 1 {
		a.reading.Launch.DataParallel, a.reading.Launch.TensorParallel = a.reading.Launch.TensorParallel, 1
	}
	return nil
}

func readTRTLLMSpeculative(a *flagReader, g givenFlag) error {
	object, err := g.jsonObject()
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
			if a.reading.Launch.DraftTokens, err = g.parseMember(key, value, 1, 1<<16); err != nil {
				return err
			}
		}
	}
	return a.setDraft(strings.ToLower(method), name, givenFlag{name: g.name, text: method, place: g.place})
}

// tritonDialect is tritonserver's command line. What it serves is in a repository of
// models, except what a script writes into one with fill_template.py.
func tritonDialect() *flagDialect {
	d := &flagDialect{lenient: true, finish: finishTriton}
	d.settings = append([]flagSetting{
		countSetting(FieldTensorParallel, 1, maxDegree, "--world-size"),
	}, ignoredFlags(`--model-repository|--model-store|--model-repo --model-control-mode --load-model --backend-config --http-port
		--grpc-port --metrics-port --log-verbose --cuda-memory-pool-byte-size --pinned-memory-pool-byte-size --exit-timeout-secs
		--rate-limit --tensorrt-llm-model-name`, takesOne)...)
	return d.withIndex()
}

func finishTriton(a *flagReader) error {
	for _, field := range []Field{FieldEngine, FieldModel} {
		a.reading.markUnknown(field, fmt.Sprintf("what tritonserver serves is in its model repository, name it with annotations %s and %s, "+
			"or state the memory with %s", EngineAnnotation, ModelAnnotation, GPUMemoryAnnotation))
	}
	return nil
}

// templateParameters are parameters of a model's config.pbtxt in the TensorRT-LLM backend
// (tensorrtllm_backend@0b9d7d5, docs/model_config.md).
var templateParameters = map[string]flagSetting{
	"kv_cache_free_gpu_mem_fraction": {fields: []Field{FieldUtilisation}, read: readShare},
	"max_tokens_in_paged_kv_cache":   countSetting(FieldKVTokens, 1, maxTokens),
	"triton_max_batch_size":          countSetting(FieldMaxSequences, 1, maxTokens),
	"max_attention_window_size":      {},
	"cross_kv_cache_fraction":        {},
	"max_beam_width":                 {},
}

// readTemplates reads what a script writes into a config.pbtxt before it starts Triton:
// fill_template.py -i config.pbtxt key:value,key:value.
func (a *flagReader) readTemplates(programs []startedProgram) error {
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
				s, found := templateParameters[key]
				if !found || value == "" || strings.HasPrefix(value, "${") {
					continue
				}
				a.reading.Launch.Engine = memory.TensorRTLLM
				if s.read == nil {
					continue
				}
				if err := a.readFlag(flagOccurrence{&s, givenFlag{name: key, text: value, place: p.place}}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
