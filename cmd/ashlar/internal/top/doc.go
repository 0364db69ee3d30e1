// Package top is ashlar top: the GPUs of a cluster, what is free of them, and who holds the rest.
//
//	command.go  flags, reading, watching
//	report.go   what is shown: the map, cut to nodes and a namespace
//	table.go    the tree by node and model, and the pods
//	columns.go  columns, and those that narrow terminals do without
package top
