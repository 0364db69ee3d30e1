package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// requestFor asks for a model of the catalogue.
func requestFor(t *testing.T, name string, l memory.Launch) Request {
	t.Helper()
	config, found := model.Config(name)
	if !found {
		t.Fatalf("no config.json of %s", name)
	}
	return Request{Model: knownModel(t, name), Config: config, Launch: l}
}

// offersNamed are those of the catalogue with the given names.
func offersNamed(t *testing.T, names ...string) []Offer {
	t.Helper()
	c := catalogue.Default()
	all := ListOffers(c)
	var chosen []Offer
	for _, name := range names {
		found, err := FindOffers(c, all, name)
		if err != nil {
			t.Fatal(err)
		}
		chosen = append(chosen, found...)
	}
	return chosen
}

// memoryOf is what an option takes of all its GPUs.
func memoryOf(o *Option) topology.Bytes { return topology.Bytes(o.GPUs) * o.MemoryPerGPU() }

// What fits comes first, the cheapest of it first, and what has no price last.
func TestAnswerIsInOrder(t *testing.T) {
	a, err := AnswerRequest(requestFor(t, llama8, memory.Launch{Engine: memory.VLLM}), ListOffers(catalogue.Default()))
	if err != nil {
		t.Fatal(err)
	}
	if a.FittingCount() == 0 || a.FittingCount() == len(a.Options) {
		t.Fatalf("%d of %d fit", a.FittingCount(), len(a.Options))
	}
	for i, o := range a.Options[1:] {
		before := a.Options[i]
		switch {
		case o.Fits && !before.Fits:
			t.Errorf("%s fits and stands below %s", o.Title(), before.Title())
		case o.Fits == before.Fits && o.Cost != nil && (before.Cost == nil || *before.Cost > *o.Cost):
			t.Errorf("%s is cheaper than %s above it", o.Title(), before.Title())
		}
		if smallest := a.Smallest; o.Fits && memoryOf(smallest) > memoryOf(o) {
			t.Errorf("%s is smaller than %s", o.Title(), smallest.Title())
		}
	}
}

