// Command simulator measures what a simulated job costs as clusters grow: CPU time of all
// threads and the most memory held, each run in a process of its own.
//
//	go run ./bench/simulator                       # the tables, beside an old commit that is built first
//	go run ./bench/simulator --baseline BINARY     # the same beside a CLI that is there already
//	go run ./bench/simulator --sizes 100,2000 --baseline none
//	go run ./bench/simulator --readme docs/results/simulator.md
//
//	main.go      flags, and what is run in which order
//	scenario.go  the two scenarios at a size: mig-mix.yaml, which the old commit reads too, and
//	             mixed.yaml with MIG, shares and gangs
//	measure.go   one run in a process of its own
//	baseline.go  the old commit, built from the repository
//	table.go     the tables
package main
