package launch

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// vllmDialect is vLLM's command line (vllm/engine/arg_utils.py, v0.10 with flags of
// later releases; FlexibleArgumentParser in vllm/utils). as says how it is started:
// "serve", "module" (python -m ...api_server), "image" or "bench".
func vllmDialect(as string) *flagDialect {
	d := &flagDialect{config: "--config", words: 1, finish: finishVLLM}
	d.settings = append(vllmSettings(), ignoredFlags(vllmValues, takesOne)...)
	d.settings = append(d.settings, ignoredFlags(vllmSwitches, takesNone)...)
	d.settings = append(d.settings, ignoredFlags(vllmLists, takesSeveral)...)
	d.begin = func(a *flagReader) error { return beginVLLM(a, as) }
	if as == "bench" {
		d.words = 0
		d.lenient = true
	}
	return d.withIndex()
}

// kaitoDialect is the command line of Kaito's server around vLLM (kaito, presets/
// workspace/inference/vllm/inference_api.py): vLLM's flags, and a file that has more.
func kaitoDialect() *flagDialect {
	d := vllmDialect("module")
	d.config = "--kaito-config-file"
	d.settings = append(d.settings, ignoredFlags("--kaito-config-file --kaito-adapters-dir --kaito-max-probe-steps "+
		"--kaito-kv-cache-cpu-memory-utilization", takesOne)...)
	d.settings = append(d.settings, ignoredFlags("--kaito-disable-rate-limit", takesNone)...)
	return d.withIndex()
}

// dynamoDialect is the command line of Dynamo's worker around vLLM (dynamo, components/src/dynamo/vllm/args.py).
func dynamoDialect() *flagDialect {
	d := vllmDialect("module")
	d.settings = append(d.settings, ignoredFlags(`--endpoint --connector --disaggregation-mode --migration-limit --dyn-tool-call-parser
		--dyn-reasoning-parser --custom-jinja-template --dyn-endpoint-types --store-kv --request-plane --event-plane --namespace
		--discovery-backend --benchmark-mode`, takesOne)...)
	d.settings = append(d.settings, ignoredFlags(`--is-prefill-worker --is-decode-worker --use-vllm-tokenizer --multimodal-worker
		--multimodal-processor --multimodal-encode-worker --multimodal-decode-worker --enable-multimodal --dyn-debug`, takesNone)...)
	return d.withIndex()
}

// ignoredFlags are flags without bearing on memory.
func ignoredFlags(names string, takes flagArity) []flagSetting {
	var all []flagSetting
	for name := range strings.FieldsSeq(names) {
		all = append(all, flagSetting{names: strings.Split(name, "|"), takes: takes})
	}
	return all
}

