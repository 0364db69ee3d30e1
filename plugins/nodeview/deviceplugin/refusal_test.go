package deviceplugin

import (
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
)

func TestRefusalOn(t *testing.T) {
	const gpu = "nvidia.com/gpu"
	llama := []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096"}
	half := append([]string{"--gpu-memory-utilization=0.45"}, llama...)
	t4 := nodeOf(labelsOf("Tesla-T4", "15360", "4"), map[string]string{gpu: "4"})
	sliced := nodeOf(labelsOf("NVIDIA-A100-SXM4-80GB-SHARED", "81920", "1", "nvidia.com/gpu.replicas", "4"), map[string]string{gpu: "4"})
	mps := nodeOf(labelsOf("NVIDIA-A100-SXM4-80GB-SHARED", "81920", "1", "nvidia.com/gpu.replicas", "4",
		"nvidia.com/gpu.sharing-strategy", "mps"), map[string]string{gpu: "4"})
	unlabelled := nodeOf(nil, map[string]string{gpu: "4"})
	two := nodeOf(labelsOf("NVIDIA-A100-SXM4-80GB-SHARED", "81920", "2", "nvidia.com/gpu.replicas", "4"), map[string]string{gpu: "8"})
	slices := nodeOf(labelsOf("NVIDIA-A100-SXM4-80GB-MIG-3g.40gb", "40192", "2"), map[string]string{gpu: "2"})
	absurd := nodeOf(labelsOf("NVIDIA-A100-SXM4-80GB-SHARED", "81920", "1", "nvidia.com/gpu.replicas", "1000000000"),
		map[string]string{gpu: "1000000000"})
	spread := append([]string{"--tensor-parallel-size=2"}, llama...)
	for name, tc := range map[string]struct {
		node    *v1.Node
		running []*v1.Pod
		pod     *v1.Pod
		want    string // "" for none
	}{
		"too large for the GPU":        {node: t4, pod: podOf(gpu, "1", nil, llama...), want: "no GPU on which vLLM starts meta-llama"},
		"more than the GPU has":        {node: t4, pod: stated(gpu, "20Gi"), want: "no GPU with the 20GiB that the pod states"},
		"nothing is known of the pod":  {node: t4, pod: podOf(gpu, "1", nil)},
		"nothing is known of the node": {node: unlabelled, pod: podOf(gpu, "1", nil, llama...)},
		"alone on a shared GPU":        {node: sliced, pod: podOf(gpu, "1", nil, llama...)},
		"two servers of nine tenths": {
			node: sliced, running: []*v1.Pod{podOf(gpu, "1", nil, llama...)}, pod: podOf(gpu, "1", nil, llama...),
			want: "share NVIDIA A100-SXM4-80GB between 4 pods without room",
		},
		"two that take less than half": {node: sliced, running: []*v1.Pod{podOf(gpu, "1", nil, half...)}, pod: podOf(gpu, "1", nil, half...)},
		"a third of them": {
			node: sliced, running: []*v1.Pod{podOf(gpu, "1", nil, half...), podOf(gpu, "1", nil, half...)}, pod: podOf(gpu, "1", nil, half...),
			want: "without room",
		},
		"a pod of which nothing is known counts its replica's part": {
			node: sliced, running: []*v1.Pod{podOf(gpu, "1", nil, llama...)}, pod: podOf(gpu, "1", nil), want: "without room for 19.81GiB",
		},
		"such pods among themselves": {
			node: sliced, running: []*v1.Pod{podOf(gpu, "1", nil), podOf(gpu, "1", nil), podOf(gpu, "1", nil)}, pod: podOf(gpu, "1", nil),
		},
		"beyond the part of an MPS client": {node: mps, pod: podOf(gpu, "1", nil, llama...), want: "no GPU on which vLLM starts"},
		"within it":                        {node: mps, pod: stated(gpu, "19Gi")},
		"several replicas of MPS":          {node: mps, pod: podOf(gpu, "2", nil), want: "give a pod one nvidia.com/gpu at most: ask for 1"},
		"spread over one shared GPU":       {node: sliced, pod: podOf(gpu, "2", nil, spread...), want: "share 1 GPU(s) as nvidia.com/gpu"},
		"spread over two shared GPUs":      {node: two, pod: podOf(gpu, "2", nil, spread...)},
		"spread over slices":               {node: slices, pod: podOf(gpu, "2", nil, spread...), want: "over which no model is spread"},
		"more replicas than anybody has": {
			node: absurd, running: []*v1.Pod{podOf(gpu, "900000000", nil)}, pod: podOf(gpu, "1", nil, llama...), want: "without room for",
		},
		"pods that state more than there is": {
			node: sliced, running: []*v1.Pod{stated(gpu, "300Gi"), stated(gpu, "400Gi")}, pod: stated(gpu, "20Gi"),
			want: "up to 79.25GiB of 79.25GiB is taken",
		},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := ReadPod(tc.pod)
			if err != nil || request == nil {
				t.Fatalf("reading the pod: %v, %v", request, err)
			}
			got := NewSource().RefusalOn(request, infoOf(tc.node, tc.running...))
			switch {
			case tc.want == "" && got != nil:
				t.Errorf("refused: %s", got.Text)
			case tc.want != "" && (got == nil || !strings.Contains(got.Text, tc.want)):
				t.Errorf("got %+v, want %q", got, tc.want)
			}
		})
	}
}

