// Command schedulers binds the same pods with the newest stock scheduler and with Ashlar, one
// after the other on the same real control plane, and prints what each reached.
//
//	go run ./bench/schedulers                      # all that docs/results/schedulers.md shows
//	go run ./bench/schedulers --sizes 500x160      # one size
//	go run ./bench/schedulers --readme FILE        # also writes the tables there, docs/results/schedulers.md
//	go run ./bench/schedulers --headline README.md # also writes the first sentence there
//	go run ./bench/schedulers --against v1.36.4    # next to an earlier stock scheduler
//	go run ./bench/schedulers --device-plugin      # nodes whose GPUs a device plugin hands out
//
// Ashlar runs with the configuration that manifests/scheduler installs. Pods are created
// before a scheduler starts, and it is timed from the first pod that it binds to the last. In process
// they are created once it has taken up the nodes, which takes it seconds.
//
//	main.go           flags
//	options.go        what they mean together
//	run.go            all measurements, one after the other
//	session.go        one control plane with its nodes
//	publish.go        its devices
//	subject.go        the schedulers that are measured
//	pods.go           pods that are created and removed
//	measurement.go    pods bound by one scheduler
//	refusal.go        pods that fit nowhere
//	gang.go           pods of one PodGroup
//	memory.go         the memory of each process
//	inprocess.go      measurements without an API server, each in a process of its own
//	against.go        next to an earlier stock scheduler
//	report.go         what was measured, as -o json prints it
//	median.go         figures of several rounds
//	table.go          what was measured, as docs/results/schedulers.md has it
//	table_*.go        its parts
//	markdown.go       how tables and figures are written
//	logtail.go        the end of a child's log
//	deviceplugin.go   nodes whose GPUs a device plugin hands out
package main