func vllmSettings() []flagSetting {
	return []flagSetting{
		{names: []string{"--model"}, fields: []Field{FieldModel}, read: readModel},
		countSetting(FieldTensorParallel, 1, maxDegree, "--tensor-parallel-size", "-tp"),
		countSetting(FieldPipelineParallel, 1, maxDegree, "--pipeline-parallel-size", "-pp"),
		countSetting(FieldDataParallel, 1, maxDegree, "--data-parallel-size", "-dp"),
		{names: []string{"--decode-context-parallel-size", "-dcp"}, fields: []Field{FieldContextParallel}, read: readVLLMContextParallel},
		{names: []string{"--prefill-context-parallel-size", "-pcp"}, fields: []Field{FieldContextParallel}, read: readVLLMContextParallel},
		switchSetting(FieldExpertParallel, "--enable-expert-parallel", "-ep"),
		{names: []string{"--max-model-len"}, fields: []Field{FieldMaxModelLen, FieldFitModelLen}, read: readVLLMModelLen},
		countSetting(FieldMaxSequences, 1, maxTokens, "--max-num-seqs"),
		humanSetting(FieldMaxBatchedTokens, 1, maxTokens, "--max-num-batched-tokens"),
		{names: []string{"--gpu-memory-utilization"}, fields: []Field{FieldUtilisation}, read: readShare},
		{names: []string{"--kv-cache-memory-bytes", "--kv-cache-memory"}, fields: []Field{FieldKVMemory}, read: readKVMemory},
		{names: []string{"--kv-cache-dtype"}, fields: []Field{FieldKVFormat}, read: readKVFormat(vllmKVFormats)},
		countSetting(FieldBlockSize, 1, 1<<20, "--block-size"),
		countSetting(FieldKVBlocks, 1, maxTokens, "--num-gpu-blocks-override"),
		{names: []string{"--quantization", "-q"}, fields: []Field{FieldQuantisation}, read: readScheme(memory.VLLM)},
		{names: []string{"--load-format"}, fields: []Field{FieldQuantisation}, read: readLoadFormat},
		{names: []string{"--dtype"}, fields: []Field{FieldDtype}, read: readDtype},
		switchSetting(FieldEager, "--enforce-eager"),
		{names: []string{"--optimization-level", "-O"}, object: true, fields: []Field{FieldEager}, read: readVLLMLevel},
		{names: []string{"--compilation-config", "-cc"}, object: true, fields: []Field{FieldEager, FieldGraphBatch}, read: readVLLMCompilation},
		{names: []string{"--cuda-graph-sizes", "--cudagraph-capture-sizes"}, takes: takesSeveral, fields: []Field{FieldGraphBatch},
			read: readSizes},
		countSetting(FieldGraphBatch, 0, maxTokens, "--max-cudagraph-capture-size"),
		{names: []string{"--cpu-offload-gb"}, fields: []Field{FieldCPUOffload}, read: readCPUOffload},
		{names: []string{"--speculative-config", "-sc"}, object: true, partial: true, fields: []Field{FieldDraft, FieldDraftTokens},
			read: readVLLMSpeculative},
		{names: []string{"--speculative-model"}, fields: []Field{FieldDraft}, read: readVLLMDraft},
		countSetting(FieldDraftTokens, 1, 1<<16, "--num-speculative-tokens"),
		{names: []string{"--enable-lora"}, takes: takesNone, fields: []Field{FieldAdapters, FieldAdapterRank}, read: readVLLMAdapters},
		{names: []string{"--max-loras"}, fields: []Field{FieldAdapters}, read: readVLLMAdapters},
		{names: []string{"--max-lora-rank"}, fields: []Field{FieldAdapterRank}, read: readVLLMAdapters},
		switchSetting(FieldNoHybridKV, "--disable-hybrid-kv-cache-manager"),
		{names: []string{"--enable-prefix-caching"}, takes: takesNone, fields: []Field{FieldNoPrefixCaching}, read: readPrefixCaching},
		switchSetting(FieldLanguageOnly, "--language-model-only"),
		{names: []string{"--limit-mm-per-prompt"}, object: true, fields: []Field{FieldMedia, FieldLanguageOnly}, read: readVLLMLimits},
		{names: []string{"--mm-processor-kwargs"}, object: true, fields: []Field{FieldMedia}, read: readMediaProcessor},
		{names: []string{"--skip-mm-profiling"}, takes: takesNone, fields: []Field{FieldMedia}, read: readUnprofiled},
		{names: []string{"--hf-overrides"}, object: true, fields: []Field{FieldOverrides}, read: readOverrides},
		{names: []string{"--offload-backend", "--offload-group-size", "--offload-num-in-group", "--offload-prefetch-step",
			"--offload-params"}, fields: []Field{FieldCPUOffload}, read: readOffloading},
		{names: []string{"--swap-space"}, read: func(_ *flagReader, g givenFlag) error { _, err := g.parseGiB(); return err }},
	}
}

