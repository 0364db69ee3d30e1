package modelmemory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

var v100 = modelmemory.Device{GPU: memory.GPU{Name: "Tesla V100-SXM2-32GB", Total: 32494 * topology.MiB,
	Compute: topology.ComputeCapability{Major: 7}}}

func TestFindChanges(t *testing.T) {
	on := func(d modelmemory.Device, node string) modelmemory.Offer {
		return modelmemory.Offer{Device: d, Most: 1, Request: "nvidia.com/gpu", Node: node}
	}
	for name, tc := range map[string]struct {
		image  string
		args   []string
		offers []modelmemory.Offer
		want   []string
	}{
		"weights that are too large": {
			args: []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096"}, offers: []modelmemory.Offer{on(t4, "t4-0")},
			want: []string{
				"nvidia.com/gpu: 1 with model hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 on node t4-0",
				"nvidia.com/gpu: 1 with --quantization=bitsandbytes on node t4-0",
				"nvidia.com/gpu: 1 with --cpu-offload-gb=4 on node t4-0",
			},
		},
		"a release that is open": {
			image: "vllm/vllm-openai:latest",
			args:  []string{"--model=meta-llama/Llama-3.1-8B-Instruct"}, offers: []modelmemory.Offer{on(l40s, "l40s-0"), on(t4, "t4-0")},
			// It starts on the L40S as it is.
			want: []string{
				"nvidia.com/gpu: 1 with model hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 --max-model-len=40448 on node t4-0",
			},
		},
		"two kinds of devices": {
			args:   []string{"--model=meta-llama/Llama-3.1-70B-Instruct", "--max-model-len=4096"},
			offers: []modelmemory.Offer{on(l40s, "l40s-1"), on(t4, "t4-0"), on(l40s, "l40s-0")},
			want: []string{
				"nvidia.com/gpu: 1 with --quantization=bitsandbytes on node l40s-0",
				"nvidia.com/gpu: 1 with model hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4 --max-model-len=1536 on node l40s-0",
			},
		},
		"a flag for which engines refuse": {
			args:   []string{"--model=Qwen/Qwen2.5-3B-Instruct", "--max-model-len=4096", "--quantization=awq"},
			offers: []modelmemory.Offer{on(t4, "t4-0")},
			want: []string{
				"nvidia.com/gpu: 1 without --quantization=awq on node t4-0",
				"nvidia.com/gpu: 1 with model Qwen/Qwen2.5-3B-Instruct-AWQ on node t4-0",
				"nvidia.com/gpu: 1 with model Qwen/Qwen2.5-3B-Instruct-GPTQ-Int8 on node t4-0",
				"nvidia.com/gpu: 1 with --quantization=bitsandbytes on node t4-0",
			},
		},
		"bfloat16 where there is none": {
			args:   []string{"--model=Qwen/Qwen2.5-3B-Instruct", "--max-model-len=4096", "--dtype=bfloat16"},
			offers: []modelmemory.Offer{on(v100, "v100-0")},
			want:   []string{"nvidia.com/gpu: 1 without --dtype=bfloat16 on node v100-0"},
		},
		"numbers that float16 does not hold": {
			args: []string{"--model=google/gemma-2-2b-it", "--max-model-len=4096"}, offers: []modelmemory.Offer{on(v100, "v100-0")},
			want: []string{"nvidia.com/gpu: 1 with --dtype=float32 on node v100-0"},
		},
		"float16 by itself": {
			args: []string{"--model=Qwen/Qwen2.5-3B-Instruct", "--max-model-len=4096"}, offers: []modelmemory.Offer{on(v100, "v100-0")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := tc.image
			if image == "" {
				image = "vllm/vllm-openai:v0.11.0"
			}
			server, err := modelmemory.Of(pod(nil, image, tc.args...))
			if err != nil || server == nil {
				t.Fatalf("no server: %v", err)
			}
			for range 2 { // the second time from what is remembered
				var got []string
				for _, remedy := range server.FindChanges(tc.offers) {
					got = append(got, remedy.String())
					if remedy.Cost == "" {
						t.Errorf("%s: no cost", remedy.String())
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
			}
		})
	}
}
