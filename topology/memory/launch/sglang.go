package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// sglangDialect is SGLang's command line (docs/advanced_features/server_arguments.md,
// v0.5).
func sglangDialect() *dialect {
	d := &dialect{config: "--config", finish: sglangFinish, begin: noModel("--model-path")}
	d.settings = append(sglangSettings(), ignored(sglangValues, takesOne)...)
	d.settings = append(d.settings, ignored(sglangSwitches, takesNone)...)
	d.settings = append(d.settings, ignored(sglangLists, takesMany)...)
	return d.indexed()
}

func sglangSettings() []setting {
	return []setting{
		{names: []string{"--model-path", "--model"}, fields: []string{"Model"}, read: model},
		{names: []string{"--tensor-parallel-size", "--tp-size", "--tp"}, fields: []string{"TensorParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.TensorParallel })},
		{names: []string{"--pipeline-parallel-size", "--pp-size", "--pp"}, fields: []string{"PipelineParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.PipelineParallel })},
		{names: []string{"--data-parallel-size", "--dp-size", "--dp"}, fields: []string{"DataParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.DataParallel })},
		{names: []string{"--expert-parallel-size", "--ep-size", "--ep"}, fields: []string{"ExpertParallel"}, read: experts},
		{names: []string{"--enable-ep-moe"}, takes: takesNone, fields: []string{"ExpertParallel"}, read: switched(func(l *memory.Launch) *bool { return &l.ExpertParallel })},
		{names: []string{"--enable-deepep-moe"}, takes: takesNone, fields: []string{"ExpertParallel"}, read: switched(func(l *memory.Launch) *bool { return &l.ExpertParallel })},
		{names: []string{"--enable-dp-attention"}, takes: takesNone, fields: []string{"TensorParallel", "ExpertParallel"}, read: checked},
		{names: []string{"--context-length"}, fields: []string{"MaxModelLen"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxModelLen })},
		{names: []string{"--max-running-requests"}, fields: []string{"MaxSequences"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxSequences })},
		{names: []string{"--chunked-prefill-size"}, fields: []string{"MaxBatchedTokens"}, read: sglangChunk},
		{names: []string{"--max-total-tokens"}, fields: []string{"KVTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.KVTokens })},
		{names: []string{"--mem-fraction-static"}, fields: []string{"Utilisation"}, read: share},
		{names: []string{"--page-size"}, fields: []string{"BlockSize"}, read: count(1, 1<<20, func(l *memory.Launch) *int64 { return &l.BlockSize })},
		{names: []string{"--kv-cache-dtype"}, fields: []string{"KVFormat"}, read: kvFormat(sglangKV)},
		{names: []string{"--dtype"}, fields: []string{"Dtype"}, read: dtype},
		{names: []string{"--quantization"}, fields: []string{"Quantisation"}, read: vllmQuantisation},
		{names: []string{"--torchao-config"}, fields: []string{"Quantisation"}, read: doubtful("Quantisation", "how many bytes this leaves of the weights is not known")},
		{names: []string{"--load-format"}, fields: []string{"Quantisation"}, read: loadFormat},
		{names: []string{"--disable-cuda-graph"}, takes: takesNone, fields: []string{"Eager"}, read: switched(func(l *memory.Launch) *bool { return &l.Eager })},
		{names: []string{"--cuda-graph-max-bs"}, fields: []string{"GraphBatch"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.GraphBatch })},
		{names: []string{"--cuda-graph-bs"}, takes: takesMany, fields: []string{"GraphBatch"}, read: sizes},
		{names: []string{"--cpu-offload-gb"}, fields: []string{"CPUOffload"}, read: cpuOffload},
		{names: []string{"--disable-hybrid-swa-memory"}, takes: takesNone, fields: []string{"NoHybridKV"}, read: switched(func(l *memory.Launch) *bool { return &l.NoHybridKV })},
		{names: []string{"--enable-lora"}, takes: takesNone, fields: []string{"Adapters", "AdapterRank"}, read: checked},
		{names: []string{"--lora-paths"}, takes: takesMany, fields: []string{"Adapters", "AdapterRank"}, read: checked},
		{names: []string{"--max-loras-per-batch"}, fields: []string{"Adapters"}, read: checked},
		{names: []string{"--max-lora-rank"}, fields: []string{"AdapterRank"}, read: checked},
		{names: []string{"--speculative-algorithm", "--speculative-algo"}, fields: []string{"Draft"}, read: checked},
		{names: []string{"--speculative-draft-model-path", "--speculative-draft-model"}, fields: []string{"Draft"}, read: checked},
		{names: []string{"--speculative-num-draft-tokens"}, fields: []string{"DraftTokens"}, read: count(1, 1<<16, func(l *memory.Launch) *int64 { return &l.DraftTokens })},
		{names: []string{"--json-model-override-args"}, fields: []string{"Overrides"}, read: overrides},
	}
}

const (
	sglangValues = `--config --tokenizer-path --tokenizer-mode --tokenizer-worker-num --model-loader-extra-config --revision --model-impl --host --port --fastapi-root-path
		--warmups --nccl-port --quantization-param-path --modelopt-quant --max-queued-requests --prefill-max-requests --max-prefill-tokens --schedule-policy
		--priority-scheduling-preemption-threshold --schedule-conservativeness --swa-full-tokens-ratio --radix-eviction-policy --device --stream-interval --random-seed
		--watchdog-timeout --dist-timeout --download-dir --base-gpu-id --gpu-id-step --sleep-on-idle --log-level --log-level-http --log-requests-level --log-requests-target
		--crash-dump-folder --api-key --served-model-name --chat-template --completion-template --file-storage-path --reasoning-parser --tool-call-parser --tool-server
		--load-balance-method --dist-init-addr --nccl-init-addr --nnodes --node-rank --preferred-sampling-params --max-lora-chunk-size --lora-backend --lora-eviction-policy
		--attention-backend --prefill-attention-backend --decode-attention-backend --sampling-backend --grammar-backend --mm-attention-backend --speculative-num-steps
		--speculative-eagle-topk --speculative-token-map --speculative-accept-threshold-single --speculative-accept-threshold-acc --speculative-attention-mode
		--speculative-draft-model-revision --speculative-draft-attention-backend --moe-a2a-backend --moe-runner-backend --flashinfer-mxfp4-moe-precision --deepep-mode
		--ep-num-redundant-experts --ep-dispatch-algorithm --init-expert-location --eplb-algorithm --eplb-rebalance-num-iterations --expert-distribution-recorder-mode
		--deepep-config --moe-dense-tp-size --mamba-ssm-dtype --max-mamba-cache-size --mamba-full-memory-ratio --hicache-ratio --hicache-size --hicache-write-policy
		--hicache-io-backend --hicache-mem-layout --hicache-storage-backend --hicache-storage-prefetch-policy --kt-method --offload-group-size --offload-num-in-group
		--torch-compile-max-bs --piecewise-cuda-graph-max-tokens --num-continuous-decode-steps --triton-attention-num-kv-splits --tbo-token-distribution-threshold
		--disaggregation-mode --disaggregation-transfer-backend --disaggregation-bootstrap-port --disaggregation-decode-tp --disaggregation-ib-device --num-reserved-decode-tokens
		--mm-max-concurrent-calls --mm-per-request-timeout --kv-events-config --constrained-json-whitespace-pattern --hf-chat-template-name --weight-version
		--otlp-traces-endpoint --attention-context-parallel-size`
	sglangSwitches = `--trust-remote-code --skip-tokenizer-init --is-embedding --enable-multimodal --grpc-mode --skip-server-warmup --enable-fp32-lm-head --enable-priority-scheduling
		--enable-mixed-chunk --disable-radix-cache --disable-overlap-schedule --disable-cuda-graph-padding --enable-profile-cuda-graph --enable-cudagraph-gc --enable-nccl-nvls
		--enable-symm-mem --enable-torch-compile --enable-p2p-check --enable-metrics --enable-metrics-for-all-schedulers --enable-cache-report --enable-request-time-stats-logging
		--log-requests --show-time-cost --disable-custom-all-reduce --enable-mscclpp --enable-two-batch-overlap --enable-single-batch-overlap --enable-eplb --enable-dp-lm-head
		--enable-hierarchical-cache --disable-shared-experts-fusion --disable-chunked-prefix-cache --disable-fast-image-processor --enable-return-hidden-states --stream-output
		--enable-memory-saver --enable-weights-cpu-backup --enable-flashinfer-allreduce-fusion --enable-double-sparsity --triton-attention-reduce-in-fp32 --allow-auto-truncate
		--enable-custom-logit-processor --flashinfer-mla-disable-ragged --disable-flashinfer-cutlass-moe-fp4-allgather --enable-deterministic-inference --enable-trace
		--disable-outlines-disk-cache --delete-ckpt-after-loading --incremental-streaming-output --debug-tensor-dump-inject --enable-piecewise-cuda-graph`
	sglangLists = `--lora-target-modules --bucket-time-to-first-token --bucket-inter-token-latency --bucket-e2e-request-latency --prompt-tokens-buckets --pinned-lora`
)

// noModel says that a server without its model flag cannot start, or loads a default.
func noModel(flag string) func(*application) error {
	return func(a *application) error {
		if _, found := a.given[flag]; !found && a.Settled("Model") {
			a.doubt("Model", fmt.Sprintf("no model is stated with %s", flag))
		}
		return nil
	}
}

// checked is the read of flags that finish looks at, with others.
func checked(*application, given) error { return nil }

// doubtful is the read of flags whose effect on memory is not known.
func doubtful(field, because string) func(*application, given) error {
	return func(a *application, g given) error {
		if g.text != "" {
			a.doubt(field, g.where()+": "+because)
		}
		return nil
	}
}

func experts(a *application, g given) error {
	n, err := g.number(whole, 1, maxDegree)
	a.Launch.ExpertParallel = n > 1
	return err
}

func sglangChunk(a *application, g given) error {
	if strings.TrimSpace(g.text) == "-1" {
		a.doubt("MaxBatchedTokens", g.where()+": the whole prompt is one batch, whose size then depends on requests")
		return nil
	}
	n, err := g.number(whole, 1, maxTokens)
	a.Launch.MaxBatchedTokens = n
	return err
}

// sglangKV are the values of --kv-cache-dtype. fp4_e2m1 keeps a scale per 16 values.
var sglangKV = map[string]memory.KVFormat{
	"auto": memory.KVAuto, "bf16": memory.KVAuto, "bfloat16": memory.KVAuto, "float16": memory.KVAuto,
	"fp8_e4m3": memory.KVFP8, "fp8_e5m2": memory.KVFP8, "fp4_e2m1": memory.KVNVFP4,
}

func sglangFinish(a *application) error {
	if err := a.sglangAttention(); err != nil {
		return err
	}
	if err := a.sglangAdapters(); err != nil {
		return err
	}
	if err := a.layers("SGLANG_PP_LAYER_PARTITION"); err != nil {
		return err
	}
	algorithm, speculates := a.given["--speculative-algorithm"]
	if !speculates {
		return nil
	}
	draft, found := a.given["--speculative-draft-model-path"]
	if hasHole(algorithm.text) || hasHole(draft.text) {
		return nil // noted already
	}
	switch method := strings.ToUpper(algorithm.text); {
	case method == "NGRAM" || method == "LOOKAHEAD":
		a.Launch.Draft = ""
	case found:
		return a.draft("", draft.text, draft)
	case slices.Contains([]string{"NEXTN", "EAGLE", "MTP"}, method):
		a.Launch.Draft = "mtp" // without a model of its own, EAGLE takes the model's draft layers
	default:
		a.doubt("Draft", algorithm.where()+": which model drafts is not stated, --speculative-draft-model-path states it")
	}
	return nil
}

// sglangAttention puts attention that is parallel over data into the terms of Launch:
// SGLang counts those GPUs as tensor parallel, and spreads the experts over all.
func (a *application) sglangAttention() error {
	enabled, found := a.given["--enable-dp-attention"]
	l := &a.Launch
	if !found || l.DataParallel <= 1 || !a.Settled("TensorParallel") || !a.Settled("DataParallel") {
		return nil
	}
	if l.TensorParallel%l.DataParallel != 0 || l.TensorParallel == 0 {
		return enabled.errorf("tensor parallel %d is not a multiple of data parallel %d, make it one", max(l.TensorParallel, 1), l.DataParallel)
	}
	l.TensorParallel, l.ExpertParallel = l.TensorParallel/l.DataParallel, true
	a.Stated["TensorParallel"] += ", of which " + enabled.where() + " takes the data parallel part"
	return nil
}

func (a *application) sglangAdapters() error {
	_, enabled := a.given["--enable-lora"]
	_, named := a.given["--lora-paths"]
	l := &a.Launch
	for _, flag := range []struct {
		name string
		into *int64
		init int64
	}{{"--max-loras-per-batch", &l.Adapters, 8}, {"--max-lora-rank", &l.AdapterRank, 0}} {
		g, found := a.given[flag.name]
		n := flag.init
		if found && !hasHole(g.text) {
			var err error
			if n, err = g.number(whole, 1, 1<<16); err != nil {
				return err
			}
		}
		if enabled || named {
			*flag.into = n
		}
	}
	if (enabled || named) && l.AdapterRank == 0 {
		a.doubt("AdapterRank", "--max-lora-rank is not stated, SGLang takes it from the adapters")
	}
	return nil
}
