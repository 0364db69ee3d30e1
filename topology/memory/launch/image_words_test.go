package launch_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// Clouds and companies build images of their own; any part of the name tells the server, and the arguments whether
// the image starts it.
func TestImagesOfClouds(t *testing.T) {
	tgi := []launch.EnvVar{{Name: "MODEL_ID", Value: "org/model"}, {Name: "NUM_SHARD", Value: "2"}}
	for name, tc := range map[string]struct {
		container launch.Container
		engine    memory.Engine
		model     string
		version   memory.Version
	}{
		"TGI of Google": {launch.Container{Env: tgi,
			Image: "us-docker.pkg.dev/release/gcr.io/huggingface-text-generation-inference-cu124.2-3.ubuntu2204.py311"},
			memory.TGI, "org/model", memory.Version{Major: 2, Minor: 3}},
		"TGI by its variables": {launch.Container{Env: tgi, Image: "registry.example.com/team/inference:9"}, memory.TGI, "org/model", memory.Version{}},
		"vLLM of AWS": {launch.Container{Args: []string{"--model=org/model"}, Image: "1.dkr.ecr.example.com/vllm:0.11.2-gpu-py312-cu129-ubuntu22.04-ec2"},
			memory.VLLM, "org/model", memory.Version{Minor: 11, Patch: 2}},
		"vLLM of Red Hat": {launch.Container{Args: []string{"--model", "org/model"}, Image: "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2"},
			memory.VLLM, "org/model", memory.Version{}},
		"SGLang":                {launch.Container{Args: []string{"--model-path=org/model"}, Image: "me/my-sglang-cu12"}, memory.SGLang, "org/model", memory.Version{}},
		"a router":              {launch.Container{Args: []string{"--model=org/model"}, Image: "lmcache/vllm-router:1"}, "", "", memory.Version{}},
		"no word of a model":    {launch.Container{Args: []string{"--port=80"}, Image: "me/vllm-cuda:1"}, "", "", memory.Version{}},
		"a word within another": {launch.Container{Args: []string{"--model=org/model"}, Image: "me/notvllmatall:1"}, "", "", memory.Version{}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.container.Name, tc.container.GPUs = "main", 2
			r := mustRead(t, tc.container)
			if r.Launch.Engine != tc.engine || r.Model != tc.model || r.Launch.Version != tc.version {
				t.Errorf("%q serves %q, release %v; want %q, %q, %v", r.Launch.Engine, r.Model, r.Launch.Version, tc.engine, tc.model, tc.version)
			}
		})
	}
}
