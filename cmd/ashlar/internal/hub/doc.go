// Package hub reads what a model hub such as huggingface.co says of a model: its
// config.json and the index of its files. It never reads weights.
//
// Answers are kept below the user's cache folder and revalidated by their entity tag,
// so that a hub that cannot be reached is no reason to fail.
package hub
