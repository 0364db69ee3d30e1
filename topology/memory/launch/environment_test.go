package launch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

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
		require.Equal(t, want, r.Launch.MaxModelLen, text)
		require.True(t, r.IsKnown(launch.FieldMaxModelLen))
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
		require.False(t, r.IsKnown(launch.FieldMaxModelLen), text)
		require.Contains(t, r.Unknown[1].Because, because, text)
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
	require.Equal(t, int64(4096), r.Launch.MaxModelLen)
	require.Empty(t, unknown(r))
	r = mustRead(t, launch.Container{Command: []string{"sh", "-c", "vllm serve org/model --max-model-len $(length)"}, Env: env})
	require.False(t, r.IsKnown(launch.FieldMaxModelLen))
}
