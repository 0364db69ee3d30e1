// Package training says how many bytes training a model takes on each GPU: weights, gradients,
// the optimizer's moments and the 32-bit copy that mixed precision updates, each sharded as
// ZeRO and FSDP do it; and the activations of a step, with and without recomputation.
//
// Sources: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter
// Models" (2020), for the bytes per parameter and the stages; Korthikanti et al., "Reducing
// Activation Recomputation in Large Transformer Models" (2022), for what a layer keeps for
// its backward pass; the documentation of DeepSpeed, PyTorch's FSDP, bitsandbytes and PEFT.
// bench/trainingmemory holds the account to published figures.
//
// # Files
//
//	settings       how a model is trained, and what of that makes no sense
//	precision      how wide numbers are in each precision
//	sharding       what GPUs share, and what stands in host memory
//	optimizer      what each optimizer keeps for each number
//	pipeline       the stages of a pipeline that may be the fullest
//	states         weights, gradients and what the optimizer keeps
//	activations    what a step keeps for its backward pass
//	loss           what the output and its loss take
//	account, peak  all of it on one GPU, and the moment when it takes most
//	fewest         how many GPUs of a kind are enough
package training
