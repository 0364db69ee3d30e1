// Package memory says how many bytes a model server needs on each GPU: weights, KV
// cache, activations and what the engine keeps beside them, and whether a GPU or a
// MIG slice has them.
//
// A Launch is how a server is started; package launch reads one from a container's
// command line. A model.Model is what it loads. Estimate puts the two on a GPU and
// accounts for its memory the way the engine does it, line by line. Need turns that
// around: how much memory to ask for. FindOptions compares kinds of GPUs and slices.
// Package training accounts for training a model instead, and pbtxt reads Triton's
// configuration of a model.
//
// # Files
//
//	launch, engine, check    how a server is started, and which launches no engine accepts
//	overlay                  what one launch states in the place of what another does
//	quantisation             the schemes that engines know, and which of them only confirm
//	gpu, supported           a GPU or slice, and which models an engine has kernels for on it
//	server, kv, adapters     what does not depend on the GPU: pipeline stages, KV cache, LoRA
//	accounting, vllm, sglang, tgi, tensorrt
//	                         how each engine divides a GPU's memory
//	plain, text_encoders, triton, whisper
//	                         servers that take what they load: PyTorch, TEI and Infinity, Triton,
//	                         faster-whisper
//	encoder, graphs          what vLLM sends through towers before it measures, and what its CUDA graphs take
//	estimate                 the account of one GPU, its outcome and its margin
//	compared                 which start-up logs stand behind a margin
//	options                  ways to run a server on the kinds of GPUs that may be had
package memory
