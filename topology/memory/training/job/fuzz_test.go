package job

import (
	"encoding/json"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// checkReading holds that what is read can be accounted for, or is refused with a reason.
func checkReading(t *testing.T, r *Reading) {
	t.Helper()
	if !r.IsTraining() {
		return
	}
	if r.Processes < 0 || r.Nodes < 0 || r.Settings.Batch < 1 {
		t.Errorf("%d processes on %d nodes, batch %d", r.Processes, r.Nodes, r.Settings.Batch)
	}
	for _, u := range r.Unknown {
		if u.Setting.FlagName() == "" || u.Because == "" {
			t.Errorf("%q is unknown because %q, and no flag states it", u.Setting, u.Because)
		}
	}
	m, err := model.Known("openai-community/gpt2")
	if err != nil {
		t.Fatal(err)
	}
	s := r.Settings
	if s.SequenceLength == 0 {
		s.SequenceLength = 1
	}
	if a, err := training.NewAccount(m, s); err == nil && a.Total() <= 0 {
		t.Errorf("%d bytes in all for %+v", a.Total(), s)
	}
}

// FuzzArguments reads command lines.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		"torchrun --nproc-per-node 8 train.py --model_name_or_path a/b --bf16 --per_device_train_batch_size 4 --fsdp full_shard",
		"accelerate launch --num_processes 99999999999 --mixed_precision=fp8 -m axolotl.cli.train x.yml",
		"deepspeed --num_gpus -1 t.py --lora_r 0 --use_peft --tensor_model_parallel_size 0", "tune run a --config b c=d =e f= --",
		"mpirun -np 4 -x A python", "python -m torch.distributed.run", "trl", "env A=b nohup torchrun",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := launch.SplitWords(line)
		if err != nil || len(words) == 0 {
			return
		}
		ways, err := launch.StartedPrograms(launch.Container{Command: words})
		if err != nil {
			return
		}
		r := (&Source{Ways: ways}).Read()
		checkReading(t, &r)
	})
}

// FuzzConfigFiles reads a file as DeepSpeed's, Accelerate's, axolotl's and torchtune's.
func FuzzConfigFiles(f *testing.F) {
	for _, seed := range []string{zero3, zero2, accelerateDS, accelerateFSDP, axolotlQLoRA, axolotlFull, llamaFactory, torchtune, `{}`,
		`{"zero_optimization": 3, "fsdp_config": [], "deepspeed": {"deepspeed": {"deepspeed": 1}}}`,
		`{"lora_r": 1e308, "micro_batch_size": -1, "sequence_len": "9223372036854775807", "lora_target_modules": [[], {}, null]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var content map[string]any
		if json.Unmarshal([]byte(text), &content) != nil {
			return
		}
		files := map[string]map[string]any{"/c/f.json": content, "/c/f.yaml": content}
		for _, words := range [][]string{
			{"deepspeed", "t.py", "--deepspeed", "/c/f.json"}, {"accelerate", "launch", "--config_file", "/c/f.yaml", "t.py"},
			{"axolotl", "train", "/c/f.yaml"}, {"llamafactory-cli", "train", "/c/f.yaml"}, {"tune", "run", "x", "--config", "/c/f.yaml"},
		} {
			r := (&Source{Ways: [][]launch.Program{{{Words: words}}}, Files: files}).Read()
			checkReading(t, &r)
		}
	})
}
