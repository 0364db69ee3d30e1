package launch_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// References as Kubernetes expands them in command, args and env. The name under
// which the model is served stands for any text: it is taken as it is.
func TestReferences(t *testing.T) {
	env := []launch.EnvVar{
		{Name: "LENGTH", Value: "4096"}, {Name: "K", Value: "8"}, {Name: "TWICE", Value: "$(K)$(K)"}, {Name: "EARLY", Value: "$(LATE)"},
		{Name: "LATE", Value: "1"},
		{Name: "ESCAPED", Value: "$$(K)"}, {Name: "KEPT", From: "configMapKeyRef settings/length"}, {Name: "KEPT2", Value: "$(KEPT)"},
		{Name: "EMPTY"},
		{Name: "TEMPLATE", Value: "{{ .Values.length }}"}, {Name: "K", Value: "9"},
	}
	for text, want := range map[string]int64{
		"$(LENGTH)": 4096, "$(K)k": 9000, "$(TWICE)": 88, "1$(EMPTY)2": 12, "$(LENGTH)$(EMPTY)": 4096,
	} {
		r := mustRead(t, launch.Container{Command: []string{"vllm", "serve", "org/model"}, Args: []string{"--max-model-len", text}, Env: env})
		if r.Launch.MaxModelLen != want {
			t.Fatalf("%v: r.Launch.MaxModelLen = %v, want %v", text, r.Launch.MaxModelLen, want)
		}
		if !r.IsKnown(launch.FieldMaxModelLen) {
			t.Fatal("r.IsKnown(launch.FieldMaxModelLen) is false")
		}
	}
	for text, because := range map[string]string{
		"$(NOWHERE)":  "$(NOWHERE) is no variable of the container's env",
		"$$(LENGTH)":  "$(LENGTH) is no variable",
		"$(EARLY)":    "$(LATE) is no variable",
		"$(ESCAPED)":  "$(K) is no variable",
		"$(KEPT)":     "the value of KEPT is not in the pod but in configMapKeyRef settings/length",
		"$(KEPT2)":    "the value of KEPT is not in the pod",
		"$(K)$(KEPT)": "the value of KEPT is not in the pod",
		"$(TEMPLATE)": "{{ .Values.length }} is filled in by a template",
		"{{ .Len }}":  "{{ .Len }} is filled in by a template, render it first",
	} {
		r := mustRead(t, launch.Container{Command: []string{"vllm", "serve", "org/model"}, Args: []string{"--max-model-len", text}, Env: env})
		if r.IsKnown(launch.FieldMaxModelLen) {
			t.Fatalf("%v: r.IsKnown(launch.FieldMaxModelLen) is true", text)
		}
		if !strings.Contains(r.Unknown[1].Because, because) {
			t.Fatalf("%v: %q does not contain %q", text, r.Unknown[1].Because, because)
		}
	}
	for text, want := range map[string]string{
		"$(LENGTH": `"$(LENGTH" is not a whole number`, "$LENGTH": "Kubernetes replaces $(NAME)", "${LENGTH}": "Kubernetes replaces $(NAME)",
		"$":   `"$" is not a whole number`,
		"$$5": `"$5" is not a whole number`,
	} {
		_, err := launch.Read(launch.Container{Command: []string{"vllm", "serve", "org/model"}, Args: []string{"--max-model-len", text},
			Env: env})
		wantError(t, err, want)
	}
}

// A reference in a script is the shell's when the kubelet leaves it.
func TestReferencesInScripts(t *testing.T) {
	env := []launch.EnvVar{{Name: "LENGTH", Value: "4096"}}
	r := mustRead(t, launch.Container{Command: []string{"sh", "-c", "vllm serve org/model --max-model-len $(LENGTH) --port $(cat /port)"},
		Env: env})
	if r.Launch.MaxModelLen != int64(4096) {
		t.Fatalf("r.Launch.MaxModelLen = %v, want %v", r.Launch.MaxModelLen, int64(4096))
	}
	if got := unknown(r); len(got) > 0 {
		t.Fatalf("unknown(r) = %v, want none", got)
	}
	r = mustRead(t, launch.Container{Command: []string{"sh", "-c", "vllm serve org/model --max-model-len $(length)"}, Env: env})
	if r.IsKnown(launch.FieldMaxModelLen) {
		t.Fatal("r.IsKnown(launch.FieldMaxModelLen) is true")
	}
}
