package plan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// launchFlags say how the server is started and what it is wanted for.
type launchFlags struct {
	engine, version      string
	tensor, pipeline     string
	context, concurrency string
	instances, beams     string
	eager                bool
	// stated are the flags that vLLM has under the same name, by that name.
	stated map[string]*string
	// engineFlags are the words after --, in the engine's own language.
	engineFlags []string
}

// vllmFlags are the flags that are read as vLLM reads them, whatever the engine.
var vllmFlags = []struct{ name, usage string }{
	{"max-model-len", "longest request in `TOKENS`, prompt and output together, like 4096, 32k (32,000) or 32K (32,768)"},
	{"gpu-memory-utilization", "`SHARE` of the GPU's memory that the engine may take, of what is up to the engine"},
	{"kv-cache-dtype", "`TYPE` in which the KV cache is stored: auto, fp8, ..."},
	{"max-num-seqs", "most `REQUESTS` in one step"},
	{"max-num-batched-tokens", "most `TOKENS` in one step"},
	{"quantization", "`SCHEME` to quantise with while loading, like fp8 or bitsandbytes; one like awq only confirms what the files are"},
	{"dtype", "`TYPE` to convert weights to that are not quantised: float16, bfloat16, float32"},
}

func (f *launchFlags) addTo(command *cobra.Command) {
	set := command.Flags()
	var engines []string
	for _, engine := range memory.Engines() {
		engines = append(engines, string(engine))
	}
	set.StringVar(&f.engine, "engine", "",
		"`NAME` of the model server: "+strings.Join(engines, ", ")+" (default vllm, tei for text encoders, ctranslate2 for Whisper, plain for "+
			"vision models)")
	set.StringVar(&f.version, "engine-version", "", "`RELEASE` of the engine, like 0.11.0 (default the newest known)")
	set.StringVar(&f.tensor, "tp", "", "`GPUS` that share each layer: auto for the fewest that suffice, or a number (default auto)")
	set.StringVar(&f.pipeline, "pp", "", "`STAGES` of a pipeline")
	set.StringVar(&f.context, "context", "", "`TOKENS` of each wanted request (default --max-model-len)")
	set.StringVar(&f.concurrency, "concurrency", "", "`REQUESTS` wanted at once (default 1)")
	set.BoolVar(&f.eager, "enforce-eager", false, "capture no CUDA graphs")
	set.StringVar(&f.instances, "instances", "", "`COPIES` of the model on each GPU: the count of Triton's instance_group (default 1)")
	set.StringVar(&f.beams, "beams", "", "`NUMBER` of continuations of each request that faster-whisper follows (default 5)")
	f.stated = map[string]*string{}
	for _, flag := range vllmFlags {
		f.stated[flag.name] = set.String(flag.name, "", flag.usage)
	}
	cli.CompleteFlag(command, "engine", func() []string { return engines })
	cli.CompleteFlag(command, "tp", func() []string { return []string{"auto", "1", "2", "4", "8"} })
	cli.CompleteFlag(command, "kv-cache-dtype", func() []string { return []string{"auto", "fp8"} })
	cli.CompleteFlag(command, "quantization", func() []string { return []string{"fp8", "bitsandbytes"} })
	cli.CompleteFlag(command, "dtype", func() []string { return []string{"auto", "float16", "bfloat16", "float32"} })
}

// applyTo puts what the flags state over what the server is launched with.
func (f *launchFlags) applyTo(q *serverQuestion) error {
	if f.engine != "" {
		if !slices.Contains(memory.Engines(), memory.Engine(f.engine)) {
			return cli.UsageErrorf("--engine %q: want one of %v", f.engine, memory.Engines())
		}
		if was := q.Launch.Engine; was != "" && was != memory.Engine(f.engine) {
			q.Launch.Version = memory.Version{}
		}
		q.Launch.Engine = memory.Engine(f.engine)
	}
	if err := f.chooseEngine(q); err != nil {
		return err
	}
	if err := f.applyArguments(q); err != nil {
		return err
	}
	if f.version != "" {
		version, err := memory.ParseVersion(f.version)
		if err != nil {
			return cli.UsageErrorf("--engine-version: %w", err)
		}
		q.Launch.Version = version
		q.unknown = slices.DeleteFunc(q.unknown, func(u unknownSetting) bool { return u.Field == launch.FieldVersion.String() })
	}
	if f.tensor == "auto" {
		q.Launch.TensorParallel = 0
	}
	if err := f.applyDemand(q); err != nil {
		return err
	}
	if warning := q.LengthWarning(); warning != "" && !q.allowsLong {
		q.notes = append(q.notes, warning)
	}
	return nil
}

