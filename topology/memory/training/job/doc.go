// Package job says from the programs that a container starts what it trains, and how.
//
//	launch.StartedPrograms ──> launcher ──> statements ──> Reading
//	                             │             │             Model, training.Settings, Processes,
//	                             │             │             Explicit, Unknown, Notes
//	                             │             └ flags, key=value words, configuration files,
//	                             │               each under the name of what it says
//	                             └ torchrun, accelerate launch, deepspeed, axolotl,
//	                               llamafactory-cli, trl, tune run, mpirun
//
// # Files
//
//	reading            what comes out
//	launcher           the programs that are known, and what they start
//	word_reader        words to flags and values
//	said_value         what is stated, and where; which statement counts
//	names              what arguments and keys mean, by name
//	accelerate         Accelerate's configuration file and flags
//	deepspeed          DeepSpeed's configuration file
//	fsdp               how FSDP's settings are spelt
//	values             how values are spelt: optimizers, precisions, switches
//	frameworks         what is not stated, by what trains
//	resolve            statements to settings
//
// # What is unknown
//
// Nothing is guessed. A launcher starts a script whose code no pod shows: what its arguments do
// not say is Unknown, with the flag of ashlar plan that states it. Defaults count only of
// programs that are told by name: the Trainer of Transformers by its arguments, axolotl,
// LLaMA-Factory, TRL. Configuration files are known where the caller has them.
//
// Sources of names and defaults: TrainingArguments in transformers, SFTConfig and ModelConfig in TRL, the
// configuration references of axolotl, LLaMA-Factory, torchtune and DeepSpeed, accelerate's ClusterConfig,
// Megatron-LM's arguments.py.
package job
