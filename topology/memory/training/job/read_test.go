package job

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

const (
	zero3 = `{"zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu"}, "offload_param": {"device": "none"}},
		"bf16": {"enabled": "auto"}, "train_micro_batch_size_per_gpu": "auto", "optimizer": {"type": "AdamW"}}`
	zero2        = `{"zero_optimization": {"stage": 2, "reduce_bucket_size": 2e8}, "fp16": {"enabled": true}, "train_micro_batch_size_per_gpu": 4}`
	accelerateDS = `{"distributed_type": "DEEPSPEED", "mixed_precision": "bf16", "num_processes": 16, "num_machines": 2,
		"deepspeed_config": {"zero_stage": 3, "offload_optimizer_device": "none", "offload_param_device": "none"}}`
	accelerateFSDP = `{"distributed_type": "FSDP", "mixed_precision": "bf16", "num_processes": 8,
		"fsdp_config": {"fsdp_sharding_strategy": "SHARD_GRAD_OP", "fsdp_offload_params": false, "fsdp_activation_checkpointing": true}}`
	axolotlQLoRA = `{"base_model": "NousResearch/Llama-2-7b-hf", "load_in_4bit": true, "adapter": "qlora", "lora_r": 32, "lora_target_linear": true,
		"sequence_len": 4096, "micro_batch_size": 2, "gradient_accumulation_steps": 4, "optimizer": "paged_adamw_32bit", "bf16": "auto",
		"gradient_checkpointing": true, "flash_attention": true}`
	axolotlFull = `{"base_model": "NousResearch/Llama-2-7b-hf", "sequence_len": 8192, "micro_batch_size": 1, "optimizer": "adamw_bnb_8bit",
		"bf16": true, "gradient_checkpointing": true, "deepspeed": "ds/zero3.json", "liger_fused_linear_cross_entropy": true}`
	llamaFactory = `{"model_name_or_path": "Qwen/Qwen3-8B", "stage": "sft", "finetuning_type": "lora", "lora_rank": 16, "lora_target": "all",
		"cutoff_len": 4096, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 8, "bf16": true}`
	torchtune = `{"model": {"_component_": "torchtune.models.llama3_1.lora_llama3_1_8b", "lora_attn_modules": ["q_proj", "v_proj", "output_proj"],
		"lora_rank": 8}, "optimizer": {"_component_": "torch.optim.AdamW"},
			"loss": {"_component_": "torchtune.modules.loss.CEWithChunkedOutputLoss"},
		"batch_size": 2, "tokenizer": {"max_seq_len": 1024}, "dtype": "bf16", "enable_activation_checkpointing": true,
			"gradient_accumulation_steps": 8}`
)

