// Package clustersource is the flags by which commands are told where a cluster is: an API server of
// a kubeconfig, or a snapshot in a file.
package clustersource
