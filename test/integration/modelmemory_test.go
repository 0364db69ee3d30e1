package integration

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// server makes the pod a vLLM that serves an 8B model.
func server(pod *corev1.Pod, args ...string) *corev1.Pod {
	c := &pod.Spec.Containers[0]
	c.Image = "vllm/vllm-openai:v0.11.0"
	c.Args = append([]string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096"}, args...)
	return pod
}

// A model server goes where its weights and one request fit, though it asked for
// nothing but a GPU.
func TestModelServerGoesWhereItFits(t *testing.T) {
	s := newSpace(t)
	s.create(server(s.pod("llama", ashlar, "memory-small", "memory-large")), request(whole, 1))
	s.running("llama")
	if got := s.nodeOf("llama"); got != "memory-large" {
		t.Fatalf("s.nodeOf(\"llama\") = %q, want %q", got, "memory-large")
	}
}

// Where it fits nowhere it waits with the arithmetic, rather than dying of it.
func TestModelServerThatFitsNowhereIsToldWhy(t *testing.T) {
	s := newSpace(t)
	s.create(server(s.pod("llama", ashlar, "memory-small")), request(whole, 1))
	if got := s.pending("llama"); !strings.Contains(got, "nothing is left for the KV cache: 14.") {
		t.Fatalf("%q does not contain %q", got, "nothing is left for the KV cache: 14.")
	}

	// A third of the weights fits. FP8 would do, too, if a V100 had it.
	s.create(server(s.pod("quantised", ashlar, "memory-small"), "--quantization=bitsandbytes"), request(whole, 1))
	s.running("quantised")
}

// An engine that would fill the whole GPU gets no share of it.
func TestModelServerStaysWithinItsShare(t *testing.T) {
	s := newSpace(t)
	s.create(server(s.pod("greedy", ashlar, "memory-large"), "--quantization=fp8"), sharing("16Gi"))
	if got := s.pending("greedy"); !strings.Contains(got, "more than the share of 16GiB: give it --gpu-memory-utilization=0.6") {
		t.Fatalf("%q does not contain %q", got, "more than the share of 16GiB: give it --gpu-memory-utilization=0.6")
	}

	s.create(server(s.pod("modest", ashlar, "memory-large"), "--quantization=fp8", "--gpu-memory-utilization=0.6"), sharing("16Gi"))
	s.running("modest")
}

// What an annotation states stands above what flags say.
func TestStatedMemoryWins(t *testing.T) {
	s := newSpace(t)
	pod := s.pod("stated", ashlar, "memory-small", "memory-large")
	pod.Annotations = map[string]string{"ashlar.dev/gpu-memory": "20Gi"}
	s.create(pod, request(whole, 1))
	s.running("stated")
	if got := s.nodeOf("stated"); got != "memory-large" {
		t.Fatalf("s.nodeOf(\"stated\") = %q, want %q", got, "memory-large")
	}

	pod = s.pod("malformed", ashlar, "memory-large")
	pod.Annotations = map[string]string{"ashlar.dev/gpu-memory": "lots"}
	s.create(pod, request(whole, 1))
	if got := s.pending("malformed"); !strings.Contains(got, `annotation ashlar.dev/gpu-memory "lots"`) {
		t.Fatalf("%q does not contain %q", got, `annotation ashlar.dev/gpu-memory "lots"`)
	}
}

// nodeOf is the node to which a pod is bound.
func (s *space) nodeOf(name string) string {
	s.t.Helper()
	pod, err := s.get(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return pod.Spec.NodeName
}
