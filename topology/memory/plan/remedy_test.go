package plan

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// remedyWords tells remedies in short.
func remedyWords(remedies []FitRemedy) []string {
	var words []string
	for _, r := range remedies {
		text := fmt.Sprintf("%s: %s", r.Kind, r.Option.Title())
		if r.Copy != nil {
			text += " " + r.Copy.Name
		}
		if r.Scheme != "" {
			text += " " + r.Scheme
		}
		if r.MaxModelLen > 0 {
			text += fmt.Sprintf(" up to %d", r.MaxModelLen)
		}
		words = append(words, text)
	}
	return words
}

func TestFindRemedies(t *testing.T) {
	const llama70 = "meta-llama/Llama-3.1-70B-Instruct"
	for name, tc := range map[string]struct {
		model  string
		launch memory.Launch
		gpu    string
		want   []string
	}{
		"every kind": {llama70, memory.Launch{MaxModelLen: 4096, TensorParallel: 1}, "A100-SXM4-80GB", []string{
			"tensor-parallel: 2 x A100-SXM4-80GB", "pipeline-parallel: 2 x A100-SXM4-80GB",
			"quantised-copy: A100-SXM4-80GB hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
			"quantised-while-loading: A100-SXM4-80GB bitsandbytes", "cpu-offload: A100-SXM4-80GB",
		}},
		"eight GPUs": {llama70, memory.Launch{TensorParallel: 1}, "A100-SXM4-40GB", []string{
			"tensor-parallel: 8 x A100-SXM4-40GB", "pipeline-parallel: 6 x A100-SXM4-40GB",
		}},
		// fp8 needs the 16 bits first in this release.
		"an earlier release": {llama70, memory.Launch{MaxModelLen: 4096, TensorParallel: 1, Version: memory.Version{Minor: 11}}, "H100-SXM5-80GB",
			[]string{
				"tensor-parallel: 4 x H100-SXM5-80GB", "pipeline-parallel: 3 x H100-SXM5-80GB",
				"quantised-copy: H100-SXM5-80GB hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
				"quantised-while-loading: H100-SXM5-80GB bitsandbytes",
			}},
		"a slice is one": {llama8, memory.Launch{MaxModelLen: 4096, TensorParallel: 1}, "A30-24GB:2g.12gb", []string{
			"quantised-copy: A30-24GB:2g.12gb hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
			"quantised-while-loading: A30-24GB:2g.12gb bitsandbytes",
		}},
		"it fits": {"mistralai/Mistral-7B-Instruct-v0.3", memory.Launch{TensorParallel: 1, MaxModelLen: 32768}, "A30-24GB", nil},
		"quantised already": {"Qwen/Qwen3-14B-AWQ", memory.Launch{TensorParallel: 1}, "T4", []string{
			"tensor-parallel: 2 x T4", "pipeline-parallel: 2 x T4", "shorter-requests: T4 up to 4096",
		}},
		"a flag that files contradict": {llama70, memory.Launch{MaxModelLen: 4096, TensorParallel: 1, Quantisation: "gptq_marlin"},
			"A100-SXM4-80GB", []string{
				"quantised-copy: A100-SXM4-80GB hugging-quants/Meta-Llama-3.1-70B-Instruct-GPTQ-INT4",
				"quantised-while-loading: A100-SXM4-80GB bitsandbytes",
			}},
		"a flag that is wrong for the files": {"hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
			memory.Launch{MaxModelLen: 4096, TensorParallel: 1, Quantisation: "gptq"}, "T4", []string{"without-the-flag: T4"}},
		"a wrong flag, and too few GPUs": {"Qwen/Qwen2.5-32B-Instruct-AWQ", memory.Launch{MaxModelLen: 32768, TensorParallel: 1,
			Quantisation: "gptq"}, "A10", []string{"without-the-flag: 2 x A10"}},
		"16 bits fit as well": {"Qwen/Qwen2.5-3B-Instruct", memory.Launch{MaxModelLen: 4096, TensorParallel: 1, Quantisation: "awq"}, "L4",
			[]string{
				"without-the-flag: L4", "quantised-copy: L4 Qwen/Qwen2.5-3B-Instruct-AWQ", "quantised-while-loading: L4 fp8",
				"quantised-copy: L4 Qwen/Qwen2.5-3B-Instruct-GPTQ-Int8",
			}},
		"numbers that overflow": {"google/gemma-2-2b-it", memory.Launch{TensorParallel: 1, Dtype: "float16"}, "A100-SXM4-80GB",
			[]string{"without-the-flag: A100-SXM4-80GB"}},
		"numbers that the GPU does not have": {"google/gemma-2-2b-it", memory.Launch{TensorParallel: 1}, "T4",
			[]string{"float32: T4 up to 2048"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.launch.Engine = memory.VLLM
			a, err := AnswerRequest(requestFor(t, tc.model, tc.launch), offersNamed(t, tc.gpu))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range a.Options {
				if o.Form == ShareForm {
					continue
				}
				remedies := a.FindRemedies(o)
				if diff := cmp.Diff(tc.want, remedyWords(remedies)); diff != "" {
					t.Errorf("remedies of %s (-want +got):\n%s", o.Title(), diff)
				}
				for _, r := range remedies {
					if !r.Option.Fits || r.Option.Close {
						t.Errorf("%s does not certainly fit", remedyWords([]FitRemedy{r}))
					}
				}
			}
		})
	}
}

// Where nothing fits, the cheapest way of each kind is named.
func TestCheapestRemedies(t *testing.T) {
	offers := offersNamed(t, "L4", "A100-SXM4-40GB", "H100-SXM5-80GB")
	a, err := AnswerRequest(requestFor(t, "meta-llama/Llama-3.1-70B-Instruct",
		memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, TensorParallel: 1}), offers)
	if err != nil {
		t.Fatal(err)
	}
	if a.Smallest != nil {
		t.Fatalf("%s fits", a.Smallest.Title())
	}
	want := []string{
		"quantised-copy: H100-SXM5-80GB hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
		"quantised-while-loading: H100-SXM5-80GB bitsandbytes", "pipeline-parallel: 5 x A100-SXM4-40GB",
		"tensor-parallel: 8 x A100-SXM4-40GB",
	}
	if diff := cmp.Diff(want, remedyWords(a.CheapestRemedies(offers))); diff != "" {
		t.Errorf("remedies (-want +got):\n%s", diff)
	}
}
