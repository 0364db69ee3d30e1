package admission

import (
	"encoding/json"
	"errors"
	"testing"

	v1 "k8s.io/api/core/v1"
)

// Whatever a pod says, a review ends with a refusal or with a pod that a second review leaves as
// it is, and with claims that the API server takes.
func FuzzReviewPod(f *testing.F) {
	for _, statements := range [][]string{
		{"@gpu-fraction: 0.5", "@gpu-fraction-num-devices: 2"}, {"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000"}, {"koordinator.sh/gpu: 250"},
		{"volcano.sh/vgpu-number: 2", "volcano.sh/vgpu-memory-percentage: 30", "@nvidia.com/use-gputype: A\"100,H"},
		{"@nvidia.com/container.main.gpu-memory.request: 1Ei"}, {"@ashlar.dev/model: Qwen/Qwen3-8B", "@ashlar.dev/max-model-len: 8k"},
	} {
		text, err := json.Marshal(podWith(statements...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var pod v1.Pod
		if json.Unmarshal(text, &pod) != nil {
			return
		}
		outcome, err := ReviewPod(&pod, "team", twoSizes(), Options{})
		if err != nil {
			if !errors.As(err, new(*Refusal)) {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, template := range outcome.Templates {
			compileSelectors(t, &template.Spec.Spec)
		}
		for _, warning := range outcome.Warnings {
			if len(warning) > longestWarning {
				t.Errorf("a warning of %d bytes", len(warning))
			}
		}
		if len(outcome.Templates) == 0 {
			return
		}
		again, err := ReviewPod(outcome.Pod, "team", twoSizes(), Options{})
		if err != nil {
			t.Fatalf("a second review refuses: %v", err)
		}
		if len(again.Templates) > 0 {
			t.Errorf("a second review makes templates again")
		}
	})
}