func TestRead(t *testing.T) {
	files := map[string]map[string]any{}
	for name, text := range map[string]string{"/config/zero3.json": zero3, "/config/zero2.json": zero2,
		"/config/accelerate-ds.yaml": accelerateDS,
		"/config/fsdp.yaml":          accelerateFSDP, "/config/qlora.yml": axolotlQLoRA, "/config/full.yml": axolotlFull, "/config/lf.yaml": llamaFactory,
		"/config/tune.yaml": torchtune, "/config/ds/zero3.json": zero3} {
		var content map[string]any
		if err := json.Unmarshal([]byte(text), &content); err != nil {
			t.Fatal(err)
		}
		files[name] = content
	}
	for name, tc := range map[string]struct{ line, want string }{
		"torchrun, unknown script": {
			"torchrun --nproc-per-node 8 tune.py",
			"torchrun: 8 a node; adamw mixed, 1 x 0, none; unknown: model, batch, sequence length, sharding, precision, optimizer, checkpointing",
		},
		"Trainer, DDP": {
			"torchrun --nproc_per_node=4 --nnodes=2 run_clm.py --model_name_or_path openai-community/gpt2 --per_device_train_batch_size 4 " +
				"--block_size 1024 --bf16 --output_dir /out",
			"torchrun, the Trainer of Transformers: 4 a node, 2 nodes; openai-community/gpt2; adamw amp, 4 x 1024, none",
		},
		"Trainer, FSDP": {
			"python -m torch.distributed.run --nproc_per_node=8 train.py --model_name_or_path meta-llama/Llama-2-7b-hf --fsdp 'full_shard " +
				"auto_wrap' " +
				"--bf16 True --model_max_length 2048 --per_device_train_batch_size 4 --gradient_accumulation_steps 8 --gradient_checkpointing True " +
				"--optim adafactor --output_dir o",
			"torch.distributed.run, the Trainer of Transformers: 8 a node; meta-llama/Llama-2-7b-hf; adafactor mixed, 4 x 2048, zero-3; over 8; " +
				"again full",
		},
		"Trainer, DeepSpeed from a file": {
			"deepspeed --num_gpus 8 train.py --deepspeed /config/zero3.json --model_name_or_path meta-llama/Llama-2-13b-hf --bf16 " +
				"--max_seq_length 4096 " +
				"--per_device_train_batch_size 2 --output_dir o",
			"deepspeed, the Trainer of Transformers: 8 a node; meta-llama/Llama-2-13b-hf; adamw mixed, 2 x 4096, zero-3; host optimizer",
		},
		"DeepSpeed, own script": {
			"deepspeed pretrain.py --deepspeed_config zero2.json --model_id EleutherAI/pythia-1b --seq_length 2048",
			"deepspeed: EleutherAI/pythia-1b; adamw fp16, 4 x 2048, zero-2; bucket 200000000; unknown: optimizer, checkpointing",
		},
		"DeepSpeed, file out of reach": {
			"deepspeed train.py --deepspeed /other/ds.json --model_name_or_path Qwen/Qwen3-8B --bf16 --max_length 2048 " +
				"--per_device_train_batch_size 2 " +
				"--output_dir o",
			"deepspeed, the Trainer of Transformers: Qwen/Qwen3-8B; adamw amp, 2 x 2048, none; unknown: sharding",
		},
		"Accelerate, DeepSpeed": {
			"accelerate launch --config_file /config/accelerate-ds.yaml sft.py --model_name_or_path Qwen/Qwen3-8B --max_length 4096 " +
				"--per_device_train_batch_size 1 --gradient_checkpointing --output_dir o",
			"accelerate, the Trainer of Transformers: 16 in all, 2 nodes; Qwen/Qwen3-8B; adamw mixed, 1 x 4096, zero-3; again full",
		},
		"Accelerate, FSDP": {
			"accelerate launch --config_file fsdp.yaml train.py --model_name_or_path Qwen/Qwen3-8B --max_length 4096 " +
				"--per_device_train_batch_size 1 " +
				"--output_dir o",
			"accelerate, the Trainer of Transformers: 8 in all; Qwen/Qwen3-8B; adamw mixed, 1 x 4096, fsdp-shard-grad-op; again full",
		},
		"Accelerate, flags": {
			"accelerate launch --use_deepspeed --zero_stage 2 --offload_optimizer_device cpu --num_processes 4 --mixed_precision fp16 t.py " +
				"--model_name_or_path Qwen/Qwen3-8B --max_length 1024 --per_device_train_batch_size 1 --output_dir o",
			"accelerate, the Trainer of Transformers: 4 in all; Qwen/Qwen3-8B; adamw fp16, 1 x 1024, zero-2; host optimizer",
		},
		"TRL": {
			"trl sft --model_name_or_path Qwen/Qwen2.5-0.5B --use_peft --lora_r 32 --lora_target_modules q_proj v_proj --bf16 " +
				"--gradient_checkpointing " +
				"--max_length 2048 --dtype bfloat16",
			"trl, TRL: Qwen/Qwen2.5-0.5B; adamw mixed, 8 x 2048, none; again full; LoRA 32 q_proj,v_proj",
		},
		"TRL, DPO": {
			"trl dpo --model_name_or_path Qwen/Qwen2.5-0.5B --per_device_train_batch_size 2 --gradient_checkpointing false --bf16",
			"trl, TRL: Qwen/Qwen2.5-0.5B; adamw amp, 2 x 1024, none; note: a reference or reward model beside the one that is trained is not " +
				"counted",
		},
		"axolotl, QLoRA": {
			"accelerate launch -m axolotl.cli.train /config/qlora.yml",
			"accelerate, axolotl: NousResearch/Llama-2-7b-hf; adamw-paged amp, 2 x 4096, none; over 4; again full; QLoRA 32 all",
		},
		"axolotl, DeepSpeed": {
			"axolotl train full.yml",
			"axolotl, axolotl: NousResearch/Llama-2-7b-hf; adamw-8bit mixed, 1 x 8192, zero-3; again full; loss fused; host optimizer",
		},
		"axolotl, file out of reach": {
			"axolotl train other.yml --deepspeed /config/zero2.json",
			"axolotl, axolotl: adamw fp16, 4 x 0, zero-2; bucket 200000000; unknown: model, sequence length, optimizer; note: other.yml is not " +
				"in the " +
				"manifest: its settings are not known",
		},
		"LLaMA-Factory": {
			"llamafactory-cli train /config/lf.yaml",
			"llamafactory-cli, LLaMA-Factory: Qwen/Qwen3-8B; adamw mixed, 1 x 4096, none; over 8; again full; LoRA 16 all",
		},
		"torchtune": {
			"tune run --nproc_per_node 2 lora_finetune_distributed --config /config/tune.yaml batch_size=4 tokenizer.max_seq_len=2048 " +
				"dataset.packed=True " +
				"max_seq_len=2048",
			"tune, torchtune: 2 a node; adamw bf16, 4 x 2048, zero-3; over 8; again full; loss chunked; LoRA 8 q_proj,v_proj,o_proj; unknown: model",
		},
		"Megatron-LM": {
			"torchrun --nproc_per_node 8 pretrain_gpt.py --tensor-model-parallel-size 4 --pipeline-model-parallel-size 2 --micro-batch-size 2 " +
				"--seq-length 4096 --bf16 --use-distributed-optimizer --sequence-parallel --recompute-granularity selective --use-flash-attn",
			"torchrun, Megatron-LM: 8 a node; adamw mixed, 2 x 4096, zero-1; again attention; tp 4 pp 2 sp; unknown: model",
		},
		"in a script, with variables": {
			"bash|-c|set -e\nexport MODEL=Qwen/Qwen3-8B\npip install trl && torchrun --nproc-per-node=$GPUS train.py --model_name_or_path $MODEL " +
				"--per_device_train_batch_size ${BATCH:-2} --max_seq_length $LENGTH --bf16 --output_dir o",
			"torchrun, the Trainer of Transformers: Qwen/Qwen3-8B; adamw amp, 2 x 0, none; unknown: sequence length, GPUs",
		},
		"ms-swift": {
			"swift sft --model Qwen/Qwen3-8B --train_type lora --lora_rank 16 --max_length 2048 --torch_dtype bfloat16 --bf16 true",
			"swift, ms-swift: Qwen/Qwen3-8B; adamw mixed, 1 x 2048, none; again full; LoRA 16 all",
		},
		"LitGPT": {
			"litgpt finetune_lora meta-llama/Llama-2-7b-hf --precision bf16-true --quantize bnb.nf4 --train.micro_batch_size 4 " +
				"--train.max_seq_length 512",
			"litgpt, LitGPT: meta-llama/Llama-2-7b-hf; adamw bf16, 4 x 512, none; LoRA 8 q_proj,v_proj; unknown: checkpointing",
		},
		"plain Python": {
			"python3 train.py --model_name_or_path Qwen/Qwen3-0.6B --per_device_train_batch_size 2 --max_seq_length 512 --output_dir o",
			"python3, the Trainer of Transformers: 1 a node; Qwen/Qwen3-0.6B; adamw fp32, 2 x 512, none",
		},
		"MPI": {"mpirun --allow-run-as-root -np 16 -x NCCL_DEBUG=INFO python train.py --batch-size 4",
			"mpirun: 16 in all; adamw mixed, 4 x 0, none; unknown: model, sequence length, sharding, precision, optimizer, checkpointing"},
		"serves":                  {"python -m vllm.entrypoints.openai.api_server --model=org/model", ""},
		"installs":                {"bash|-c|pip install deepspeed accelerate", ""},
		"launcher as an argument": {"python3 train.py --launcher torchrun", ""},
		"unknown optimizer, model": {"torchrun t.py --model_name_or_path /data/model --optim lomo --per_device_train_batch_size 1 " +
			"--max_length 9 --output_dir o", "torchrun, the Trainer of Transformers: adamw fp32, 1 x 9, none; unknown: model, optimizer"},
	} {
		t.Run(name, func(t *testing.T) {
			words := strings.Split(tc.line, "|")
			if len(words) == 1 {
				var err error
				if words, err = launch.SplitWords(tc.line); err != nil {
					t.Fatal(err)
				}
			}
			ways, err := launch.StartedPrograms(launch.Container{Command: words})
			if err != nil {
				t.Fatal(err)
			}
			r := (&Source{Ways: ways, Files: files}).Read()
			if diff := cmp.Diff(tc.want, describeReading(&r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// describeReading writes a reading in a line.
func describeReading(r *Reading) string {
	if !r.IsTraining() {
		return ""
	}
	s := &r.Settings
	text := r.Launcher
	if r.Framework != "" {
		text += ", " + r.Framework
	}
	var parts []string
	if r.Processes > 0 || r.Nodes > 0 {
		where := "a node"
		if r.Everywhere {
			where = "in all"
		}
		part := fmt.Sprintf("%d %s", r.Processes, where)
		if r.Nodes > 0 {
			part += fmt.Sprintf(", %d nodes", r.Nodes)
		}
		parts = append(parts, part)
	}
	if r.Model != "" {
		parts = append(parts, r.Model)
	}
	parts = append(parts, fmt.Sprintf("%s %s, %d x %d, %s", s.Optimizer, s.Precision, s.Batch, s.SequenceLength, s.Stage))
	add := func(condition bool, format string, args ...any) {
		if condition {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf(format, args...)))
		}
	}
	add(s.Accumulation > 1, "over %d", s.Accumulation)
	add(s.BucketNumbers > 0, "bucket %d", s.BucketNumbers)
	add(s.Recompute != training.KeepAll, "again %s", s.Recompute)
	add(s.Loss != training.WholeLoss, "loss %s", s.Loss)
	add(s.Offload != "", "host %s", s.Offload)
	targets := s.AdapterTargets
	if targets == "" {
		targets = "all"
	}
	add(s.AdapterRank > 0 && !s.QuantisedBase, "LoRA %d %s", s.AdapterRank, targets)
	add(s.AdapterRank > 0 && s.QuantisedBase, "QLoRA %d %s", s.AdapterRank, targets)
	if s.TensorParallel > 1 || s.PipelineParallel > 1 {
		sp := ""
		if s.SequenceParallel {
			sp = " sp"
		}
		parts = append(parts, fmt.Sprintf("tp %d pp %d%s", s.TensorParallel, s.PipelineParallel, sp))
	}
	var unknown []string
	for _, u := range r.Unknown {
		unknown = append(unknown, string(u.Setting))
	}
	add(len(unknown) > 0, "unknown: %s", strings.Join(unknown, ", "))
	for _, note := range r.Notes {
		parts = append(parts, "note: "+note)
	}
	return text + ": " + strings.Join(parts, "; ")
}
