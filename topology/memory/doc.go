// Package memory says how many bytes a model server needs on each GPU: weights, KV
// cache, activations and what the engine keeps beside them, and whether a GPU or a
// MIG slice has them.
//
// A Launch is how a server is started; package launch reads one from a container's
// command line. A model.Model is what it loads. Estimate puts the two on a GPU and
// accounts for its memory the way the engine does it, line by line. Need turns that
// around: how much memory to ask for.
package memory
