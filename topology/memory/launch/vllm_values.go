package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// vllmModel decides between the model that stands alone and --model.
func vllmModel(a *application, as string) error {
	flag, stated := a.given["--model"]
	if as == "bench" {
		a.Launch.Library = true
	}
	if len(a.words) == 0 {
		switch {
		case stated && as == "serve" && !strings.HasPrefix(flag.place, "file ") && a.Launch.Version.Before(0, 11):
			return flag.errorf("vllm serve %s takes the model without --model: vllm serve %s", a.Launch.Version, a.holes.show(flag.text))
		case !stated && a.Settled("Model"):
			a.doubt("Model", "no model is stated, vLLM serves its default")
		}
		return nil
	}
	w := a.words[0]
	g := given{text: w.text, place: w.place}
	if as == "module" || as == "image" && (stated || a.Launch.Version.Before(0, 11)) {
		// argparse takes the word and nothing reads it.
		a.Contradictions = append(a.Contradictions, fmt.Sprintf("%s: %q stands without a flag and is overlooked, write --model %s", w.place, a.holes.show(w.text), a.holes.show(w.text)))
		if !stated {
			a.doubt("Model", "no model is stated with --model, vLLM serves its default")
		}
		return nil
	}
	s := setting{names: []string{""}, fields: []string{"Model"}, read: model}
	a.given["--model"] = g
	return a.set(occurrence{&s, g})
}

func vllmModelLen(a *application, g given) error {
	trimmed := strings.TrimSpace(g.text)
	if trimmed == "-1" || strings.EqualFold(trimmed, "auto") {
		a.Launch.MaxModelLen, a.Launch.FitModelLen = 0, true
		return nil
	}
	n, err := g.number(Number, 1, maxTokens)
	if err != nil {
		return fmt.Errorf("%w, or auto", err)
	}
	a.Launch.MaxModelLen, a.Launch.FitModelLen = n, false
	return nil
}

// vllmContextParallel multiplies the two degrees that spread a request's KV cache.
func vllmContextParallel(a *application, g given) error {
	n, err := g.number(whole, 1, maxDegree)
	if err != nil {
		return err
	}
	a.Launch.ContextParallel = max(a.Launch.ContextParallel, 1) * n
	return nil
}

func kvMemory(a *application, g given) error {
	n, err := g.number(Number, 1, maxBytes)
	a.Launch.KVMemory = topology.Bytes(n)
	return err
}

// vllmKV are the values of --kv-cache-dtype (vllm/config/cache.py).
var vllmKV = map[string]memory.KVFormat{
	"auto": memory.KVAuto, "float16": memory.KVAuto, "half": memory.KVAuto, "bfloat16": memory.KVAuto,
	"fp8": memory.KVFP8, "fp8_e4m3": memory.KVFP8, "fp8_e5m2": memory.KVFP8, "fp8_inc": memory.KVFP8,
	"fp8_ds_mla": memory.KVFP8MLA, "nvfp4": memory.KVNVFP4, "int4_per_token_head": memory.KVINT4,
	"fp8_per_token_head": memory.KVFP8Head, "int8_per_token_head": memory.KVFP8Head,
}

func kvFormat(formats map[string]memory.KVFormat) func(*application, given) error {
	return func(a *application, g given) error {
		format, found := formats[g.text]
		if !found {
			a.doubt("KVFormat", g.where()+": how wide this format is is not known")
		}
		a.Launch.KVFormat = format
		return nil
	}
}

// inFiles are quantisation schemes that the model's files must have already.
var inFiles = strings.Fields(`awq gptq awq_marlin gptq_marlin gptq_bitblas gptq_marlin_24 compressed-tensors modelopt modelopt_fp4 modelopt_mxfp8
	modelopt_mixed mxfp4 gpt_oss_mxfp4 fbgemm_fp8 bitblas marlin aqlm hqq qqq squeezellm moe_wna16 auto-round auto_round inc quark petit_nvfp4 w8a8_fp8 w8a8_int8 w4afp8 cpu_awq
	qoq exl2`)

