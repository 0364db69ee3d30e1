// Package clustersource is the flags by which commands are told where a cluster is: an API server, named
// as kubectl's flags name it, or a snapshot in a file.
//
//	source.go  Source: --snapshot, --kubeconfig, --context and the like; reads the objects, connects
//	scope.go   Scope: -n and -A
//	quiet.go   the scheduler's libraries, silenced
package clustersource
