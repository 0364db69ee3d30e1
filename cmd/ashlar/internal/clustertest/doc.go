// Package clustertest is clusters for tests of commands: told in a file, or large.
//
//	stories.go     files that tell a cluster and ask a command about it
//	many_nodes.go  a cluster of many nodes
package clustertest
