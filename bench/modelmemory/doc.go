// Command modelmemory judges the estimates of model memory: weights and KV cache
// against published sizes, and whole servers against their start-up logs.
//
//	go run ./bench/modelmemory -models MODELS.csv -observations OBSERVATIONS.csv
//
// prints one CSV row per model and one per observation. What cannot be known of a row
// is marked so, with the reason. With -readme the rows are written as tables there.
package main
