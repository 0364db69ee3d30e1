package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// beginVLLM decides between the model that stands alone and --model.
func beginVLLM(a *flagReader, as string) error {
	flag, stated := a.flags["--model"]
	if as == "bench" {
		a.reading.Launch.Library = true
	}
	if len(a.words) == 0 {
		switch {
		case stated && as == "serve" && !strings.HasPrefix(flag.place, "file ") && a.reading.Launch.Version.Before(0, 11):
			return flag.refuseValue("vllm serve %s takes the model without --model: vllm serve %s", a.reading.Launch.Version,
				a.unknowns.showText(flag.text))
		case !stated && a.reading.IsKnown(FieldModel):
			a.reading.markUnknown(FieldModel, "no model is stated, vLLM serves its default")
		}
		return nil
	}
	w := a.words[0]
	g := givenFlag{text: w.text, place: w.place}
	if as == "module" || as == "image" && (stated || a.reading.Launch.Version.Before(0, 11)) {
		// argparse takes the word and nothing reads it.
		a.reading.Contradictions = append(a.reading.Contradictions,
			fmt.Sprintf("%s: %q stands without a flag and is overlooked, write --model %s", w.place, a.unknowns.showText(w.text),
				a.unknowns.showText(w.text)))
		if !stated {
			a.reading.markUnknown(FieldModel, "no model is stated with --model, vLLM serves its default")
		}
		return nil
	}
	s := flagSetting{names: []string{""}, fields: []Field{FieldModel}, read: readModel}
	a.flags["--model"] = g
	return a.readFlag(flagOccurrence{&s, g})
}

func readVLLMModelLen(a *flagReader, g givenFlag) error {
	trimmed := strings.TrimSpace(g.text)
	if trimmed == "-1" || strings.EqualFold(trimmed, "auto") {
		a.reading.Launch.MaxModelLen, a.reading.Launch.FitModelLen = 0, true
		return nil
	}
	n, err := g.parseNumber(ParseNumber, 1, maxTokens)
	if err != nil {
		return fmt.Errorf("%w, or auto", err)
	}
	a.reading.Launch.MaxModelLen, a.reading.Launch.FitModelLen = n, false
	return nil
}

// readVLLMContextParallel multiplies the two degrees that spread a request's KV cache.
func readVLLMContextParallel(a *flagReader, g givenFlag) error {
	n, err := g.parseNumber(parseWhole, 1, maxDegree)
	if err != nil {
		return err
	}
	a.reading.Launch.ContextParallel = max(a.reading.Launch.ContextParallel, 1) * n
	return nil
}

func readKVMemory(a *flagReader, g givenFlag) error {
	n, err := g.parseNumber(ParseNumber, 1, maxBytes)
	a.reading.Launch.KVMemory = topology.Bytes(n)
	return err
}

// vllmKVFormats are the values of --kv-cache-dtype (vllm/config/cache.py).
var vllmKVFormats = map[string]memory.KVFormat{
	"auto": memory.KVAuto, "float16": memory.KVWide, "half": memory.KVWide, "bfloat16": memory.KVWide,
	"fp8": memory.KVFP8, "fp8_e4m3": memory.KVFP8, "fp8_e5m2": memory.KVFP8, "fp8_inc": memory.KVFP8,
	"fp8_ds_mla": memory.KVFP8MLA, "nvfp4": memory.KVNVFP4, "int4_per_token_head": memory.KVINT4,
	"fp8_per_token_head": memory.KVFP8Head, "int8_per_token_head": memory.KVFP8Head,
}

func readKVFormat(formats map[string]memory.KVFormat) func(*flagReader, givenFlag) error {
	return func(a *flagReader, g givenFlag) error {
		format, found := formats[g.text]
		if !found {
			a.reading.markUnknown(FieldKVFormat, g.whereGiven()+": how wide this format is is not known")
		}
		a.reading.Launch.KVFormat = format
		return nil
	}
}

// readScheme reads the scheme that a flag states. What the engine does with each word is
// package memory's.
func readScheme(engine memory.Engine) func(*flagReader, givenFlag) error {
	return func(a *flagReader, g givenFlag) error {
		word := strings.ToLower(g.text)
		if word == "none" || word == "" {
			a.reading.Launch.Quantisation = ""
			return nil
		}
		quantisation, use := memory.FindScheme(engine, word)
		a.reading.Launch.Quantisation = quantisation
		switch {
		case use == memory.SchemeNotKnown:
			return refuseScheme(engine, g)
		case word == "gguf":
			a.reading.markUnknown(FieldModel, g.whereGiven()+": the sizes of GGUF files are not known")
		case use == memory.SchemeNotCounted:
			a.reading.markUnknown(FieldQuantisation, g.whereGiven()+": how many bytes this leaves of the weights is not known")
		}
		return nil
	}
}