func vllmQuantisation(a *application, g given) error {
	switch scheme := strings.ToLower(g.text); {
	case scheme == "none" || scheme == "":
		a.Launch.Quantisation = ""
	case scheme == "fp8" || scheme == "ptpc_fp8" || scheme == "fp8_per_tensor" || scheme == "fp8_per_block":
		a.Launch.Quantisation = "fp8"
	case scheme == "bitsandbytes":
		a.Launch.Quantisation = "bitsandbytes"
	case scheme == "gguf":
		a.doubt("Model", g.where()+": the sizes of GGUF files are not known")
	case slices.Contains(inFiles, scheme):
	default:
		a.doubt("Quantisation", g.where()+": how many bytes this leaves of the weights is not known")
	}
	return nil
}

func loadFormat(a *application, g given) error {
	switch g.text {
	case "bitsandbytes":
		a.Launch.Quantisation = "bitsandbytes"
	case "gguf":
		a.doubt("Model", g.where()+": the sizes of GGUF files are not known")
	}
	return nil
}

// offloading is about vLLM's other ways to keep weights in host memory: how much that
// is depends on the layers it picks.
func offloading(a *application, g given) error {
	a.doubt("CPUOffload", g.where()+": how much of the weights it keeps in host memory is not known")
	return nil
}

func cpuOffload(a *application, g given) error {
	value, err := g.gib()
	a.Launch.CPUOffload = topology.Bytes(value * float64(topology.GiB))
	return err
}

func vllmLevel(a *application, g given) error {
	if g.object != nil { // -O.level=3, of older releases
		return vllmCompilation(a, g)
	}
	if strings.HasPrefix(g.text, "{") {
		return vllmCompilation(a, g)
	}
	n, err := g.number(whole, 0, 3)
	if err == nil && n == 0 {
		a.Launch.Eager = true
	}
	return err
}

func vllmCompilation(a *application, g given) error {
	if level, err := whole(g.text); err == nil && g.object == nil {
		a.Launch.Eager = a.Launch.Eager || level == 0
		return nil
	}
	object, err := g.fields()
	if err != nil {
		return err
	}
	mode, _ := object["cudagraph_mode"].(string)
	if strings.EqualFold(mode, "none") || object["use_cudagraph"] == false {
		a.Launch.Eager = true
	}
	if sizes, isList := object["cudagraph_capture_sizes"].([]any); isList {
		most := int64(0)
		for _, size := range sizes {
			n, err := g.member("cudagraph_capture_sizes", size, 0, maxTokens)
			if err != nil {
				return err
			}
			most = max(most, n)
		}
		a.Launch.GraphBatch = most
	}
	if size, found := object["max_cudagraph_capture_size"]; found && size != nil {
		if a.Launch.GraphBatch, err = g.member("max_cudagraph_capture_size", size, 0, maxTokens); err != nil {
			return err
		}
	}
	return nil
}

// withoutModel are ways to speculate that load no model.
var withoutModel = []string{"ngram", "[ngram]", "ngram_gpu", "suffix"}

func vllmSpeculative(a *application, g given) error {
	object, err := g.fields()
	if err != nil {
		return err
	}
	if tokens, found := object["num_speculative_tokens"]; found {
		if hole, unknown := a.holes.first(scalar(tokens)); unknown {
			a.doubt("DraftTokens", g.where()+": "+hole.because)
		} else if a.Launch.DraftTokens, err = g.member("num_speculative_tokens", tokens, 1, 1<<16); err != nil {
			return err
		}
	}
	method, _ := object["method"].(string)
	name, _ := object["model"].(string)
	if hole, unknown := a.holes.first(method + name); unknown {
		a.doubt("Draft", a.holes.show(g.where())+": "+hole.because)
		return nil
	}
	return a.draft(method, name, g)
}

// draft notes how a server speculates.
func (a *application) draft(method, name string, g given) error {
	switch {
	case slices.Contains(withoutModel, method), slices.Contains(withoutModel, name):
		a.Launch.Draft = ""
	case method == "mtp", strings.HasSuffix(method, "_mtp"):
		a.Launch.Draft = "mtp"
	case name == "":
		a.doubt("Draft", g.where()+": which model drafts is not stated")
	default:
		found, because := modelOf(name, a.stored)
		if because == "" && found == "" {
			because = fmt.Sprintf("%q names no model", name)
		}
		if because != "" {
			a.doubt("Draft", g.where()+": "+because)
		}
		a.Launch.Draft = found
	}
	return nil
}

