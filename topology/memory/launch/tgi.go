package launch

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// tgiDialect is text-generation-launcher's command line (text-generation-inference
// db931fc, launcher/src/main.rs). A flag stands above its environment variable.
func tgiDialect() *dialect {
	d := &dialect{finish: tgiFinish, begin: noModel("--model-id")}
	d.settings = append(d.settings, []setting{
		{names: []string{"--model-id"}, fields: []string{"Model"}, read: model},
		{names: []string{"--num-shard"}, fields: []string{"TensorParallel"}, read: count(1, maxDegree, func(l *memory.Launch) *int64 { return &l.TensorParallel })},
		{names: []string{"--sharded"}, fields: []string{"TensorParallel"}, read: checked},
		{names: []string{"--quantize"}, fields: []string{"Quantisation"}, read: tgiQuantize},
		{names: []string{"--dtype"}, fields: []string{"Dtype"}, read: dtype},
		{names: []string{"--kv-cache-dtype"}, fields: []string{"KVFormat"}, read: kvFormat(tgiKV)},
		{names: []string{"--max-total-tokens"}, fields: []string{"MaxModelLen"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxModelLen })},
		{names: []string{"--max-input-tokens"}, read: tokens},
		{names: []string{"--max-input-length"}, read: tokens},
		{names: []string{"--max-batch-prefill-tokens"}, fields: []string{"MaxBatchedTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxBatchedTokens })},
		{names: []string{"--max-batch-total-tokens"}, fields: []string{"KVTokens"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.KVTokens })},
		{names: []string{"--max-batch-size"}, fields: []string{"MaxSequences"}, read: count(1, maxTokens, func(l *memory.Launch) *int64 { return &l.MaxSequences })},
		{names: []string{"--cuda-memory-fraction"}, fields: []string{"Utilisation"}, read: share},
		{names: []string{"--cuda-graphs"}, takes: takesMany, fields: []string{"GraphBatch", "Eager"}, read: tgiGraphs},
		{names: []string{"--speculate"}, fields: []string{"DraftTokens"}, read: count(0, 1<<16, func(l *memory.Launch) *int64 { return &l.DraftTokens })},
	}...)
	for i := range d.settings {
		d.settings[i].env = screaming(d.settings[i].names[0])
	}
	d.settings = append(d.settings, ignored(`--revision --validation-workers --max-concurrent-requests --max-best-of --max-stop-sequences --max-top-n-tokens
		--waiting-served-ratio --max-waiting-tokens --hostname --port|-p --prometheus-port --shard-uds-path --master-addr --master-port --huggingface-hub-cache
		--weights-cache-override --rope-scaling --rope-factor --otlp-endpoint --otlp-service-name --cors-allow-origin --api-key --watermark-gamma --watermark-delta
		--ngrok-authtoken --ngrok-edge --tokenizer-config-path --lora-adapters --usage-stats --payload-limit --max-client-batch-size --max-image-fetch-size`, takesOne)...)
	d.settings = append(d.settings, ignored(`--trust-remote-code --disable-custom-kernels --json-output --ngrok --disable-grammar-support --env|-e --enable-prefill-logprobs
		--graceful-termination-timeout`, takesNone)...)
	return d.indexed()
}

// screaming is the environment variable of a flag: NUM_SHARD for --num-shard.
func screaming(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_"))
}

var tgiKV = map[string]memory.KVFormat{"fp8_e4m3fn": memory.KVFP8, "fp8_e5m2": memory.KVFP8, "auto": memory.KVAuto}

func tokens(_ *application, g given) error {
	_, err := g.number(whole, 1, maxTokens)
	return err
}

func tgiQuantize(a *application, g given) error {
	switch strings.ToLower(g.text) {
	case "bitsandbytes-nf4", "bitsandbytes-fp4":
		a.Launch.Quantisation = "bitsandbytes"
	case "fp8":
		a.Launch.Quantisation = "fp8"
	case "awq", "gptq", "marlin", "exl2", "compressed-tensors":
	case "bitsandbytes", "eetq":
		a.doubt("Quantisation", g.where()+": weights of 8-bit integers are not accounted for")
	default:
		return g.errorf("want awq, compressed-tensors, eetq, exl2, gptq, marlin, bitsandbytes, bitsandbytes-nf4, bitsandbytes-fp4 or fp8")
	}
	return nil
}

func tgiGraphs(a *application, g given) error {
	most, err := g.largest()
	a.Launch.GraphBatch, a.Launch.Eager = most, most == 0
	return err
}

// tgiFinish works out over how many GPUs the model is spread: all that the container
// has, unless the launcher is told otherwise.
func tgiFinish(a *application) error {
	sharded, told := a.given["--sharded"]
	if told && !hasHole(sharded.text) && !slices.Contains([]string{"true", "false"}, sharded.text) {
		return sharded.errorf("want true or false")
	}
	_, numbered := a.given["--num-shard"]
	switch {
	case numbered || !a.Settled("TensorParallel"):
		if told && sharded.text == "false" && a.Launch.TensorParallel > 1 {
			a.Launch.TensorParallel = 1
		}
	case told && sharded.text == "false":
		a.Launch.TensorParallel = 1
	case a.gpus > 0:
		a.Launch.TensorParallel = a.gpus
		a.Stated["TensorParallel"] = "all GPUs of the container, as no --num-shard says otherwise"
	default:
		a.doubt("TensorParallel", "the launcher takes all GPUs it sees, and how many those are is not known, --num-shard states it")
	}
	if a.Launch.DraftTokens > 0 && a.Settled("Draft") {
		a.doubt("Draft", "--speculate: whether the model brings its own draft heads or drafts from the prompt is not in the pod")
	}
	return nil
}