// refuseScheme is the error about a scheme that no release of an engine has heard of. Words that
// only confirm what files are need not be listed: without one, their config.json says it.
func refuseScheme(engine memory.Engine, g givenFlag) error {
	near := ""
	var words []string
	for _, use := range []memory.SchemeUse{memory.SchemeOfFiles, memory.SchemeWhileLoading, memory.SchemeNotCounted} {
		words = append(words, memory.SchemeWords(engine, use)...)
	}
	if names := nearest.Names(strings.ToLower(g.text), words); len(names) > 0 {
		near = "; near it are " + strings.Join(names, ", ")
	}
	return g.refuseValue("%s has no such scheme: to quantise 16-bit files while loading, state one of %s; for files that are quantised "+
		"already, leave the flag out%s", engine.Title(), strings.Join(memory.SchemeWords(engine, memory.SchemeWhileLoading), ", "), near)
}

func readLoadFormat(a *flagReader, g givenFlag) error {
	switch g.text {
	case "bitsandbytes":
		a.reading.Launch.Quantisation = "bitsandbytes"
	case "gguf":
		a.reading.markUnknown(FieldModel, g.whereGiven()+": the sizes of GGUF files are not known")
	}
	return nil
}

// readOffloading is about vLLM's other ways to keep weights in host memory: how much that
// is depends on the layers it picks.
func readOffloading(a *flagReader, g givenFlag) error {
	a.reading.markUnknown(FieldCPUOffload, g.whereGiven()+": how much of the weights it keeps in host memory is not known")
	return nil
}

func readCPUOffload(a *flagReader, g givenFlag) error {
	value, err := g.parseGiB()
	a.reading.Launch.CPUOffload = topology.Bytes(value * float64(topology.GiB))
	return err
}

func readVLLMLevel(a *flagReader, g givenFlag) error {
	if g.object != nil { // -O.level=3, of older releases
		return readVLLMCompilation(a, g)
	}
	if strings.HasPrefix(g.text, "{") {
		return readVLLMCompilation(a, g)
	}
	n, err := g.parseNumber(parseWhole, 0, 3)
	if err == nil && n == 0 {
		a.reading.Launch.Eager = true
	}
	return err
}

func readVLLMCompilation(a *flagReader, g givenFlag) error {
	if level, err := parseWhole(g.text); err == nil && g.object == nil {
		a.reading.Launch.Eager = a.reading.Launch.Eager || level == 0
		return nil
	}
	object, err := g.jsonObject()
	if err != nil {
		return err
	}
	mode, _ := object["cudagraph_mode"].(string)
	if strings.EqualFold(mode, "none") || object["use_cudagraph"] == false {
		a.reading.Launch.Eager = true
	}
	if sizes, isList := object["cudagraph_capture_sizes"].([]any); isList {
		most := int64(0)
		for _, size := range sizes {
			n, err := g.parseMember("cudagraph_capture_sizes", size, 0, maxTokens)
			if err != nil {
				return err
			}
			most = max(most, n)
		}
		a.reading.Launch.GraphBatch = most
	}
	if size, found := object["max_cudagraph_capture_size"]; found && size != nil {
		if a.reading.Launch.GraphBatch, err = g.parseMember("max_cudagraph_capture_size", size, 0, maxTokens); err != nil {
			return err
		}
	}
	return nil
}

// modellessMethods are ways to speculate that load no model.
var modellessMethods = []string{"ngram", "[ngram]", "ngram_gpu", "suffix"}

func readVLLMSpeculative(a *flagReader, g givenFlag) error {
	object, err := g.jsonObject()
	if err != nil {
		return err
	}
	if tokens, found := object["num_speculative_tokens"]; found {
		if missing, unknown := a.unknowns.firstIn(scalarText(tokens)); unknown {
			a.reading.markUnknown(FieldDraftTokens, g.whereGiven()+": "+missing.because)
		} else if a.reading.Launch.DraftTokens, err = g.parseMember("num_speculative_tokens", tokens, 1, 1<<16); err != nil {
			return err
		}
	}
	method, _ := object["method"].(string)
	name, _ := object["model"].(string)
	if missing, unknown := a.unknowns.firstIn(method + name); unknown {
		a.reading.markUnknown(FieldDraft, a.unknowns.showText(g.whereGiven())+": "+missing.because)
		return nil
	}
	return a.setDraft(method, name, g)
}

