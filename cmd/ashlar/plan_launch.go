package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// launchFlags say how the server is started and what it is wanted for.
type launchFlags struct {
	engine, version      string
	tensor, pipeline     string
	context, concurrency string
	eager                bool
	// stated are the flags that vLLM has under the same name, by that name.
	stated map[string]*string
	// engineFlags are the words after --, in the engine's own language.
	engineFlags []string
}

// vllmNames are the flags that are read as vLLM reads them, whatever the engine.
var vllmNames = []struct{ name, usage string }{
	{"max-model-len", "longest request in `TOKENS`, prompt and output together, like 4096, 32k (32,000) or 32K (32,768)"},
	{"gpu-memory-utilization", "`SHARE` of the GPU's memory that the engine may take, of what is up to the engine"},
	{"kv-cache-dtype", "`TYPE` in which the KV cache is stored: auto, fp8, ..."},
	{"max-num-seqs", "most `REQUESTS` in one step"},
	{"max-num-batched-tokens", "most `TOKENS` in one step"},
	{"quantization", "`SCHEME` applied while loading: fp8 or bitsandbytes; those of the model's files are known without it"},
	{"dtype", "`TYPE` to convert weights to that are not quantised: float16, bfloat16, float32"},
}

func (f *launchFlags) add(command *cobra.Command) {
	set := command.Flags()
	var engines []string
	for _, engine := range memory.Engines() {
		engines = append(engines, string(engine))
	}
	set.StringVar(&f.engine, "engine", "", "`NAME` of the model server: "+strings.Join(engines, ", ")+" (default vllm, and plain for vision models)")
	set.StringVar(&f.version, "engine-version", "", "`RELEASE` of the engine, like 0.11.0 (default the newest known)")
	set.StringVar(&f.tensor, "tp", "", "`GPUS` that share each layer: auto for the fewest that suffice, or a number (default auto)")
	set.StringVar(&f.pipeline, "pp", "", "`STAGES` of a pipeline")
	set.StringVar(&f.context, "context", "", "`TOKENS` of each wanted request (default --max-model-len)")
	set.StringVar(&f.concurrency, "concurrency", "", "`REQUESTS` wanted at once (default 1)")
	set.BoolVar(&f.eager, "enforce-eager", false, "capture no CUDA graphs")
	f.stated = map[string]*string{}
	for _, flag := range vllmNames {
		f.stated[flag.name] = set.String(flag.name, "", flag.usage)
	}
	completeFlag(command, "engine", func() []string { return engines })
	completeFlag(command, "tp", func() []string { return []string{"auto", "1", "2", "4", "8"} })
	completeFlag(command, "kv-cache-dtype", func() []string { return []string{"auto", "fp8"} })
	completeFlag(command, "quantization", func() []string { return []string{"fp8", "bitsandbytes"} })
	completeFlag(command, "dtype", func() []string { return []string{"auto", "float16", "bfloat16", "float32"} })
}

// over puts what the flags state over what a is launched with.
func (f *launchFlags) over(a *asked) error {
	if f.engine != "" {
		if !slices.Contains(memory.Engines(), memory.Engine(f.engine)) {
			return usagef("--engine %q: want one of %v", f.engine, memory.Engines())
		}
		if was := a.launch.Engine; was != "" && was != memory.Engine(f.engine) {
			a.launch.Version = memory.Version{}
		}
		a.launch.Engine = memory.Engine(f.engine)
	}
	if err := f.settleEngine(a); err != nil {
		return err
	}
	own, err := read(a.launch.Engine, f.engineFlags, "after --: ")
	if err != nil {
		return err
	}
	named, err := read(memory.VLLM, f.named(), "")
	if err != nil {
		return err
	}
	for _, reading := range []launch.Reading{own, named} {
		overlay(&a.launch, &reading.Launch)
		if len(reading.Overrides) > 0 {
			if a.found, err = a.overridden(reading.Overrides); err != nil {
				return usagef("%s: %w", place.ReplaceAllString(reading.Explicit[launch.FieldOverrides], ""), err)
			}
		}
		// Flags alone name neither a release nor a model.
		reading.Unknown = slices.DeleteFunc(reading.Unknown, func(u launch.Unknown) bool { return u.Field == launch.FieldVersion || u.Field == launch.FieldModel })
		a.doubts(&reading)
	}
	if f.version != "" {
		if a.launch.Version, err = memory.ParseVersion(f.version); err != nil {
			return usagef("--engine-version: %w", err)
		}
		a.unknown = slices.DeleteFunc(a.unknown, func(u planUnknown) bool { return u.Field == "Version" })
	}
	if f.tensor == "auto" {
		a.launch.TensorParallel = 0
	}
	for _, amount := range []struct {
		name, text string
		into       *int64
	}{
		{"context", f.context, &a.demand.Context},
		{"concurrency", f.concurrency, &a.demand.Requests},
	} {
		if amount.text == "" {
			continue
		}
		if *amount.into, err = launch.ParseNumber(amount.text); err != nil {
			return usagef("--%s: %w", amount.name, err)
		}
		if *amount.into < 1 || *amount.into > maxAmount {
			return usagef("--%s %s: want 1 to %d", amount.name, amount.text, int64(maxAmount))
		}
	}
	if err := f.checkContext(a); err != nil {
		return err
	}
	a.noteLength()
	return nil
}