func vllmDraft(a *application, g given) error { return a.draft("", g.text, g) }

// vllmAdapters reads --enable-lora, --max-loras and --max-lora-rank together.
func vllmAdapters(a *application, g given) error {
	enabled, found := a.given["--enable-lora"]
	n := int64(0)
	var err error
	if g.name != enabled.name || !found {
		if n, err = g.number(whole, 1, 1<<16); err != nil {
			return err
		}
	}
	if !found || enabled.negated {
		return nil
	}
	l := &a.Launch
	l.Adapters, l.AdapterRank = max(l.Adapters, 1), max(l.AdapterRank, 16) // vLLM's defaults
	if g.name == enabled.name {
		return nil
	}
	if spelled(g.name) == "--max-loras" {
		l.Adapters = n
	} else {
		l.AdapterRank = n
	}
	return nil
}

func vllmLimits(a *application, g given) error {
	object := g.object
	if object == nil {
		value, err := parseJSON(g.text)
		if err != nil && strings.Contains(g.text, "=") {
			return nil // image=2,video=1, of older releases
		}
		if err != nil {
			return g.errorf("%w", err)
		}
		var isObject bool
		if object, isObject = value.(map[string]any); !isObject {
			return g.errorf("is not a JSON object")
		}
	}
	used := len(object) == 0
	for _, limit := range object {
		used = used || scalar(limit) != "0"
	}
	if !used {
		a.doubt("LanguageOnly", g.where()+": some models then leave their towers out and others do not, --language-model-only settles it")
	}
	return nil
}

func overrides(a *application, g given) error {
	object, err := g.fields()
	a.Overrides = object
	return err
}

// vllmFinish reads what the environment and several flags together settle.
func vllmFinish(a *application) error {
	if value, found := a.env["VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"]; found {
		if hole, unknown := a.holes.first(value); unknown {
			a.doubt("GraphsUncounted", "env VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS: "+hole.because)
		} else {
			a.Launch.GraphsUncounted = value == "0"
			a.Stated["GraphsUncounted"] = "env: VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS " + value
		}
	}
	if err := a.layers("VLLM_PP_LAYER_PARTITION"); err != nil {
		return err
	}
	for _, flag := range []string{"--kv-transfer-config", "--kv-events-config"} {
		g, found := a.given[flag]
		if _, stated := a.Stated["NoHybridKV"]; !found || stated {
			continue
		}
		if a.Launch.Version.Before(0, 12) {
			a.Launch.NoHybridKV = true
			a.Stated["NoHybridKV"] = a.holes.show(g.where())
			continue
		}
		a.doubt("NoHybridKV", a.holes.show(g.name)+": some connectors turn the hybrid KV cache manager off, --disable-hybrid-kv-cache-manager or its --no- form settles it")
	}
	return nil
}

// layers reads the layers of each pipeline stage off a variable.
func (a *application) layers(name string) error {
	value, found := a.env[name]
	if !found || value == "" {
		return nil
	}
	if hole, unknown := a.holes.first(value); unknown {
		a.doubt("StageLayers", "env "+name+": "+hole.because)
		return nil
	}
	g := given{name: name, text: value, place: "env"}
	a.Launch.StageLayers = nil
	for piece := range strings.SplitSeq(value, ",") {
		one := g
		one.text = strings.TrimSpace(piece)
		n, err := one.number(whole, 0, 1<<16)
		if err != nil {
			return err
		}
		a.Launch.StageLayers = append(a.Launch.StageLayers, n)
	}
	stages := max(a.Launch.PipelineParallel, 1)
	if a.Settled("PipelineParallel") && int64(len(a.Launch.StageLayers)) != stages {
		return g.errorf("has %d stages, pipeline parallel has %d: give the layers of each stage", len(a.Launch.StageLayers), stages)
	}
	a.Stated["StageLayers"] = g.where()
	return nil
}
