// Package explain is ashlar explain: why a pod waits for GPUs, or what it has and what became of other nodes.
//
//	command.go  flags, reading
//	find.go     the pod that is named, and the nearest names
//	report.go   what is found out, by replaying the pod on a copy of the cluster
//	text.go     the same in words; ways_out.go what would let a model server start, as a table
package explain