// settleEngine is the engine where none is stated, and refuses one that does not serve
// such models.
func (f *launchFlags) settleEngine(a *asked) error {
	if a.model.Kind != model.VisionKind {
		a.launch.Engine = cmp.Or(a.launch.Engine, memory.VLLM)
		return nil
	}
	a.launch.Engine = cmp.Or(a.launch.Engine, memory.Plain)
	switch {
	case a.launch.Engine == memory.Plain:
		return nil
	case f.engine != "":
		return usagef("--engine %s: %s does not serve %s, which is a vision model: use --engine %s", f.engine, f.engine, a.model.Name, memory.Plain)
	}
	return fmt.Errorf("%s: %s does not serve %s, which is a vision model", a.where, a.launch.Engine, a.model.Name)
}

// degrees reports whether flags state how the model is divided.
func (f *launchFlags) degrees() bool {
	return f.tensor != "" || f.pipeline != "" || len(f.engineFlags) > 0
}

// anyDegree reports whether the fewest GPUs that suffice are asked for by name.
func (f *launchFlags) anyDegree() bool { return f.tensor == "auto" }

// maxAmount bounds what may be asked for, far above what any engine serves.
const maxAmount = 1 << 32

// named are the flags that were given, as vLLM's arguments.
func (f *launchFlags) named() []string {
	var words []string
	for _, flag := range vllmNames {
		if value := *f.stated[flag.name]; value != "" {
			words = append(words, "--"+flag.name+"="+value)
		}
	}
	if f.tensor != "" && f.tensor != "auto" {
		words = append(words, "--tensor-parallel-size="+f.tensor)
	}
	if f.pipeline != "" {
		words = append(words, "--pipeline-parallel-size="+f.pipeline)
	}
	if f.eager {
		words = append(words, "--enforce-eager")
	}
	return words
}

// place is where launch says that an argument stood.
var place = regexp.MustCompile(`args\[[0-9]+\]: `)

// read reads words as the engine's arguments.
func read(engine memory.Engine, words []string, where string) (launch.Reading, error) {
	if len(words) == 0 {
		return launch.Reading{}, nil
	}
	reading, err := launch.Read(launch.Container{Engine: engine, Args: words})
	if err != nil {
		return reading, usagef("%s%s", where, place.ReplaceAllString(err.Error(), ""))
	}
	return reading, nil
}

// overlay puts what over states in the place of what l does.
func overlay(l, over *memory.Launch) {
	l.Library = l.Library || over.Library
	for _, field := range []struct{ into, from *int64 }{
		{&l.TensorParallel, &over.TensorParallel},
		{&l.PipelineParallel, &over.PipelineParallel},
		{&l.DataParallel, &over.DataParallel},
		{&l.ContextParallel, &over.ContextParallel},
		{&l.MaxModelLen, &over.MaxModelLen},
		{&l.MaxSequences, &over.MaxSequences},
		{&l.MaxBatchedTokens, &over.MaxBatchedTokens},
		{&l.GraphBatch, &over.GraphBatch},
		{&l.KVTokens, &over.KVTokens},
		{&l.KVBlocks, &over.KVBlocks},
		{&l.BlockSize, &over.BlockSize},
		{&l.Adapters, &over.Adapters},
		{&l.AdapterRank, &over.AdapterRank},
		{&l.DraftTokens, &over.DraftTokens},
	} {
		*field.into = cmp.Or(*field.from, *field.into)
	}
	if len(over.StageLayers) > 0 {
		l.StageLayers = over.StageLayers
	}
	l.Utilisation = cmp.Or(over.Utilisation, l.Utilisation)
	l.KVMemory = cmp.Or(over.KVMemory, l.KVMemory)
	l.KVFormat = cmp.Or(over.KVFormat, l.KVFormat)
	l.CPUOffload = cmp.Or(over.CPUOffload, l.CPUOffload)
	l.Dtype = cmp.Or(over.Dtype, l.Dtype)
	l.Quantisation = cmp.Or(over.Quantisation, l.Quantisation)
	l.Draft = cmp.Or(over.Draft, l.Draft)
	for _, field := range []struct{ into, from *bool }{
		{&l.ExpertParallel, &over.ExpertParallel},
		{&l.FitModelLen, &over.FitModelLen},
		{&l.Eager, &over.Eager},
		{&l.GraphsUncounted, &over.GraphsUncounted},
		{&l.NoHybridKV, &over.NoHybridKV},
		{&l.LanguageOnly, &over.LanguageOnly},
	} {
		*field.into = *field.into || *field.from
	}
}
