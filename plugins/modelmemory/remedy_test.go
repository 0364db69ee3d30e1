package modelmemory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

var (
	h200 = modelmemory.Device{GPU: memory.GPU{Name: "NVIDIA H200 NVL", Total: 143156 * topology.MiB,
		Compute: topology.ComputeCapability{Major: 9}}}
	a30Half = modelmemory.Device{GPU: memory.GPU{Name: "NVIDIA A30 2g.12gb", Total: 12032 * topology.MiB,
		Compute: topology.ComputeCapability{Major: 8}}}
)

func TestFindRemedies(t *testing.T) {
	offers := []modelmemory.Offer{
		{Device: h200, Most: 4, Request: "nvidia.com/gpu", Node: "h200-1"},
		{Device: h200, Most: 4, Request: "nvidia.com/gpu", Node: "h200-0"},
		{Device: l40s, Most: 8, Request: "nvidia.com/gpu", Node: "l40s-0"},
		{Device: t4, Most: 1, Request: "nvidia.com/gpu", Node: "t4-0"},
		{Device: a30Half, Profile: "2g.12gb", Most: 1, Request: "nvidia.com/mig-2g.12gb", Node: "a30-0"},
	}
	for name, tc := range map[string]struct {
		annotations map[string]string
		args        []string
		want        []string
	}{
		"a model for several GPUs": {
			args: []string{"--model=meta-llama/Llama-3.1-70B-Instruct", "--max-model-len=8192"},
			want: []string{
				"nvidia.com/gpu: 4 with --tensor-parallel-size=4 on node l40s-0",
				"nvidia.com/gpu: 2 with --tensor-parallel-size=2 on node h200-0",
			},
		},
		"a slice is enough": {
			args: []string{"--model=Qwen/Qwen2.5-3B-Instruct", "--max-model-len=4096"},
			want: []string{
				"nvidia.com/mig-2g.12gb: 1 on node a30-0", "nvidia.com/gpu: 1 on node t4-0", "nvidia.com/gpu: 1 on node l40s-0",
				"nvidia.com/gpu: 1 on node h200-0",
			},
		},
		"a degree is stated": {
			args: []string{"--model=meta-llama/Llama-3.1-70B-Instruct", "--max-model-len=8192", "--tensor-parallel-size=2"},
			want: []string{
				"nvidia.com/gpu: 4 with --tensor-parallel-size=4 on node l40s-0", "nvidia.com/gpu: 2 on node h200-0",
			},
		},
		"nothing is large enough": {annotations: map[string]string{"ashlar.dev/gpu-memory": "160Gi"}},
		"memory is stated": {
			annotations: map[string]string{"ashlar.dev/gpu-memory": "100Gi"},
			want:        []string{"nvidia.com/gpu: 1 on node h200-0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := modelmemory.Of(pod(tc.annotations, "vllm/vllm-openai:v0.11.0", tc.args...))
			if err != nil || server == nil {
				t.Fatalf("no server: %v", err)
			}
			var got []string
			for _, remedy := range server.FindRemedies(offers) {
				got = append(got, remedy.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Few large devices stand beside many small ones.
func TestFewestDevicesComeSecond(t *testing.T) {
	server, err := modelmemory.Of(pod(nil, "vllm/vllm-openai:v0.11.0", "--model=Qwen/Qwen2.5-14B-Instruct", "--max-model-len=4096"))
	if err != nil || server == nil {
		t.Fatalf("no server: %v", err)
	}
	var got []string
	for _, remedy := range server.FindRemedies([]modelmemory.Offer{
		{Device: t4, Most: 4, Request: "nvidia.com/gpu", Node: "t4-0"}, {Device: t4, Most: 8, Request: "nvidia.com/gpu", Node: "t4-1"},
		{Device: h200, Most: 8, Request: "nvidia.com/gpu", Node: "h200-0"},
	}) {
		got = append(got, remedy.String())
	}
	want := []string{
		"nvidia.com/gpu: 4 with --tensor-parallel-size=4 on node t4-0", "nvidia.com/gpu: 1 on node h200-0",
		"nvidia.com/gpu: 4 with --tensor-parallel-size=4 on node t4-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("remedies (-want +got):\n%s", diff)
	}
}

func TestCannotStart(t *testing.T) {
	for name, tc := range map[string]struct {
		gpus string
		args []string
		want string
	}{
		"degree above the GPUs": {
			gpus: "1", args: []string{"--model=meta-llama/Llama-3.1-70B-Instruct", "--tensor-parallel-size=4"},
			want: "the pod's model server cannot start: vllm spans 4 GPUs (tensor parallel 4, pipeline parallel 1, data parallel 1), " +
				"the container asks for 1: ask for 4",
		},
		"degree as the GPUs": {gpus: "4", args: []string{"--model=meta-llama/Llama-3.1-70B-Instruct", "--tensor-parallel-size=4"}},
		"more than the memory": {
			gpus: "1", args: []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--gpu-memory-utilization=1.5"},
			want: "the pod's model server cannot start: container server: args[1]: --gpu-memory-utilization 1.5: want a number above 0 and up to 1",
		},
		"not settled": {gpus: "1", args: []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--gpu-memory-utilization=${SHARE}"}},
		"heads not divided": {
			gpus: "3", args: []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--tensor-parallel-size=3"},
			want: "the pod's model server cannot start: --tensor-parallel-size 3: it does not divide the model's 32 attention heads",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(nil, "vllm/vllm-openai:v0.11.0", tc.args...)
			p.Spec.Containers[0].Resources.Limits = gpuLimits(tc.gpus)
			if got := modelmemory.CannotStart(p, 0); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func gpuLimits(count string) v1.ResourceList {
	return v1.ResourceList{"nvidia.com/gpu": resource.MustParse(count)}
}

// Slices and GPUs that several pods have are counted like others.
func TestCannotStartOnSlicesAndSharedGPUs(t *testing.T) {
	for resourceName, want := range map[v1.ResourceName]bool{
		"nvidia.com/gpu": true, "nvidia.com/gpu.shared": true, "nvidia.com/mig-3g.40gb": true, "nvidia.com/mig-1g.10gb.shared": true,
		"example.com/licence": false,
	} {
		p := pod(nil, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct", "--tensor-parallel-size=2")
		p.Spec.Containers[0].Resources.Limits = v1.ResourceList{resourceName: resource.MustParse("1")}
		if got := modelmemory.CannotStart(p, 0) != ""; got != want {
			t.Errorf("%s: 1: refused %t, want %t", resourceName, got, want)
		}
	}
}

// A claim says how many GPUs a container gets where no resource of its own does.
func TestCannotStartOnAClaim(t *testing.T) {
	p := pod(nil, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-70B-Instruct", "--tensor-parallel-size=4")
	p.Spec.Containers[0].Resources.Claims = []v1.ResourceClaim{{Name: "gpus"}}
	for claimed, want := range map[int64]bool{0: false, 1: true, 4: false, 8: false} {
		if got := modelmemory.CannotStart(p, claimed) != ""; got != want {
			t.Errorf("%d claimed: refused %t, want %t", claimed, got, want)
		}
	}
}