// setDraft notes how a server speculates.
func (a *flagReader) setDraft(method, name string, g givenFlag) error {
	switch {
	case slices.Contains(modellessMethods, method), slices.Contains(modellessMethods, name):
		a.reading.Launch.Draft = ""
	case method == "mtp", strings.HasSuffix(method, "_mtp"):
		a.reading.Launch.Draft = "mtp"
	case name == "":
		a.reading.markUnknown(FieldDraft, g.whereGiven()+": which model drafts is not stated")
	default:
		found, because := modelOf(name, a.stored)
		if because == "" && found == "" {
			because = fmt.Sprintf("%q names no model", name)
		}
		if because != "" {
			a.reading.markUnknown(FieldDraft, g.whereGiven()+": "+because)
		}
		a.reading.Launch.Draft = found
	}
	return nil
}

func readVLLMDraft(a *flagReader, g givenFlag) error { return a.setDraft("", g.text, g) }

// readVLLMAdapters reads --enable-lora, --max-loras and --max-lora-rank together.
func readVLLMAdapters(a *flagReader, g givenFlag) error {
	enabled, found := a.flags["--enable-lora"]
	n := int64(0)
	var err error
	if g.name != enabled.name || !found {
		if n, err = g.parseNumber(parseWhole, 1, 1<<16); err != nil {
			return err
		}
	}
	if !found || enabled.negated {
		return nil
	}
	l := &a.reading.Launch
	l.Adapters, l.AdapterRank = max(l.Adapters, 1), max(l.AdapterRank, 16) // vLLM's defaults
	if g.name == enabled.name {
		return nil
	}
	if canonicalName(g.name) == "--max-loras" {
		l.Adapters = n
	} else {
		l.AdapterRank = n
	}
	return nil
}

func readOverrides(a *flagReader, g givenFlag) error {
	object, err := g.jsonObject()
	a.reading.Overrides = object
	return err
}

// finishVLLM reads what the environment and several flags together settle.
func finishVLLM(a *flagReader) error {
	if value, found := a.env["VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"]; found {
		if missing, unknown := a.unknowns.firstIn(value); unknown {
			a.reading.markUnknown(FieldGraphsUncounted, "env VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS: "+missing.because)
		} else {
			a.reading.Launch.GraphsUncounted = value == "0"
			a.reading.Explicit[FieldGraphsUncounted] = "env: VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS " + value
		}
	}
	if err := a.readStageLayers("VLLM_PP_LAYER_PARTITION"); err != nil {
		return err
	}
	for _, flag := range []string{"--kv-transfer-config", "--kv-events-config"} {
		g, found := a.flags[flag]
		if _, stated := a.reading.Explicit[FieldNoHybridKV]; !found || stated {
			continue
		}
		if a.reading.Launch.Version.Before(0, 12) {
			a.reading.Launch.NoHybridKV = true
			a.reading.Explicit[FieldNoHybridKV] = a.unknowns.showText(g.whereGiven())
			continue
		}
		a.reading.markUnknown(FieldNoHybridKV, a.unknowns.showText(g.name)+": some connectors turn the hybrid KV cache manager off, "+
			"--disable-hybrid-kv-cache-manager or its --no- form settles it")
	}
	return nil
}

// readStageLayers reads the layers of each pipeline stage off a variable.
func (a *flagReader) readStageLayers(name string) error {
	value, found := a.env[name]
	if !found || value == "" {
		return nil
	}
	if missing, unknown := a.unknowns.firstIn(value); unknown {
		a.reading.markUnknown(FieldStageLayers, "env "+name+": "+missing.because)
		return nil
	}
	g := givenFlag{name: name, text: value, place: "env"}
	a.reading.Launch.StageLayers = nil
	for piece := range strings.SplitSeq(value, ",") {
		one := g
		one.text = strings.TrimSpace(piece)
		n, err := one.parseNumber(parseWhole, 0, 1<<16)
		if err != nil {
			return err
		}
		a.reading.Launch.StageLayers = append(a.reading.Launch.StageLayers, n)
	}
	stages := max(a.reading.Launch.PipelineParallel, 1)
	if a.reading.IsKnown(FieldPipelineParallel) && int64(len(a.reading.Launch.StageLayers)) != stages {
		return g.refuseValue("has %d stages, pipeline parallel has %d: give the layers of each stage", len(a.reading.Launch.StageLayers), stages)
	}
	a.reading.Explicit[FieldStageLayers] = g.whereGiven()
	return nil
}