// chooseEngine is the engine where none is stated, and refuses one that does not serve
// such models.
func (f *launchFlags) chooseEngine(q *serverQuestion) error {
	usual := memoryplan.DefaultEngine(q.Model)
	if q.Launch.Engine == "" && usual != memory.VLLM {
		q.notes = append(q.notes, chosenEngine(usual, q.Model))
	}
	q.Launch.Engine = cmp.Or(q.Launch.Engine, usual)
	switch {
	case memoryplan.CanServe(q.Launch.Engine, q.Model):
		return nil
	case f.engine != "":
		return cli.UsageErrorf("--engine %s: %s does not serve %s, which is a %s model: use --engine %s",
			f.engine, f.engine, q.Model.Name, q.Model.Kind, usual)
	}
	return fmt.Errorf("%s: %s does not serve %s, which is a %s model", q.where, q.Launch.Engine, q.Model.Name, q.Model.Kind)
}

// applyArguments reads the engine's own flags, and those of plan that vLLM has too.
func (f *launchFlags) applyArguments(q *serverQuestion) error {
	own, err := readArguments(q.Launch.Engine, f.engineFlags, "after --: ")
	if err != nil {
		return err
	}
	named, err := readArguments(memory.VLLM, f.vllmArguments(q), "")
	if err != nil {
		return err
	}
	for _, reading := range []launch.Reading{own, named} {
		q.Launch.Overlay(&reading.Launch)
		if err := q.applyOverrides(reading.Overrides); err != nil {
			return cli.UsageErrorf("%s: %w", argumentPlace.ReplaceAllString(reading.Explicit[launch.FieldOverrides], ""), err)
		}
		// Flags alone name neither a release nor a model.
		reading.Unknown = slices.DeleteFunc(reading.Unknown, func(u launch.Unknown) bool {
			return u.Field == launch.FieldVersion || u.Field == launch.FieldModel
		})
		q.addDoubts(&reading)
	}
	return nil
}

// applyDemand reads what the server is wanted for.
func (f *launchFlags) applyDemand(q *serverQuestion) error {
	for _, amount := range []struct {
		name, text string
		into       *int64
	}{
		{"context", f.context, &q.Demand.Context},
		{"concurrency", f.concurrency, &q.Demand.Requests},
		{"instances", f.instances, &q.Launch.Instances},
		{"beams", f.beams, &q.Launch.Beams},
	} {
		if amount.text == "" {
			continue
		}
		var err error
		if *amount.into, err = launch.ParseNumber(amount.text); err != nil {
			return cli.UsageErrorf("--%s: %w", amount.name, err)
		}
		if *amount.into < 1 || *amount.into > maxAmount {
			return cli.UsageErrorf("--%s %s: want 1 to %d", amount.name, amount.text, int64(maxAmount))
		}
	}
	return f.checkContext(q)
}

// checkContext refuses requests longer than any that the server takes: they would be
// answered as if shorter ones had been asked for.
func (f *launchFlags) checkContext(q *serverQuestion) error {
	context, most := q.Demand.Context, q.Launch.MaxModelLen
	switch {
	case most > 0 && context > most && f.context != "":
		return cli.UsageErrorf("--context %s: is more than --max-model-len allows, which is %d: raise that, or ask for shorter requests",
			f.context, most)
	case most > 0 && context > most:
		q.notes = append(q.notes, fmt.Sprintf("the pod wants requests of %d tokens (%s), and --max-model-len allows %d: planned for those",
			context, launch.ContextAnnotation, most))
	case most == 0 && f.context != "" && q.Model.MaxPositions > 0 && context > q.LongestContext():
		return cli.UsageErrorf("--context %s: is more than the %d tokens that %s was made for", f.context, q.LongestContext(), q.Model.Name)
	}
	return nil
}

// statesDegrees reports whether flags state how the model is divided.
func (f *launchFlags) statesDegrees() bool {
	return f.tensor != "" || f.pipeline != "" || len(f.engineFlags) > 0
}

// asksFewest reports whether the fewest GPUs that suffice are asked for by name.
func (f *launchFlags) asksFewest() bool { return f.tensor == "auto" }

// maxAmount bounds what may be asked for, far above what any engine serves.
const maxAmount = 1 << 32

// namedArguments are the flags that were given, as vLLM's arguments.
func (f *launchFlags) namedArguments() []string {
	var words []string
	for _, flag := range vllmFlags {
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

// argumentPlace is where launch says that an argument stood.
var argumentPlace = regexp.MustCompile(`args\[[0-9]+\]: `)

// readArguments reads words as the engine's arguments.
func readArguments(engine memory.Engine, words []string, where string) (launch.Reading, error) {
	if len(words) == 0 {
		return launch.Reading{}, nil
	}
	reading, err := launch.Read(launch.Container{Engine: engine, Args: words})
	if err != nil {
		return reading, cli.UsageErrorf("%s%s", where, argumentPlace.ReplaceAllString(err.Error(), ""))
	}
	return reading, nil
}
