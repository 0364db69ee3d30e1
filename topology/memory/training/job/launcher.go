package job

import (
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// launcherProgram is a program, or a Python module, that starts training.
type launcherProgram struct {
	// follows is the word that must stand behind its name, "" for any.
	follows string
	// own are its own flags that take a value; behind the first word that is none of its flags its script's
	// begin.
	own []string
	// switches are its own flags that take none.
	switches []string
	// framework is what it trains with where it names no script.
	framework string
	// isTrainer says that all its words are about training.
	isTrainer bool
}

var torchrunFlags = []string{
	"nproc_per_node", "nnodes", "node_rank", "master_addr", "master_port", "rdzv_backend", "rdzv_endpoint", "rdzv_id", "rdzv_conf",
	"max_restarts",
	"monitor_interval", "start_method", "log_dir", "role", "redirects", "tee", "local_addr", "log_line_prefix_template", "local_ranks_filter",
	"logs_specs",
}

var accelerateFlags = []string{
	"config_file", "num_processes", "num_machines", "machine_rank", "main_process_ip", "main_process_port", "mixed_precision",
	"dynamo_backend",
	"dynamo_mode", "gpu_ids", "zero_stage", "deepspeed_config_file", "offload_optimizer_device", "offload_param_device",
	"gradient_accumulation_steps", "gradient_clipping", "zero3_init_flag", "zero3_save_16bit_model", "fsdp_sharding_strategy",
	"fsdp_offload_params", "fsdp_auto_wrap_policy", "fsdp_transformer_layer_cls_to_wrap", "fsdp_backward_prefetch", "fsdp_state_dict_type",
	"fsdp_version", "fsdp_reshard_after_forward", "fsdp_cpu_ram_efficient_loading", "fsdp_sync_module_states", "fsdp_use_orig_params",
	"fsdp_activation_checkpointing", "fsdp_forward_prefetch", "fsdp_min_num_params", "rdzv_backend", "rdzv_conf", "max_restarts",
	"main_training_function",
	"deepspeed_hostfile", "deepspeed_multinode_launcher", "num_cpu_threads_per_process", "same_network", "downcast_bf16", "role",
	"log_dir", "tee",
	"offload_optimizer_nvme_path", "offload_param_nvme_path", "deepspeed_moe_layer_cls_names", "parallelism_config_tp_size",
	"parallelism_config_cp_size", "parallelism_config_dp_shard_size", "parallelism_config_dp_replicate_size",
}

// launcherPrograms are the programs by name.
var launcherPrograms = map[string]launcherProgram{
	"torchrun": {own: torchrunFlags, switches: []string{"standalone", "module", "m", "no_python", "run_path", "use_env"}},
	"accelerate": {follows: "launch", own: accelerateFlags, switches: []string{
		"multi_gpu", "use_deepspeed", "use_fsdp", "use_megatron_lm", "cpu", "module", "m", "no_python", "quiet", "debug", "dynamo_use_dynamic",
		"dynamo_use_fullgraph", "use_parallelism_config",
	}},
	"deepspeed": {
		own: []string{
			"hostfile", "include", "i", "exclude", "e", "num_nodes", "num_gpus", "min_elastic_nodes", "max_elastic_nodes", "master_port",
			"master_addr",
			"node_rank", "launcher", "launcher_args", "autotuning", "save_pid", "bind_core_list", "ssh_port", "venv_script",
		},
		switches: []string{"module", "m", "no_python", "no_local_rank", "no_ssh", "no_ssh_check", "force_multi", "enable_each_rank_log",
			"bind_cores_to_rank"},
	},
	"axolotl":           {follows: "train", framework: axolotlName, isTrainer: true},
	"axolotl.cli.train": {framework: axolotlName, isTrainer: true},
	"llamafactory-cli":  {follows: "train", framework: llamaFactoryName, isTrainer: true},
	"lmf":               {follows: "train", framework: llamaFactoryName, isTrainer: true},
	"trl":               {framework: trlName, isTrainer: true},
	"tune":              {follows: "run", own: torchrunFlags, switches: []string{"standalone"}, framework: torchtuneName},
	"swift":             {follows: "sft", framework: swiftName, isTrainer: true},
	"litgpt":            {framework: litgptName, isTrainer: true},
	"composer": {own: []string{"nproc", "n", "world_size", "base_rank", "node_rank", "master_addr", "master_port"},
		switches: []string{"v", "m"}},
	"colossalai": {follows: "run", own: []string{"nproc_per_node", "hostfile", "host", "include", "exclude", "num_nodes", "node_rank",
		"master_addr",
		"master_port"}},
	"fabric": {follows: "run", own: []string{"strategy", "devices", "num_nodes", "accelerator", "precision", "node_rank",
		"main_address", "main_port"}},
	"horovodrun": {own: []string{"np", "n", "H", "hosts", "hostfile", "p"}, switches: []string{"verbose"}},
	"mpirun": {
		own:      []string{"np", "n", "c", "H", "host", "hostfile", "bind-to", "map-by", "x", "npernode", "N", "rank-by"},
		switches: []string{"allow-run-as-root", "tag-output", "oversubscribe", "report-bindings", "verbose", "v"},
	},
}

// otherNames are modules and programs that are others under another name.
var otherNames = map[string]string{
	"torch.distributed.run": "torchrun", "torch.distributed.launch": "torchrun", "accelerate.commands.launch": "accelerate",
	"accelerate-launch": "accelerate", "mpiexec": "mpirun", "deepspeed.launcher.runner": "deepspeed", "llamafactory.cli": "llamafactory-cli",
}

// foundLauncher is a launcher among the words of a program.
type foundLauncher struct {
	name string
	launcherProgram
	// rest are the words behind it, and at where they begin in the program.
	program *launch.Program
	at      int
}

// findLauncher looks for a launcher at the beginning of a program, behind wrappers and Python's -m.
func findLauncher(p *launch.Program) (foundLauncher, bool) {
	for i := 0; i < len(p.Words) && i < maxWrapperWords; i++ {
		name := path.Base(p.Words[i])
		plain := name
		if other, known := otherNames[name]; known {
			plain = other
		}
		program, known := launcherPrograms[plain]
		switch {
		case !known && (isWrapperWord(p.Words, i)):
			continue
		case !known:
			return foundLauncher{}, false
		}
		at := i + 1
		if program.follows != "" && plain == name {
			if at >= len(p.Words) || p.Words[at] != program.follows {
				return foundLauncher{}, false
			}
			at++
		}
		return foundLauncher{name: name, launcherProgram: program, program: p, at: at}, true
	}
	return foundLauncher{}, false
}

// maxWrapperWords bounds where a launcher is looked for.
const maxWrapperWords = 16

// wrappers are programs that start the one behind them.
var wrappers = []string{"exec", "nohup", "time", "env", "numactl", "tini", "uv", "run", "sudo", "stdbuf", "nice", "conda", "poetry",
	"ray", "job", "submit"}

// isWrapperWord reports whether a word before a launcher may be passed over: wrappers, their flags,
// assignments of variables, and python -m.
func isWrapperWord(words []string, i int) bool {
	word := words[i]
	program := path.Base(word)
	name, _, assigned := strings.Cut(word, "=")
	switch {
	case slices.Contains(wrappers, program), program == "--":
		return true
	case assigned && !strings.HasPrefix(name, "-"):
		return true
	case isPython(program):
		return i+1 < len(words) && strings.HasPrefix(words[i+1], "-")
	case strings.HasPrefix(word, "-"):
		return true
	}
	return i > 0 && strings.HasPrefix(words[i-1], "-") && !isPython(path.Base(words[0]))
}

// isPython reports whether a word is Python's interpreter: python, python3, python3.11.
func isPython(program string) bool {
	version, found := strings.CutPrefix(program, "python")
	return found && strings.Trim(version, "0123456789.") == ""
}