func TestHints(t *testing.T) {
	type hints struct {
		GPUs, Enough, Fewer, Length int64
		Fits                        bool
	}
	for name, tc := range map[string]struct {
		launch memory.Launch
		single bool
		gpu    string
		want   hints
	}{
		"fewest that suffice": {gpu: "H100-SXM5-80GB", want: hints{GPUs: 4, Fits: true, Fewer: 2, Length: 3584}},
		"two suffice":         {gpu: "H200-SXM-141GB", want: hints{GPUs: 2, Fits: true}},
		"one is asked about": {gpu: "H100-SXM5-80GB", launch: memory.Launch{TensorParallel: 1}, single: true,
			want: hints{GPUs: 1, Enough: 4, Fewer: 2, Length: 3584}},
		"a number is stated": {gpu: "H100-SXM5-80GB", launch: memory.Launch{TensorParallel: 4}, want: hints{GPUs: 4, Fits: true}},
		"no number suffices": {gpu: "T4", launch: memory.Launch{TensorParallel: 1}, single: true, want: hints{GPUs: 1}},
		"shorter requests fit": {gpu: "H100-SXM5-80GB", launch: memory.Launch{TensorParallel: 2, MaxModelLen: 8192},
			want: hints{GPUs: 2, Fits: true}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.launch.Engine = memory.VLLM
			r := requestFor(t, llama70, tc.launch)
			r.SingleGPU = tc.single
			a, err := AnswerRequest(r, offersNamed(t, tc.gpu))
			if err != nil {
				t.Fatal(err)
			}
			o := a.Options[0]
			got := hints{GPUs: o.GPUs, Fits: o.Fits, Enough: o.EnoughGPUs, Fewer: o.FewerGPUs, Length: o.FewerMaxModelLen}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

// Where nothing fits, the GPUs that hold the longest requests are named, and hold them.
func TestShorterContexts(t *testing.T) {
	r := requestFor(t, llama8, memory.Launch{Engine: memory.VLLM, TensorParallel: 1})
	a, err := AnswerRequest(r, offersNamed(t, "L4", "A30-24GB", "T4", "A30:2g.12gb", "RTX-3090"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Smallest != nil || len(a.Shorter) != mostShorter {
		t.Fatalf("%v fits, %d hints", a.Smallest, len(a.Shorter))
	}
	for i, s := range a.Shorter {
		if i > 0 && s.MaxModelLen > a.Shorter[i-1].MaxModelLen {
			t.Errorf("%s holds longer requests than the one before", s.Option.Title())
		}
		r.Launch.MaxModelLen = s.MaxModelLen
		if again := r.optionOn(&s.Option.Offer); !again.Fits || again.Close {
			t.Errorf("%s does not hold %d tokens: %s", s.Option.Title(), s.MaxModelLen, again.Reason)
		}
	}
}

// A launch that no GPU could run is an error that names the setting; one that is only
// too large for what was looked at is not.
func TestAnswerRefusesLaunches(t *testing.T) {
	_, err := AnswerRequest(requestFor(t, llama8, memory.Launch{Engine: memory.VLLM, TensorParallel: 3}), offersNamed(t, "L4", "T4"))
	var wrong *memory.LaunchError
	if !errors.As(err, &wrong) || wrong.Field != "TensorParallel" || wrong.Value != "3" {
		t.Errorf("got %v", err)
	}
	a, err := AnswerRequest(requestFor(t, llama8, memory.Launch{Engine: memory.VLLM, TensorParallel: 2}), offersNamed(t, "A30:2g.12gb"))
	const want = "slices of different GPUs cannot serve one model together"
	if err != nil || a.FittingCount() != 0 || !strings.Contains(a.Options[0].Explain(), want) {
		t.Errorf("got %+v, %v", a, err)
	}
}

// Shares may be claimed once the server is held to the part that the cheapest takes.
func TestHoldToShare(t *testing.T) {
	offers := offersNamed(t, "L40S", "H100-SXM5-80GB")
	a, err := AnswerRequest(requestFor(t, llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}), offers)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range a.ClaimOptions() {
		if o.Form == ShareForm {
			t.Errorf("%s is claimed for a server that would take all of it", o.Title())
		}
	}
	held, err := a.HoldToShare(offers)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range held.ClaimOptions() {
		got = append(got, o.Title())
	}
	if diff := cmp.Diff([]string{"19861MiB of L40S", "L40S", "34767MiB of H100-SXM5-80GB", "H100-SXM5-80GB"}, got); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"--max-model-len=4096", "--gpu-memory-utilization=0.42"}, held.Arguments(1)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	again, err := held.HoldToShare(offers)
	if err != nil || again != held {
		t.Errorf("a server that is held already: %v", err)
	}
	sglang, err := AnswerRequest(requestFor(t, llama8, memory.Launch{Engine: memory.SGLang}), offers)
	if err != nil {
		t.Fatal(err)
	}
	var refused *CannotShare
	if _, err := sglang.HoldToShare(offers); !errors.As(err, &refused) || refused.Engine != memory.SGLang {
		t.Errorf("SGLang: %v", err)
	}
}

// The arguments are called as the engine calls them.
func TestArguments(t *testing.T) {
	for engine, want := range map[memory.Engine][]string{
		memory.VLLM:        {"--max-model-len=4096", "--tensor-parallel-size=2", "--gpu-memory-utilization=0.50"},
		memory.SGLang:      {"--context-length=4096", "--tp-size=2", "--mem-fraction-static=0.50"},
		memory.TGI:         {"--max-total-tokens=4096", "--num-shard=2", "--cuda-memory-fraction=0.50"},
		memory.TensorRTLLM: {"--max_seq_len=4096", "--tp_size=2", "--kv_cache_free_gpu_memory_fraction=0.50"},
		memory.Plain:       nil,
	} {
		a := Answer{Request: Request{Launch: memory.Launch{Engine: engine, MaxModelLen: 4096, PipelineParallel: 2, Utilisation: 0.5}}}
		if diff := cmp.Diff(want, a.Arguments(4)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", engine, diff)
		}
	}
}
