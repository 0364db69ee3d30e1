// Command nodecost measures what a node costs a cluster: the memory of the control plane's processes and
// of the schedulers for each node, by the forms in which Ashlar's driver publishes its GPUs.
//
//	go run ./bench/nodecost                           # what docs/sizing.md shows
//	go run ./bench/nodecost --document docs/sizing.md # also writes the table there
//
// For each choice of forms a real control plane gets some nodes, is weighed, gets as many again, and is
// weighed once more: the difference has nothing in it of what the processes need without nodes. Go's
// collector is told to run ten times as often as it would (GOGC=10), so that what a process has is close to
// what it uses. Without that it has up to twice as much when something large is read.
//
//	main.go     flags
//	measure.go  a control plane and its nodes
//	weigh.go    the memory of processes at rest
//	table.go    what was measured, as docs/sizing.md has it
package main