// Each of several servers is judged on the GPUs of its own container, and counts among those that
// share a GPU.
func TestRefusalOfSeveralServers(t *testing.T) {
	const gpu, slice = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"
	large := []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096"}
	small := []string{"--model=BAAI/bge-large-en-v1.5"}
	both := func(secondOf string, first, second []string) *v1.Pod {
		pod, other := podOf(gpu, "1", nil, first...), podOf(secondOf, "1", nil, second...)
		other.Spec.Containers[0].Name = "second"
		pod.Spec.Containers = append(pod.Spec.Containers, other.Spec.Containers...)
		return pod
	}
	l40s := nodeOf(labelsOf("NVIDIA-L40S", "46068", "4"), map[string]string{gpu: "4"})
	t4 := nodeOf(labelsOf("Tesla-T4", "15360", "4"), map[string]string{gpu: "4"})
	mixed := nodeOf(labelsOf("NVIDIA-A100-SXM4-80GB", "81920", "1", slice+".product", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
		slice+".memory", "9728", slice+".count", "3"), map[string]string{gpu: "1", slice: "3"})
	shared := nodeOf(labelsOf("NVIDIA-L40S-SHARED", "46068", "1", "nvidia.com/gpu.replicas", "4"), map[string]string{gpu: "4"})
	for name, tc := range map[string]struct {
		node    *v1.Node
		running []*v1.Pod
		pod     *v1.Pod
		want    string // "" for none
	}{
		"both start":               {node: l40s, pod: both(gpu, large, small)},
		"the first does not":       {node: t4, pod: both(gpu, large, small), want: "starts meta-llama/Llama-3.1-8B-Instruct"},
		"the second does not":      {node: t4, pod: both(gpu, small, large), want: "starts meta-llama/Llama-3.1-8B-Instruct"},
		"each on what it asks for": {node: mixed, pod: both(slice, large, append([]string{"--enforce-eager"}, small...))},
		"the slice is too small":   {node: mixed, pod: both(slice, small, large), want: "starts meta-llama/Llama-3.1-8B-Instruct"},
		"both on one shared GPU":   {node: shared, pod: both(gpu, large, large), want: "without room for"},
		"beside a pod of two": {node: shared, running: []*v1.Pod{both(gpu, small, small)},
			pod: podOf(gpu, "1", nil, large...), want: "without room for"},
		"nothing known of a second": {node: t4, pod: both(gpu, small, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := ReadPod(tc.pod)
			if err != nil {
				t.Fatal(err)
			}
			refusal, text := NewSource().RefusalOn(request, infoOf(tc.node, tc.running...)), ""
			if refusal != nil {
				text = refusal.Text
			}
			if tc.want == "" && text != "" || !strings.Contains(text, tc.want) {
				t.Errorf("refused %q, want %q in it", text, tc.want)
			}
		})
	}
}

// 24 pods of 2000 MiB each are more than an L40S has, whose driver keeps 582 MiB of the
// 46,068 MiB that it reports.
func TestReplicasFillTheMemoryNotTheCount(t *testing.T) {
	const gpu = "nvidia.com/gpu"
	node := nodeOf(labelsOf("NVIDIA-L40S-SHARED", "46068", "1", "nvidia.com/gpu.replicas", "24"), map[string]string{gpu: "24"})
	source := NewSource()
	var running []*v1.Pod
	for range 24 {
		pod := stated(gpu, "2000Mi")
		request, err := ReadPod(pod)
		if err != nil {
			t.Fatal(err)
		}
		if source.RefusalOn(request, infoOf(node, running...)) != nil {
			break
		}
		running = append(running, pod)
	}
	if len(running) != 22 {
		t.Errorf("%d pods fit, want 22", len(running))
	}
}
