package launch_test

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

func ExampleRead() {
	r, err := launch.Read(launch.Container{
		Image:   "vllm/vllm-openai:v0.11.0",
		Command: []string{"/bin/bash", "-c", "exec vllm serve $MODEL --max-model-len ${LENGTH:-32k} --kv-cache-dtype $KV"},
		Env: []launch.EnvVar{
			{Name: "MODEL", Value: "meta-llama/Llama-3.1-8B-Instruct"},
			{Name: "KV", From: "configMapKeyRef settings/kv"},
		},
		GPUs: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Server, r.Launch.Version, r.Model, r.Launch.MaxModelLen)
	fmt.Println(r.Explicit[launch.FieldMaxModelLen])
	for _, u := range r.Unknown {
		fmt.Printf("%s: %s\n", u.Field, u.Because)
	}
	// Output:
	// vllm 0.11.0 meta-llama/Llama-3.1-8B-Instruct 32000
	// command[2] line 1: --max-model-len 32k
	// KVFormat: command[2] line 1: --kv-cache-dtype $(KV): the value of KV is not in the pod but in configMapKeyRef settings/kv
}
