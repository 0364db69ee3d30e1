// Package pbtxt reads model configurations of Triton: protobuf's text format, of which it knows as much as
// such files use, and of their fields those that matter to memory.
//
// Sources: model_config.proto of triton-inference-server/common; the text format specification at
// protobuf.dev.
//
// # Files
//
//	message    messages and their fields
//	scan       the text's tokens
//	triton     instances and batches of a model configuration
package pbtxt
