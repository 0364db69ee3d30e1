package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// sglangDialect is SGLang's command line (docs/advanced_features/server_arguments.md,
// v0.5).
func sglangDialect() *flagDialect {
	d := &flagDialect{config: "--config", finish: finishSGLang, begin: requireModelFlag("--model-path")}
	d.settings = append(sglangSettings(), ignoredFlags(sglangValues, takesOne)...)
	d.settings = append(d.settings, ignoredFlags(sglangSwitches, takesNone)...)
	d.settings = append(d.settings, ignoredFlags(sglangLists, takesSeveral)...)
	return d.withIndex()
}

func sglangSettings() []flagSetting {
	return []flagSetting{
		{names: []string{"--model-path", "--model"}, fields: []Field{FieldModel}, read: readModel},
		countSetting(FieldTensorParallel, 1, maxDegree, "--tp-size", "--tensor-parallel-size", "--tp"),
		countSetting(FieldPipelineParallel, 1, maxDegree, "--pp-size", "--pipeline-parallel-size", "--pp"),
		countSetting(FieldDataParallel, 1, maxDegree, "--dp-size", "--data-parallel-size", "--dp"),
		{names: []string{"--ep-size", "--expert-parallel-size", "--ep"}, fields: []Field{FieldExpertParallel}, read: readExperts},
		switchSetting(FieldExpertParallel, "--enable-ep-moe"),
		switchSetting(FieldExpertParallel, "--enable-deepep-moe"),
		{names: []string{"--enable-dp-attention"}, takes: takesNone, fields: []Field{FieldTensorParallel, FieldExpertParallel},
			read: readByFinish},
		countSetting(FieldMaxModelLen, 1, maxTokens, "--context-length"),
		countSetting(FieldMaxSequences, 1, maxTokens, "--max-running-requests"),
		{names: []string{"--chunked-prefill-size"}, fields: []Field{FieldMaxBatchedTokens}, read: readSGLangChunk},
		countSetting(FieldKVTokens, 1, maxTokens, "--max-total-tokens"),
		{names: []string{"--mem-fraction-static"}, fields: []Field{FieldUtilisation}, read: readShare},
		countSetting(FieldBlockSize, 1, 1<<20, "--page-size"),
		{names: []string{"--kv-cache-dtype"}, fields: []Field{FieldKVFormat}, read: readKVFormat(sglangKVFormats)},
		{names: []string{"--dtype"}, fields: []Field{FieldDtype}, read: readDtype},
		{names: []string{"--quantization"}, fields: []Field{FieldQuantisation}, read: readScheme(memory.SGLang)},
		{names: []string{"--torchao-config"}, fields: []Field{FieldQuantisation},
			read: readAsUnknown(FieldQuantisation, "how many bytes this leaves of the weights is not known")},
		{names: []string{"--load-format"}, fields: []Field{FieldQuantisation}, read: readLoadFormat},
		switchSetting(FieldEager, "--disable-cuda-graph"),
		countSetting(FieldGraphBatch, 1, maxTokens, "--cuda-graph-max-bs"),
		{names: []string{"--cuda-graph-bs"}, takes: takesSeveral, fields: []Field{FieldGraphBatch}, read: readSizes},
		{names: []string{"--cpu-offload-gb"}, fields: []Field{FieldCPUOffload}, read: readCPUOffload},
		switchSetting(FieldNoHybridKV, "--disable-hybrid-swa-memory"),
		{names: []string{"--enable-lora"}, takes: takesNone, fields: []Field{FieldAdapters, FieldAdapterRank}, read: readByFinish},
		{names: []string{"--lora-paths"}, takes: takesSeveral, fields: []Field{FieldAdapters, FieldAdapterRank}, read: readByFinish},
		{names: []string{"--max-loras-per-batch"}, fields: []Field{FieldAdapters}, read: readByFinish},
		{names: []string{"--max-lora-rank"}, fields: []Field{FieldAdapterRank}, read: readByFinish},
		{names: []string{"--speculative-algorithm", "--speculative-algo"}, fields: []Field{FieldDraft}, read: readByFinish},
		{names: []string{"--speculative-draft-model-path", "--speculative-draft-model"}, fields: []Field{FieldDraft}, read: readByFinish},
		countSetting(FieldDraftTokens, 1, 1<<16, "--speculative-num-draft-tokens"),
		{names: []string{"--json-model-override-args"}, fields: []Field{FieldOverrides}, read: readOverrides},
	}
}

