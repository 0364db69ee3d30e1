package claim

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
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

func commaJoined(items []string, _ int) []string { return []string{strings.Join(items, ", ")} }

// What is written is the object itself, comments aside.
func TestWriteTemplateIsTheObject(t *testing.T) {
	for name, tc := range map[string]struct {
		launch memory.Launch
		model  string
		gpus   []string
	}{
		"many":    {memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}, llama8, nil},
		"several": {memory.Launch{Engine: memory.VLLM}, llama70, []string{"H100-SXM5-80GB", "H200-SXM-141GB"}},
		"share":   {memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, Utilisation: 0.4}, llama8, []string{"H100-SXM5-80GB"}},
		"plain":   {memory.Launch{Engine: memory.Plain}, "google-bert/bert-base-uncased", nil},
	} {
		t.Run(name, func(t *testing.T) {
			sizing := sizingFor(t, answerFor(t, tc.model, tc.launch, tc.gpus...))
			want := sizing.ClaimTemplate("a-server")
			var text bytes.Buffer
			if err := sizing.WriteTemplate(&text, "a-server", []string{"a note\nof two lines"}, commaJoined); err != nil {
				t.Fatal(err)
			}
			var got resourceapi.ResourceClaimTemplate
			if err := yaml.UnmarshalStrict(text.Bytes(), &got); err != nil {
				t.Fatalf("%v\n%s", err, &text)
			}
			if diff := cmp.Diff(want, &got); diff != "" {
				t.Errorf("template (-want +got):\n%s", diff)
			}
			if !strings.Contains(text.String(), "# Note: a note of two lines.\n") {
				t.Errorf("the note is missing:\n%s", &text)
			}
			for _, line := range sizing.About {
				if !strings.Contains(text.String(), "        # "+strings.Join(line, ", ")+"\n        - ") {
					t.Errorf("%q does not stand above an alternative:\n%s", line, &text)
				}
			}
			if diff := cmp.Diff(want.Spec.Spec, sizing.ResourceClaim("a-server").Spec); diff != "" {
				t.Errorf("a claim asks for something else (-template +claim):\n%s", diff)
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
