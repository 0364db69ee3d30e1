package launch

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// tgiDialect is text-generation-launcher's command line (text-generation-inference
// db931fc, launcher/src/main.rs). A flag stands above its environment variable.
func tgiDialect() *flagDialect {
	d := &flagDialect{finish: finishTGI, begin: beginTGI}
	d.settings = append(d.settings, []flagSetting{
		{names: []string{"--model-id"}, fields: []Field{FieldModel}, read: readModel},
		countSetting(FieldTensorParallel, 1, maxDegree, "--num-shard"),
		{names: []string{"--sharded"}, fields: []Field{FieldTensorParallel}, read: readByFinish},
		{names: []string{"--quantize"}, fields: []Field{FieldQuantisation}, read: readScheme(memory.TGI)},
		{names: []string{"--dtype"}, fields: []Field{FieldDtype}, read: readDtype},
		{names: []string{"--kv-cache-dtype"}, fields: []Field{FieldKVFormat}, read: readKVFormat(tgiKVFormats)},
		countSetting(FieldMaxModelLen, 1, maxTokens, "--max-total-tokens"),
		{names: []string{"--max-input-tokens"}, read: checkTokens},
		{names: []string{"--max-input-length"}, read: checkTokens},
		countSetting(FieldMaxBatchedTokens, 1, maxTokens, "--max-batch-prefill-tokens"),
		countSetting(FieldKVTokens, 1, maxTokens, "--max-batch-total-tokens"),
		countSetting(FieldMaxSequences, 1, maxTokens, "--max-batch-size"),
		{names: []string{"--cuda-memory-fraction"}, fields: []Field{FieldUtilisation}, read: readShare},
		{names: []string{"--cuda-graphs"}, takes: takesSeveral, fields: []Field{FieldGraphBatch, FieldEager}, read: readTGIGraphs},
		countSetting(FieldDraftTokens, 0, 1<<16, "--speculate"),
	}...)
	for i := range d.settings {
		d.settings[i].env = envName(d.settings[i].names[0])
	}
	// What AWS's containers make of variables of their own.
	d.settings = append(
		d.settings,
		flagSetting{names: []string{"HF_MODEL_ID"}, env: "HF_MODEL_ID", fields: []Field{FieldModel}, read: readModel},
	)
	sharded := countSetting(FieldTensorParallel, 1, maxDegree, "SM_NUM_GPUS")
	sharded.env = "SM_NUM_GPUS"
	d.settings = append(d.settings, sharded)
	d.settings = append(d.settings, ignoredFlags(`--revision --validation-workers --max-concurrent-requests --max-best-of
		--max-stop-sequences --max-top-n-tokens --waiting-served-ratio --max-waiting-tokens --hostname --port|-p --prometheus-port
		--shard-uds-path --master-addr --master-port --huggingface-hub-cache --weights-cache-override --rope-scaling --rope-factor
		--otlp-endpoint --otlp-service-name --cors-allow-origin --api-key --watermark-gamma --watermark-delta --ngrok-authtoken
		--ngrok-edge --tokenizer-config-path --lora-adapters --usage-stats --payload-limit --max-client-batch-size
		--max-image-fetch-size`, takesOne)...)
	d.settings = append(d.settings, ignoredFlags(`--trust-remote-code --disable-custom-kernels --json-output --ngrok
		--disable-grammar-support --env|-e --enable-prefill-logprobs --graceful-termination-timeout`, takesNone)...)
	return d.withIndex()
}

// envName is the environment variable of a flag: NUM_SHARD for --num-shard.
// beginTGI says that a server without a model loads a default.
func beginTGI(a *flagReader) error {
	if a.env["HF_MODEL_ID"] != "" {
		return nil
	}
	return requireModelFlag("--model-id")(a)
}

func envName(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_"))
}

var tgiKVFormats = map[string]memory.KVFormat{"fp8_e4m3fn": memory.KVFP8, "fp8_e5m2": memory.KVFP8, "auto": memory.KVAuto}

func checkTokens(_ *flagReader, g givenFlag) error {
	_, err := g.parseNumber(parseWhole, 1, maxTokens)
	return err
}

func readTGIGraphs(a *flagReader, g givenFlag) error {
	most, err := g.parseLargest()
	a.reading.Launch.GraphBatch, a.reading.Launch.Eager = most, most == 0
	return err
}

// finishTGI works out over how many GPUs the model is spread: all that the container
// has, unless the launcher is told otherwise.
func finishTGI(a *flagReader) error {
	sharded, told := a.flags["--sharded"]
	if told && !hasUnknown(sharded.text) && !slices.Contains([]string{"true", "false"}, sharded.text) {
		return sharded.refuseValue("want true or false")
	}
	_, numbered := a.flags["--num-shard"]
	if _, counted := a.flags["SM_NUM_GPUS"]; counted {
		numbered = true
	}
	switch {
	case numbered || !a.reading.IsKnown(FieldTensorParallel):
		if told && sharded.text == "false" && a.reading.Launch.TensorParallel > 1 {
			a.reading.Launch.TensorParallel = 1
		}
	case told && sharded.text == "false":
		a.reading.Launch.TensorParallel = 1
	case a.gpus > 0:
		a.reading.Launch.TensorParallel = a.gpus
		a.reading.Explicit[FieldTensorParallel] = "all GPUs of the container, as no --num-shard says otherwise"
	default:
		a.reading.markUnknown(FieldTensorParallel,
			"the launcher takes all GPUs it sees, and how many those are is not known, --num-shard states it")
	}
	if a.reading.Launch.DraftTokens > 0 && a.reading.IsKnown(FieldDraft) {
		a.reading.markUnknown(FieldDraft, "--speculate: whether the model brings its own draft heads or drafts from the prompt is not in "+
			"the pod")
	}
	return nil
}
