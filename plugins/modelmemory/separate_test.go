package modelmemory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// withContainer is a pod with one more container, which asks for an amount of a resource, "" for
// none.
func withContainer(p *v1.Pod, name, of, amount string, args ...string) *v1.Pod {
	c := v1.Container{Name: name, Image: "example.com/app", Args: args}
	if len(args) > 0 {
		c.Image = "vllm/vllm-openai:v0.11.0"
	}
	if of != "" {
		c.Resources.Limits = v1.ResourceList{v1.ResourceName(of): resource.MustParse(amount)}
	}
	p.Spec.Containers = append(p.Spec.Containers, c)
	return p
}

// chatPod is a pod whose container "server" has one GPU.
func chatPod(annotations map[string]string) *v1.Pod {
	p := pod(annotations, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096")
	p.Spec.Containers[0].Resources.Limits = gpuLimits("1")
	return p
}

func TestSeparateServers(t *testing.T) {
	const gpu, embedding = "nvidia.com/gpu", "--model=BAAI/bge-large-en-v1.5"
	claimed := withContainer(chatPod(nil), "embed", gpu, "1", embedding)
	claimed.Spec.ResourceClaims = []v1.PodResourceClaim{{Name: "gpus"}}
	for name, tc := range map[string]struct {
		pod *v1.Pod
		// want are the containers, each with whether its server is known.
		want map[string]bool
	}{
		"two servers": {withContainer(chatPod(nil), "embed", gpu, "1", embedding),
			map[string]bool{"server": true, "embed": true}},
		"one on a slice": {withContainer(chatPod(nil), "embed", "nvidia.com/mig-1g.10gb", "1", embedding),
			map[string]bool{"server": true, "embed": true}},
		"one of no known model": {withContainer(chatPod(nil), "other", gpu, "1", "--model=/models/mine"),
			map[string]bool{"server": true, "other": false}},
		"and one that is none": {
			withContainer(withContainer(chatPod(nil), "embed", gpu, "1", embedding), "app", gpu, "1"),
			map[string]bool{"server": true, "embed": true, "app": false},
		},
		"one server":       {withContainer(chatPod(nil), "app", gpu, "1"), nil},
		"one without GPUs": {withContainer(chatPod(nil), "embed", "", "", embedding), nil},
		"with a claim":     {claimed, nil},
		"the model is stated": {withContainer(chatPod(map[string]string{"ashlar.dev/model": "Qwen/Qwen3-8B"}), "embed", gpu, "1",
			embedding), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got map[string]bool
			for _, one := range modelmemory.SeparateServers(tc.pod) {
				if got == nil {
					got = map[string]bool{}
				}
				got[one.Container.Name] = one.Server != nil
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("servers (-want +got):\n%s", diff)
			}
			if tc.want == nil {
				return
			}
			if server, err := modelmemory.Of(tc.pod); server != nil || err != nil {
				t.Errorf("one server speaks for all: %v, %v", server, err)
			}
			if doubt := modelmemory.SeparateDoubt(tc.pod); !strings.Contains(doubt, "which container gets which GPU") {
				t.Errorf("doubt %q", doubt)
			}
		})
	}
}

// What is wrong with one of several servers names its container, and what is not known of one
// keeps nothing from being said of another.
func TestSeparateServersAreToldApart(t *testing.T) {
	both := withContainer(chatPod(nil), "second", "nvidia.com/gpu", "1", "--model=Qwen/Qwen3-8B", "--tensor-parallel-size=2")
	want := "the pod's model server cannot start: container second: vllm spans 2 GPUs (tensor parallel 2, pipeline parallel 1, " +
		"data parallel 1), the container asks for 1: ask for 2"
	if got := modelmemory.CannotStart(both, 0); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	doubts := modelmemory.Doubts(withContainer(chatPod(nil), "second", "nvidia.com/gpu", "1", "--model=/models/mine"))
	if len(doubts) != 1 || !strings.HasPrefix(doubts[0], "container second: its model server's memory was not checked: Model is unknown") {
		t.Errorf("doubts %q", doubts)
	}
}