// Flags without bearing on memory: with a value, without, and with several. Spellings
// of one flag are separated by bars.
const (
	vllmValues = `--config --host --port --uds --api-key --served-model-name-prefix --tokenizer --tokenizer-mode
		--tokenizer-revision --revision --code-revision --seed --download-dir --config-format --hf-config-path --hf-token --task
		--runner --convert --chat-template --chat-template-content-format --response-role --uvicorn-log-level --ssl-keyfile
		--ssl-certfile --ssl-ca-certs --ssl-cert-reqs --root-path --allowed-origins --allowed-methods --allowed-headers
		--tool-call-parser --tool-parser-plugin --tool-server --reasoning-parser --reasoning-parser-plugin --guided-decoding-backend
		--structured-outputs-config --generation-config --override-generation-config --logprobs-mode --max-logprobs --model-impl
		--override-attention-dtype --logits-processor-pattern --rope-scaling --rope-theta --max-seq-len-to-capture
		--kv-transfer-config --kv-events-config --ec-transfer-config --kv-offloading-size --kv-offloading-backend
		--distributed-executor-backend --nnodes|-n --node-rank|-r --master-addr --master-port --max-parallel-loading-workers
		--worker-cls --worker-extension-cls --data-parallel-rank|-dpn --data-parallel-start-rank|-dpr --data-parallel-size-local|-dpl
		--data-parallel-address|-dpa --data-parallel-rpc-port|-dpp --data-parallel-backend|-dpb --api-server-count|-asc
		--num-redundant-experts --eplb-config --expert-placement-strategy --all2all-backend --dbo-decode-token-threshold
		--dbo-prefill-token-threshold --scheduling-policy --scheduler-cls --scheduler-delay-factor --num-scheduler-steps
		--max-num-partial-prefills --max-long-partial-prefills --long-prefill-token-threshold --num-lookahead-slots --preemption-mode
		--stream-interval --prefix-caching-hash-algo --mamba-cache-dtype --mamba-ssm-cache-dtype --mamba-block-size --mamba-cache-mode
		--max-cpu-loras --lora-dtype --lora-extra-vocab-size --default-mm-loras --long-lora-scaling-factors --attention-backend
		--attention-config|-ac --kernel-config --moe-backend --additional-config --model-loader-extra-config --pooler-config
		--override-pooler-config --device --otlp-traces-endpoint --show-hidden-metrics-for-version --kv-cache-metrics-sample
		--max-log-len --log-config-file --mm-processor-cache-gb --mm-processor-cache-type
		--mm-shm-cache-max-object-size-mb --mm-encoder-tp-mode --mm-encoder-attn-backend --media-io-kwargs
		--interleave-mm-strings-mode --video-pruning-rate --allowed-local-media-path --allowed-media-domains --io-processor-plugin
		--safetensors-load-strategy --cp-kv-cache-interleave-size --dcp-kv-cache-interleave-size --profiler-config --shutdown-timeout
		--h11-max-incomplete-event-size --h11-max-header-count --default-chat-template-kwargs --disable-access-log-for-endpoints
		--ssl-ciphers --performance-mode --cudagraph-metrics-sample --speculative-draft-tensor-parallel-size
		--speculative-max-model-len --spec-decoding-acceptance-method --qlora-adapter-name-or-path --max-context-len-to-capture
		--collect-detailed-traces --input-len --output-len --num-prompts --dataset-name --dataset-path --batch-size --num-iters`
	vllmSwitches = `--trust-remote-code --enable-chunked-prefill --multi-step-stream-outputs
		--disable-sliding-window --disable-cascade-attn --skip-tokenizer-init --enable-prompt-embeds --enable-prompt-tokens-details
		--enable-sleep-mode --async-scheduling --enable-auto-tool-choice --exclude-tools-when-tool-choice-none
		--enable-server-load-tracking --enable-force-include-usage --enable-tokenizer-info-endpoint --enable-log-outputs
		--enable-log-requests --enable-log-deltas --disable-log-requests --disable-log-stats --disable-uvicorn-access-log
		--disable-fastapi-docs --disable-frontend-multiprocessing --enable-request-id-headers --enable-ssl-refresh
		--return-tokens-as-token-ids --allow-credentials --headless --data-parallel-hybrid-lb|-dph --data-parallel-external-lb|-dpe
		--enable-eplb --enable-dbo --disable-custom-all-reduce --ray-workers-use-nsight --disable-nccl-for-dp-synchronization
		--disable-chunked-mm-input --disable-mm-preprocessor-cache --use-tqdm-on-load --fully-sharded-loras
		--enable-lora-bias --enable-prompt-adapter --calculate-kv-scales --kv-sharing-fast-prefill --enable-mfu-metrics
		--kv-cache-metrics --cudagraph-metrics --enable-layerwise-nvtx-tracing --disable-async-output-proc --use-v2-block-manager
		--engine-use-ray --worker-use-ray --enable-reasoning --guided-decoding-disable-fallback
		--enable-multimodal-encoder-data-parallel --log-error-stack --tokens-only --allow-remote-media --enable-response-messages
		--enable-mm-embeds --grpc --enable-offline-docs --ssl-refresh --trust-request-chat-template --disable-log-request`
	vllmLists = `--served-model-name --lora-modules --prompt-adapters --middleware --ignore-patterns --logits-processors --allowed-model-names`
)
