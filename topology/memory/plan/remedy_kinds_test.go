package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// changeWords tells what a remedy changes, as the engine's command line has it.
func changeWords(r *FitRemedy, from *memory.Launch) string {
	var words []string
	for _, c := range r.ListChanges(from) {
		name, _ := launch.ArgumentName(r.Launch.Engine, c.Field)
		word := strings.TrimSpace(name + " " + c.Value)
		if c.Dropped {
			word = "without " + word
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestRemedyKinds(t *testing.T) {
	for name, tc := range map[string]struct {
		model  string
		launch memory.Launch
		demand memory.Demand
		gpu    string
		kind   RemedyKind
		want   string // what is changed; what it costs
	}{
		"a degree that is no power of two": {
			"microsoft/Phi-3-medium-128k-instruct", memory.Launch{Engine: memory.VLLM, MaxModelLen: 32768, TensorParallel: 2},
			memory.Demand{}, "T4",
			TensorParallelRemedy, "--tensor-parallel-size 5; 3 GPUs more, fast where NVLink joins them",
		},
		"copies of the server": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 8192, TensorParallel: 1}, memory.Demand{Requests: 8}, "L4",
			DataParallelRemedy, "--data-parallel-size 4; 3 GPUs more, each copy of the server answers a part of the requests",
		},
		"fewer at once": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 8192, TensorParallel: 1}, memory.Demand{Requests: 8}, "L4",
			FewerRemedy, "; the other 6 of 8 wait",
		},
		"more than the engine is told to take": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 1024, MaxSequences: 4, TensorParallel: 1}, memory.Demand{Requests: 16}, "L4",
			SequencesRemedy, "--max-num-seqs 16; more requests than that wait",
		},
		"a cache of 8 bits": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 30000, TensorParallel: 1}, memory.Demand{}, "L4",
			CacheRemedy, "--kv-cache-dtype fp8; a little quality, of long requests (8-bit keys and values)",
		},
		"too small a share of the GPU": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, Utilisation: 0.5, TensorParallel: 1}, memory.Demand{}, "L4",
			UtilisationRemedy, "--gpu-memory-utilization 0.85; others have less of the GPU",
		},
		"more than the GPU has": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, Utilisation: 1, TensorParallel: 1}, memory.Demand{}, "L4",
			UtilisationRemedy, "--gpu-memory-utilization 0.98; a smaller KV cache",
		},
		"host memory": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, TensorParallel: 1, Version: memory.Version{Minor: 11}},
			memory.Demand{}, "T4",
			OffloadRemedy, "--cpu-offload-gb 4; 4GiB of host memory, of which a step reads 4GiB a GPU over PCIe: 0.2s or more",
		},
		"bfloat16 stated for a GPU without it": {
			"Qwen/Qwen2.5-3B-Instruct", memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, Dtype: "bfloat16", TensorParallel: 1},
			memory.Demand{}, "T4",
			UnflaggedRemedy, "without --dtype bfloat16; nothing, it runs in float16",
		},
		"numbers too large for float16": {
			"google/gemma-2-2b-it", memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, TensorParallel: 1}, memory.Demand{}, "V100-SXM2-32GB",
			WideRemedy, "--dtype float32; twice the memory, and slow: 32-bit numbers",
		},
		"SGLang's words": {
			llama8, memory.Launch{Engine: memory.SGLang, MaxModelLen: 4096, TensorParallel: 1}, memory.Demand{}, "T4",
			TensorParallelRemedy, "--tp-size 2; 1 GPU more, fast where NVLink joins them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := requestFor(t, tc.model, tc.launch)
			r.Demand = tc.demand
			offer := offersNamed(t, tc.gpu)[0]
			var found []string
			for _, remedy := range r.RemediesOn(&offer) {
				found = append(found, fmt.Sprintf("%s: %s; %s", remedy.Kind, changeWords(&remedy, &tc.launch), remedy.Cost))
				if remedy.Kind != tc.kind {
					continue
				}
				if diff := cmp.Diff(tc.want, changeWords(&remedy, &tc.launch)+"; "+remedy.Cost); diff != "" {
					t.Errorf("%s (-want +got):\n%s", remedy.Kind, diff)
				}
				return
			}
			t.Errorf("no %s among\n%s", tc.kind, strings.Join(found, "\n"))
		})
	}
}

// Every remedy fits for certain with just the launch that it names, and takes the GPUs that it counts.
func TestRemediesHoldAsNamed(t *testing.T) {
	offers := offersNamed(t, "T4", "V100-SXM2-32GB", "A30-24GB", "A30-24GB:1g.6gb", "L4", "L40S", "A100-SXM4-80GB", "H100-SXM5-80GB")
	for _, name := range []string{
		llama8, "meta-llama/Llama-3.1-70B-Instruct", "google/gemma-2-2b-it", "Qwen/Qwen3-30B-A3B", "deepseek-ai/DeepSeek-V2-Lite-Chat",
		"hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
	} {
		for _, engine := range []memory.Engine{memory.VLLM, memory.SGLang, memory.TGI, memory.TensorRTLLM} {
			for _, requests := range []int64{1, 64} {
				r := requestFor(t, name, memory.Launch{Engine: engine, MaxModelLen: 16384, TensorParallel: 1})
				r.Demand.Requests = requests
				for i := range offers {
					for _, remedy := range r.RemediesOn(&offers[i]) {
						r.checkRemedy(t, &offers[i], &remedy)
					}
				}
			}
		}
	}
}

// checkRemedy asks once more, with nothing but what the remedy says.
func (r Request) checkRemedy(t *testing.T, offer *Offer, remedy *FitRemedy) {
	t.Helper()
	said := fmt.Sprintf("%s %s, %d requests, on %s: %s %s", r.Launch.Engine, r.Model.Name, r.Demand.Requests, offer.Title(), remedy.Kind,
		changeWords(remedy, &r.Launch))
	kinds := []RemedyKind{CopyRemedy, FewerRemedy}
	if len(remedy.ListChanges(&r.Launch)) == 0 && !slices.Contains(kinds, remedy.Kind) || remedy.Cost == "" {
		t.Errorf("%s: changes nothing, or has no cost (%q)", said, remedy.Cost)
	}
	if remedy.Copy != nil {
		r.Model = remedy.Copy
	}
	copies := max(1, remedy.Launch.DataParallel)
	r.Launch, r.Demand.Requests = remedy.Launch, (r.Demand.Requests+copies-1)/copies
	if remedy.Requests > 0 {
		r.Demand.Requests = remedy.Requests
	}
	option := r.optionOn(offer)
	if !option.isSure() || option.GPUs*copies != remedy.Option.GPUs {
		t.Errorf("%s: fits %t (%s), on %d GPUs; it says %d", said, option.isSure(), option.Reason, option.GPUs*copies, remedy.Option.GPUs)
	}
}
