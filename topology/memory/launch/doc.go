// Package launch says from a pod's containers which model server runs, which model it
// serves, and with which settings that decide its memory.
//
// # Flow
//
//	Pod ──> Container ──> argv ──────────> flagDialect ──> Reading
//	 │        │            │                 │              Server, Model, memory.Launch,
//	 │        │            │                 │              Explicit, Unknown, Contradictions
//	 │        │            │                 └ --max-model-len 32k, as vLLM reads it
//	 │        │            └ the server is found among the words: vllm serve, tritonserver
//	 │        └ $(NAME) expanded as the kubelet does; bash -c "..." followed as a shell does
//	 └ annotations, which stand above the containers; init containers, which fetch models
//
// # Files
//
//	pod, container, environment, annotation    what a pod says, and which container counts
//	server_program, server_image,              the servers that are known, by command, by image,
//	server_arguments                           and by their arguments
//	kserve, gpus                               what KServe adds, and how many GPUs a server spans
//	shell_parse, shell_lower*, shell_marks     a script's text to shell_syntax's commands
//	shell_run, shell_expand, shell_condition,  following a script: each way that it may take,
//	shell_builtin, shell_choices, ...          with what is unknown kept as unknown text
//	unknown                                    unknown text within strings
//	start                                      the ways of a script to one Reading
//	programs                                   what a container starts, whatever it is
//	command_line, config_file, flag_*          words to flags, and flags to fields
//	vllm*, sglang, tgi, tensorrt, kserve,      the dialect of each server
//	nim, djl, text_encoders
//	media                                      vLLM's limits of pictures, videos and sounds
//	read_value, number, json, model_name       how values are written
//	field, reading, argument_name              what is read, field by field, and its arguments
//	bounds, split_words                        limits; words of a line that needs no shell
//
// # What is read
//
// vLLM (vllm serve, its API server as a module or image, Dynamo's worker), KServe's
// huggingfaceserver and LLMInferenceService, SGLang, TGI, trtllm-serve, Text Embeddings
// Inference, Infinity, NIM and AWS's LMI, which have their settings in variables. Triton's
// settings are in a model repository that no pod shows, except those that a script fills in.
// lmdeploy, llama.cpp, Ollama and others are recognised, and everything about them is unknown.
//
// # What is unknown
//
// Nothing is guessed. What only the running container knows is unknown text: the value
// of a ConfigMap's key, $(hostname), a variable that the image may set, a template's
// {{ .Values.x }}. Unknown text as a flag's value makes that flag's fields Unknown.
// Where flags may stand, it makes every field Unknown that is not explicit behind it,
// because the last flag counts. One rule is about people rather than shells: unknown
// text right behind a flag that takes a value is that value.
//
// A script is parsed by mvdan.cc/sh as bash's language and followed as a shell would
// run it. Commands are there to succeed, tests may turn out either way. Where a script
// may go several ways, all are read: what they agree on is known. Too many ways, or
// syntax that is not understood, leave everything unknown.
//
// What an Unknown field holds is what is explicit, or the zero value that stands for
// the engine's default.
//
// # Errors
//
// A value that the server itself would refuse is an error that names the flag, its
// place and what is allowed: `args[3]: --max-model-len 0: want ...`. Malformed
// annotations are errors too. A pod without model server is none. Settings that
// contradict one another, such as more GPUs than the container asks for, are
// Contradictions.
//
// # Bounds
//
// Pods come from anybody. Text is read up to MaxText bytes, counted before and after
// variables are put in; nesting, the parser's call stack, words, runs of a script and
// all work on it are bounded too.
//
// The package reads no files and keeps no state.
package launch
