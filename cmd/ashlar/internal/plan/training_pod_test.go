package plan

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestTrainingLauncher(t *testing.T) {
	for line, want := range map[string]string{
		"torchrun|--nproc-per-node=8|train.py":                           "torchrun",
		"/opt/conda/bin/torchrun|train.py":                               "torchrun",
		"python3|-m|torch.distributed.run|train.py":                      "torch.distributed.run",
		"accelerate|launch|train.py":                                     "accelerate",
		"accelerate|test":                                                "",
		"bash|-c|pip install deepspeed && deepspeed --num_gpus 8 t.py":   "deepspeed",
		"bash|-c|pip install deepspeed accelerate":                       "",
		"bash|-c|set -e\nexport A=1\nNCCL_DEBUG=INFO torchrun train.py":  "torchrun",
		"sh|-c|cd /work; exec llamafactory-cli train config.yaml":        "llamafactory-cli",
		"tune|run|lora_finetune_single_device":                           "tune",
		"python3|train.py|--launcher|torchrun":                           "",
		"composer|install":                                               "",
		"python|-m|vllm.entrypoints.openai.api_server|--model=org/model": "",
	} {
		spec := &corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Command: strings.Split(line, "|")}}}
		if got := trainingLauncher(spec); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
