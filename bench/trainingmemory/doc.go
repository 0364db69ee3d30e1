// Command trainingmemory compares the account of training memory with published measurements.
//
//	go run ./bench/trainingmemory [-measured FILE] [-readme docs/results/training-memory.md]
//
// prints one CSV row per measurement, with what was measured, what is predicted and by how much
// the two differ; with -readme the rows are written as a table there. testdata/measured.csv has
// the measurements with their sources and the settings under which they were made, as far as these
// state them. Nothing of the account depends on a row.
//
// # Files
//
//	measured    reads the measurements
//	settings    reads the settings of one
//	compare     predicts each and summarises the errors
//	table       the table of docs/results/training-memory.md
package main
