// Package launch says from a pod's containers which model server runs, which model it
// serves, and with which settings that decide its memory.
//
//	command, args, env, image          annotations, init containers
//	        │                                     │
//	        ├─ expand    $(NAME), as the kubelet  │
//	        ├─ parse     bash -c "...", as a shell│
//	        ├─ find      vllm serve, tritonserver │
//	        ├─ dialect   --max-model-len 32k      │
//	        └────────────────┬────────────────────┘
//	                         └─> Reading: Server, Model, memory.Launch,
//	                             Stated, Unknown, Contradictions
//
// # What is read
//
// vLLM (vllm serve, its API server as a module or image, Dynamo's worker), KServe's
// huggingfaceserver and LLMInferenceService, SGLang, TGI, trtllm-serve. Triton's
// settings are in a model repository that no pod shows, except those that a script
// fills in. lmdeploy, llama.cpp, Ollama, NIM and others are recognised, and everything
// about them is unknown.
//
// # What is unknown
//
// Nothing is guessed. What only the running container knows leaves a hole in the
// text: the value of a ConfigMap's key, $(hostname), a variable that the image may
// set, a template's {{ .Values.x }}. A hole that is a flag's value makes that flag's
// fields Unknown. A hole where flags may stand makes every field Unknown that is not
// stated behind it, because the last flag counts. One rule is about people rather than
// shells: a hole right behind a flag that takes a value is that value.
//
// A script is followed as a shell would run it. Where it may turn out in several ways,
// all are read: what they agree on is known. Too many ways, or syntax that is not
// understood, leave everything unknown.
//
// What an Unknown field holds is what was stated, or the zero value that stands for
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
// variables are put in; nesting, words, runs of a script and all work on it are
// bounded too.
//
// The package reads no files and keeps no state.
package launch
