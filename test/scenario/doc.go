// Package scenario runs small stories about GPUs and nodes, each in a text file: which
// nodes there are, what pods ask, and what each of them gets. The files in testdata/ are
// the specification of topology/placement and topology/cluster, and the first thing to
// read of either; README.md documents the commands.
//
//	testdata/*/*.txt ──> Environment.Execute ──> topology/cluster, topology/placement
//	     ▲                      │
//	     └── expected output <──┘   compared, or written anew with -rewrite
//
// The package decides nothing itself: it reads a command, calls the core, and puts the
// answer into words. Everything that it prints depends on the file alone.
//
//	environment.go   the table of commands
//	arguments.go     key=value, checked
//	pod.go           what the commands about one pod have in common
//	part.go          one line of a request
//	constraint.go    same=numa, distinct=gpu
//	pod_request.go   a request in the terms of each node
//	machine.go       machines of the catalogue
//	command_*.go     one file for each command or group of commands
//	device_words.go  devices in words
//	gpu_bar.go       who holds what of a GPU, drawn
package scenario
