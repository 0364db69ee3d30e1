// Package plan is ashlar plan: its flags, where it finds models, and how it prints. The
// rules are topology/memory/plan's, claims plugins/claim's.
//
//	flags, model, pods of -f ──> serverQuestion ──> plan.Answer ──> table, breakdown, JSON,
//	                                                                YAML, claim
//
// # Files
//
//	command            the command, and one answer after the other
//	gpu_flags          --gpu and --price
//	launch_flags       how the server is started, over what a pod says; error_words names
//	                   settings as flags
//	model_source       a model by name, file or hub
//	question           one model server to plan for
//	manifest           the pods of -f; other_pods what is said of those that nothing is planned
//	                   for, and of servers that span pods
//	models_command, models_table
//	                   ashlar plan models
//	host_notes         what stops them beside their GPUs; read_speed is how fast they load, ceiling
//	                   up to how many of them autoscalers make
//	chosen_engine, triton_config
//	                   the server of a model for which none is stated; Triton's config.pbtxt
//	report             what -o json and yaml print
//	summary, table, breakdown, remedy, refusal
//	                   what people read
//	claim_manifest     -o claim, with comments
//	training_flags, training_settings, training_answer, training_text, training_lines,
//	training_report    --train: topology/memory/training's account, on the GPUs that may be had
//	training_job, training_objects, training_files, training_scripts
//	                   the training jobs of -f: pods, TrainJobs and RayJobs, the files of their
//	                   ConfigMaps, and those that scripts write
package plan
