// Package model says what a served model is made of: its tensors, layer by layer,
// with the shape and the storage of each, and what each layer caches per token.
//
// Everything follows from the architecture that a Hugging Face config.json states.
// Parse reads one, Known looks one up in the built-in catalogue, and Index takes
// the published size of the files where they are at hand. What an architecture
// does not say is an error that names the field, never a guess.
//
// # Files
//
//	config, fields, defaults          config.json, its keys, and what Transformers fills in
//	known, index, copies              models by name; the published size of their files;
//	                                  quantised copies of a model
//	model, tensor, cache, format      what comes out: Model, Tensor, Cache, Format
//	families, builder                 which model_type is built how, and what collects it
//	decoder, shape, attention, ...    what decoders have in common: widths, attention,
//	sliding, mixture, draft           windows, experts, draft layers
//	dense, experts, falcon, ...       families that differ from Llama, each with its source
//	latent, linear_attention, mamba,  layers that are no plain attention, and families
//	hybrid, lfm2, kimi                that mix them
//	bert, t5, encoderdecoder, ...     encoders, and encoders with decoders
//	multimodal, vision, projectors,   towers for pictures and sound, and what joins them
//	gemma_*, qwen_vision, compared    to a language model
//	media                             the largest pictures, videos and sounds that a model takes
//	quantisation, compressed,         which tensors a quantised model stores how
//	grouped, modelopt, modules
//
// A new family is one line of modelFamilies where decoderStyle covers it, and a file
// with its source where not.
package model
