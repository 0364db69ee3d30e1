package claim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// answerFor plans for a model that the catalogue knows, on some GPUs or all.
func answerFor(t *testing.T, name string, launch memory.Launch, gpus ...string) *plan.Answer {
	t.Helper()
	known, err := model.Known(name)
	if err != nil {
		t.Fatal(err)
	}
	all := plan.ListOffers(catalogue.Default())
	offers := all
	for i, gpu := range gpus {
		found, err := plan.FindOffers(catalogue.Default(), all, gpu)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			offers = nil
		}
		offers = append(offers, found...)
	}
	answer, err := plan.AnswerRequest(plan.Request{Model: known, Launch: launch}, offers)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func sizingFor(t *testing.T, answer *plan.Answer) *Sizing {
	t.Helper()
	sizing, err := NewSizing(answer)
	if err != nil {
		t.Fatal(err)
	}
	return sizing
}

const (
	llama8  = "meta-llama/Llama-3.1-8B-Instruct"
	llama70 = "meta-llama/Llama-3.1-70B-Instruct"
)

// Template and claim ask for the same, and say what they are sized for.
func TestClaimTemplate(t *testing.T) {
	for name, tc := range map[string]struct {
		model  string
		launch memory.Launch
		gpus   []string
		// want are the alternatives, by name, class, number of GPUs and memory.
		want []string
		// wantArguments is what the server must be started with.
		wantArguments string
	}{
		"several": {
			llama70, memory.Launch{Engine: memory.VLLM, TensorParallel: 4}, []string{"H100-SXM5-80GB", "H200-SXM-141GB"},
			[]string{"whole gpu.ashlar.dev 4 0"}, "--tensor-parallel-size=4",
		},
		"share": {
			llama8, memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, Utilisation: 0.4}, []string{"H100-SXM5-80GB"},
			[]string{"share-33136mi share.gpu.ashlar.dev 0 33136Mi", "whole gpu.ashlar.dev 0 0"},
			"--max-model-len=4096 --gpu-memory-utilization=0.40",
		},
		"slice": {
			llama8, memory.Launch{Engine: memory.SGLang, MaxModelLen: 4096}, []string{"A100-SXM4-80GB:3g.40gb", "H100-SXM5-80GB:3g.40gb"},
			[]string{"mig-3g-40gb mig.gpu.ashlar.dev 0 0"}, "--context-length=4096",
		},
		"plain": {"google-bert/bert-base-uncased", memory.Launch{Engine: memory.Plain}, []string{"T4"}, []string{
			"share-1279mi share.gpu.ashlar.dev 0 1279Mi", "whole gpu.ashlar.dev 0 0",
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sizing := sizingFor(t, answerFor(t, tc.model, tc.launch, tc.gpus...))
			template := sizing.ClaimTemplate("a-server")
			var got []string
			for _, sub := range template.Spec.Spec.Devices.Requests[0].FirstAvailable {
				var memory resource.Quantity
				if sub.Capacity != nil {
					memory = sub.Capacity.Requests["memory"]
				}
				got = append(got, fmt.Sprintf("%s %s %d %s", sub.Name, sub.DeviceClassName, sub.Count, memory.String()))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("alternatives (-want +got):\n%s", diff)
			}
			if got := template.Annotations[ArgumentsAnnotation]; got != tc.wantArguments {
				t.Errorf("arguments %q, want %q", got, tc.wantArguments)
			}
			if diff := cmp.Diff(template.Spec.Spec, sizing.ResourceClaim("a-server").Spec); diff != "" {
				t.Errorf("a claim asks for something else (-template +claim):\n%s", diff)
			}
			text, err := yaml.Marshal(template)
			if err != nil {
				t.Fatal(err)
			}
			var read resourceapi.ResourceClaimTemplate
			if err := yaml.UnmarshalStrict(text, &read); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(template, &read); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// A request has few alternatives, each with a name of its own and an expression that
// the API takes; on several GPUs all alternatives have as many, of one product.
func TestSizingKeepsTheBoundsOfTheAPI(t *testing.T) {
	for name, tc := range map[string]struct {
		model  string
		launch memory.Launch
		gpus   int64
	}{
		"small":  {"Qwen/Qwen3-0.6B", memory.Launch{Engine: memory.VLLM, MaxModelLen: 8192}, 1},
		"medium": {llama8, memory.Launch{Engine: memory.VLLM}, 1},
		"large":  {"deepseek-ai/DeepSeek-V3", memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			sizing := sizingFor(t, answerFor(t, tc.model, tc.launch))
			request := sizing.Spec.Devices.Requests[0]
			if n := len(request.FirstAvailable); n < 1 || n > resourceapi.FirstAvailableDeviceRequestMaxSize {
				t.Errorf("%d alternatives", n)
			}
			names := map[string]bool{}
			for _, sub := range request.FirstAvailable {
				if names[sub.Name] {
					t.Errorf("two alternatives are named %s", sub.Name)
				}
				names[sub.Name] = true
				if n := len(sub.Selectors[0].CEL.Expression); n > resourceapi.CELSelectorExpressionMaxLength {
					t.Errorf("%s has an expression of %d bytes", sub.Name, n)
				}
				if max(1, sub.Count) != tc.gpus {
					t.Errorf("%s asks for %d GPUs, want %d", sub.Name, sub.Count, tc.gpus)
				}
			}
			if got := len(sizing.Spec.Devices.Constraints); (got > 0) != (tc.gpus > 1) {
				t.Errorf("%d constraints for %d GPUs", got, tc.gpus)
			}
		})
	}
}

func TestNothingToClaim(t *testing.T) {
	_, err := NewSizing(answerFor(t, llama70, memory.Launch{Engine: memory.VLLM}, "T4"))
	var nothing *NothingToClaim
	if !errors.As(err, &nothing) || nothing.Fitting != 0 || !strings.Contains(err.Error(), "nothing to claim") {
		t.Errorf("got %v", err)
	}
}

func TestNameFor(t *testing.T) {
	for model, want := range map[string]string{
		llama8:                              "llama-3-1-8b-instruct",
		"a/B--c_":                           "b-c",
		"/models/./x":                       "x",
		"me/" + "ab" + "é":                  "ab",
		"...":                               "model",
		"":                                  "model",
		"me/" + strings.Repeat("long-", 30): strings.TrimSuffix(strings.Repeat("long-", 11)[:longestName], "-"),
	} {
		if got := NameFor(model); got != want {
			t.Errorf("%q is called %q, want %q", model, got, want)
		}
	}
}
