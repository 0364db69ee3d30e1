// Package clustertest is clusters for tests of commands: told in a file, or large.
//
//	stories.go     files that tell a cluster and ask a command about it
//	many_nodes.go  a cluster of many nodes
//	cpu_time.go    what benchmarks on it take of processors
package clustertest
