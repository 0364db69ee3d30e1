// Package training says how many bytes training a model takes on each GPU: weights, gradients,
// the optimizer's moments and the 32-bit copy that mixed precision updates, each sharded as
// ZeRO and FSDP do it; and the activations of a step, with and without checkpointing.
//
// Sources: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter
// Models" (2020), for the bytes per parameter and the stages; Korthikanti et al., "Reducing
// Activation Recomputation in Large Transformer Models" (2022), for what a layer keeps for
// its backward pass; the documentation of DeepSpeed, PyTorch's FSDP, bitsandbytes and PEFT.
//
// # Files
//
//	settings       how a model is trained, and what of that makes no sense
//	optimizer      what each optimizer keeps for each number
//	states         weights, gradients and what the optimizer keeps
//	activations    what a step keeps for its backward pass
//	account        all of it on one GPU
//	fewest         how many GPUs of a kind are enough
package training