const (
	sglangValues = `--config --tokenizer-path --tokenizer-mode --tokenizer-worker-num --model-loader-extra-config --revision
		--model-impl --host --port --fastapi-root-path --warmups --nccl-port --quantization-param-path --modelopt-quant
		--max-queued-requests --prefill-max-requests --max-prefill-tokens --schedule-policy --priority-scheduling-preemption-threshold
		--schedule-conservativeness --swa-full-tokens-ratio --radix-eviction-policy --device --stream-interval --random-seed
		--watchdog-timeout --dist-timeout --download-dir --base-gpu-id --gpu-id-step --sleep-on-idle --log-level --log-level-http
		--log-requests-level --log-requests-target --crash-dump-folder --api-key --served-model-name --chat-template
		--completion-template --file-storage-path --reasoning-parser --tool-call-parser --tool-server --load-balance-method
		--dist-init-addr --nccl-init-addr --nnodes --node-rank --preferred-sampling-params --max-lora-chunk-size --lora-backend
		--lora-eviction-policy --attention-backend --prefill-attention-backend --decode-attention-backend --sampling-backend
		--grammar-backend --mm-attention-backend --speculative-num-steps --speculative-eagle-topk --speculative-token-map
		--speculative-accept-threshold-single --speculative-accept-threshold-acc --speculative-attention-mode
		--speculative-draft-model-revision --speculative-draft-attention-backend --moe-a2a-backend --moe-runner-backend
		--flashinfer-mxfp4-moe-precision --deepep-mode --ep-num-redundant-experts --ep-dispatch-algorithm --init-expert-location
		--eplb-algorithm --eplb-rebalance-num-iterations --expert-distribution-recorder-mode --deepep-config --moe-dense-tp-size
		--mamba-ssm-dtype --max-mamba-cache-size --mamba-full-memory-ratio --hicache-ratio --hicache-size --hicache-write-policy
		--hicache-io-backend --hicache-mem-layout --hicache-storage-backend --hicache-storage-prefetch-policy --kt-method
		--offload-group-size --offload-num-in-group --torch-compile-max-bs --piecewise-cuda-graph-max-tokens
		--num-continuous-decode-steps --triton-attention-num-kv-splits --tbo-token-distribution-threshold --disaggregation-mode
		--disaggregation-transfer-backend --disaggregation-bootstrap-port --disaggregation-decode-tp --disaggregation-ib-device
		--num-reserved-decode-tokens --mm-max-concurrent-calls --mm-per-request-timeout --kv-events-config
		--constrained-json-whitespace-pattern --hf-chat-template-name --weight-version --otlp-traces-endpoint
		--attention-context-parallel-size`
	sglangSwitches = `--trust-remote-code --skip-tokenizer-init --is-embedding --enable-multimodal --grpc-mode --skip-server-warmup
		--enable-fp32-lm-head --enable-priority-scheduling --enable-mixed-chunk --disable-radix-cache --disable-overlap-schedule
		--disable-cuda-graph-padding --enable-profile-cuda-graph --enable-cudagraph-gc --enable-nccl-nvls --enable-symm-mem
		--enable-torch-compile --enable-p2p-check --enable-metrics --enable-metrics-for-all-schedulers --enable-cache-report
		--enable-request-time-stats-logging --log-requests --show-time-cost --disable-custom-all-reduce --enable-mscclpp
		--enable-two-batch-overlap --enable-single-batch-overlap --enable-eplb --enable-dp-lm-head --enable-hierarchical-cache
		--disable-shared-experts-fusion --disable-chunked-prefix-cache --disable-fast-image-processor --enable-return-hidden-states
		--stream-output --enable-memory-saver --enable-weights-cpu-backup --enable-flashinfer-allreduce-fusion
		--enable-double-sparsity --triton-attention-reduce-in-fp32 --allow-auto-truncate --enable-custom-logit-processor
		--flashinfer-mla-disable-ragged --disable-flashinfer-cutlass-moe-fp4-allgather --enable-deterministic-inference --enable-trace
		--disable-outlines-disk-cache --delete-ckpt-after-loading --incremental-streaming-output --debug-tensor-dump-inject
		--enable-piecewise-cuda-graph`
	sglangLists = `--lora-target-modules --bucket-time-to-first-token --bucket-inter-token-latency --bucket-e2e-request-latency
		--prompt-tokens-buckets --pinned-lora`
)

// requireModelFlag says that a server without its model flag cannot start, or loads a default.
func requireModelFlag(flag string) func(*flagReader) error {
	return func(a *flagReader) error {
		if _, found := a.flags[flag]; !found && a.reading.IsKnown(FieldModel) {
			a.reading.markUnknown(FieldModel, fmt.Sprintf("no model is stated with %s", flag))
		}
		return nil
	}
}

