package job

import (
	"slices"
	"strings"
)

// meanings are what arguments and keys say, by their last part where they have several: those of Transformers'
// Trainer, TRL, PEFT, axolotl, LLaMA-Factory, torchtune, torchtitan, Megatron-LM and plain scripts.
var meanings = map[string]string{
	"model_name_or_path": "model", "model_name": "model", "model_id": "model", "base_model": "model",
	"pretrained_model_name_or_path": "model", "model_path": "model", "model": "model", "hf_model_id": "model", "hf_path": "model",

	"per_device_train_batch_size": "batch", "per_gpu_train_batch_size": "batch", "micro_batch_size": "batch", "batch_size": "batch",
	"train_micro_batch_size_per_gpu": "batch", "local_batch_size": "batch", "batch_size_training": "batch",
	"train_batch_size_per_device": "batch",

	"max_seq_length": "length", "max_length": "length", "cutoff_len": "length", "sequence_len": "length", "model_max_length": "length",
	"block_size": "length", "seq_length": "length", "max_seq_len": "length", "seq_len": "length", "sequence_length": "length",
	"context_length": "length", "max_sequence_length": "length", "max_source_length": "length",

	"gradient_accumulation_steps": "accumulation", "grad_accumulation_steps": "accumulation",

	"gradient_checkpointing": "checkpointing", "enable_activation_checkpointing": "checkpointing", "activation_checkpointing": "checkpointing",
	"use_gradient_checkpointing": "checkpointing", "fsdp_activation_checkpointing": "checkpointing", "recompute_granularity": "checkpointing",
	"activation_checkpoint.mode": "checkpointing", "disable_gradient_checkpointing": "no checkpointing",

	"bf16": "bf16", "fp16": "fp16", "pure_bf16": "pure bf16", "bfloat16": "bf16", "float16": "fp16", "use_fp16": "fp16", "fp8": "fp8",
	"torch_dtype": "dtype", "dtype": "dtype", "model_dtype": "dtype", "precision": "precision", "mixed_precision": "mixed precision",

	"optim": "optimizer", "optimizer": "optimizer", "optimizer._component_": "optimizer", "optim_type": "optimizer",
	"optimizer_name": "optimizer", "optimizer_in_bwd": "fused step",

	"attn_implementation": "attention", "attn_impl": "attention", "flash_attn": "attention", "flash_attention": "flash attention",
	"use_flash_attention_2": "flash attention",
	"use_flash_attn":        "flash attention", "sdp_attention": "flash attention", "eager_attention": "eager attention",

	"use_liger_kernel": "fused loss", "enable_liger_kernel": "fused loss", "use_liger": "fused loss",
	"liger_fused_linear_cross_entropy": "fused loss", "cut_cross_entropy": "fused loss", "loss._component_": "loss",

	"lora_r": "lora rank", "lora_rank": "lora rank", "peft_lora_r": "lora rank", "use_peft": "use lora", "use_lora": "use lora",
	"lora":            "use lora",
	"finetuning_type": "adapter", "adapter": "adapter", "peft_method": "adapter", "train_type": "adapter",
	"lora_target_modules": "lora targets", "lora_target": "lora targets", "lora_attn_modules": "lora targets",
	"target_modules":     "lora targets",
	"lora_target_linear": "lora linear", "apply_lora_to_mlp": "lora mlp",

	"load_in_4bit": "4 bits", "use_4bit": "4 bits", "quantize_base": "4 bits", "quantization_bit": "quantised bits",
	"quant_bits":   "quantised bits",
	"load_in_8bit": "8 bits", "quantize": "quantised",

	"tensor_model_parallel_size": "tensor", "tensor_parallel_size": "tensor", "tensor_parallel_degree": "tensor",
	"tensor_parallel_dim": "tensor",
	"tp_size":             "tensor", "parallelism_config_tp_size": "tensor", "pipeline_model_parallel_size": "pipeline",
	"pipeline_parallel_size":   "pipeline",
	"pipeline_parallel_degree": "pipeline", "context_parallel_size": "context", "context_parallel_degree": "context", "cp_size": "context",
	"parallelism_config_cp_size": "context", "sequence_parallel_degree": "context", "context_parallel_dim": "context",
	"sequence_parallel": "sequence parallel", "use_distributed_optimizer": "distributed optimizer",
	"data_parallel_shard_degree": "shard degree", "data_parallel_shard_dim": "shard degree", "dp_shard_size": "shard degree",

	"deepspeed": "deepspeed", "deepspeed_config": "deepspeed", "deepspeed_config_file": "deepspeed", "use_deepspeed": "use deepspeed",
	"zero_stage": "zero stage", "offload_optimizer_device": "offload optimizer", "offload_param_device": "offload parameters",
	"fsdp": "fsdp", "use_fsdp": "use fsdp", "enable_fsdp": "use fsdp", "fsdp_sharding_strategy": "fsdp strategy",
	"sharding_strategy": "fsdp strategy", "fsdp_reshard_after_forward": "fsdp strategy", "fsdp_offload_params": "fsdp offload",
	"fsdp_cpu_offload": "fsdp offload", "enable_cpu_offload": "fsdp offload", "cpu_offload": "fsdp offload", "fsdp_config": "fsdp file",

	"config_file": "config file", "nproc_per_node": "processes", "nproc": "processes", "devices": "processes",
	"num_processes": "all processes", "num_gpus": "processes", "np": "all processes",
	"n": "all processes", "nnodes": "nodes", "num_machines": "nodes", "num_nodes": "nodes",
}

// meaningOf is what a name says, "" if that does not matter to memory or is not known. Of a name with dots the whole
// counts, then its last part: torchtitan's training.local_batch_size.
func meaningOf(name string) string {
	name = strings.ToLower(name)
	if meaning, known := meanings[name]; known {
		return meaning
	}
	first, _, dotted := strings.Cut(name, ".")
	if !dotted || slices.Contains(otherBlocks, first) {
		return ""
	}
	last := name[strings.LastIndex(name, ".")+1:]
	if last == "model" || last == "lora" || last == "fsdp" || last == "n" {
		return ""
	}
	return meanings[last]
}

// otherBlocks are parts of files whose keys are about something else.
var otherBlocks = []string{"tokenizer", "dataset", "checkpointer", "datasets", "eval", "profiler", "metric_logger", "ref_checkpointer",
	"checkpoint",
	"validation", "teacher_model"}
