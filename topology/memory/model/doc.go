// Package model says what a served model is made of: its tensors, layer by layer,
// with the shape and the storage of each, and what each layer caches per token.
//
// Everything follows from the architecture that a Hugging Face config.json states.
// Parse reads one, Known looks one up in the built-in catalogue, and Index takes
// the published size of the files where they are at hand. What an architecture
// does not say is an error that names the field, never a guess.
package model