// readByFinish is the read of flags that finish looks at, with others.
func readByFinish(*flagReader, givenFlag) error { return nil }

// readAsUnknown is the read of flags whose effect on memory is not known.
func readAsUnknown(field Field, because string) func(*flagReader, givenFlag) error {
	return func(a *flagReader, g givenFlag) error {
		if g.text != "" {
			a.reading.markUnknown(field, g.whereGiven()+": "+because)
		}
		return nil
	}
}

func readExperts(a *flagReader, g givenFlag) error {
	n, err := g.parseNumber(parseWhole, 1, maxDegree)
	a.reading.Launch.ExpertParallel = n > 1
	return err
}

func readSGLangChunk(a *flagReader, g givenFlag) error {
	if strings.TrimSpace(g.text) == "-1" {
		a.reading.markUnknown(FieldMaxBatchedTokens, g.whereGiven()+": the whole prompt is one batch, whose size then depends on requests")
		return nil
	}
	n, err := g.parseNumber(parseWhole, 1, maxTokens)
	a.reading.Launch.MaxBatchedTokens = n
	return err
}

// sglangKVFormats are the values of --kv-cache-dtype. fp4_e2m1 keeps a scale per 16 values.
var sglangKVFormats = map[string]memory.KVFormat{
	"auto": memory.KVAuto, "bf16": memory.KVWide, "bfloat16": memory.KVWide, "float16": memory.KVWide,
	"fp8_e4m3": memory.KVFP8, "fp8_e5m2": memory.KVFP8, "fp4_e2m1": memory.KVNVFP4,
}

func finishSGLang(a *flagReader) error {
	if err := a.sglangAttention(); err != nil {
		return err
	}
	if err := a.sglangAdapters(); err != nil {
		return err
	}
	if err := a.readStageLayers("SGLANG_PP_LAYER_PARTITION"); err != nil {
		return err
	}
	algorithm, speculates := a.flags["--speculative-algorithm"]
	if !speculates {
		return nil
	}
	draft, found := a.flags["--speculative-draft-model-path"]
	if hasUnknown(algorithm.text) || hasUnknown(draft.text) {
		return nil // noted already
	}
	switch method := strings.ToUpper(algorithm.text); {
	case method == "NGRAM" || method == "LOOKAHEAD":
		a.reading.Launch.Draft = ""
	case found:
		return a.setDraft("", draft.text, draft)
	case slices.Contains([]string{"NEXTN", "EAGLE", "MTP"}, method):
		a.reading.Launch.Draft = "mtp" // without a model of its own, EAGLE takes the model's draft layers
	default:
		a.reading.markUnknown(FieldDraft, algorithm.whereGiven()+": which model drafts is not stated, --speculative-draft-model-path states it")
	}
	return nil
}

// sglangAttention puts attention that is parallel over data into the terms of Launch:
// SGLang counts those GPUs as tensor parallel, and spreads the experts over all.
func (a *flagReader) sglangAttention() error {
	enabled, found := a.flags["--enable-dp-attention"]
	l := &a.reading.Launch
	if !found || l.DataParallel <= 1 || !a.reading.IsKnown(FieldTensorParallel) || !a.reading.IsKnown(FieldDataParallel) {
		return nil
	}
	if l.TensorParallel%l.DataParallel != 0 || l.TensorParallel == 0 {
		return enabled.refuseValue("tensor parallel %d is not a multiple of data parallel %d, make it one",
			max(l.TensorParallel, 1), l.DataParallel)
	}
	l.TensorParallel, l.ExpertParallel = l.TensorParallel/l.DataParallel, true
	a.reading.Explicit[FieldTensorParallel] += ", of which " + enabled.whereGiven() + " takes the data parallel part"
	return nil
}

func (a *flagReader) sglangAdapters() error {
	_, enabled := a.flags["--enable-lora"]
	_, named := a.flags["--lora-paths"]
	l := &a.reading.Launch
	for _, flag := range []struct {
		name string
		into *int64
		init int64
	}{{"--max-loras-per-batch", &l.Adapters, 8}, {"--max-lora-rank", &l.AdapterRank, 0}} {
		g, found := a.flags[flag.name]
		n := flag.init
		if found && !hasUnknown(g.text) {
			var err error
			if n, err = g.parseNumber(parseWhole, 1, 1<<16); err != nil {
				return err
			}
		}
		if enabled || named {
			*flag.into = n
		}
	}
	if (enabled || named) && l.AdapterRank == 0 {
		a.reading.markUnknown(FieldAdapterRank, "--max-lora-rank is not stated, SGLang takes it from the adapters")
	}
	return nil
}
