// Package demo is `ashlar demo`: a real control plane, simulated GPU nodes of three kinds,
// the examples of manifests/, and a table of who got what and why.
//
//	cluster.Start ─> install.Install ─> apply examples ─> wait for expected/pods.yaml ─> table
//
//	demo.go         the run; keep.go, down.go what becomes of its cluster
//	expectation.go  expected/pods.yaml of an example, and whether it holds
//	row.go          a pod and what it has; table.go all of them
//	kinds.go        the kinds of nodes side by side
//	contrast.go     the same pod by the stock scheduler and by Ashlar
//	progress.go     what is being done, with the time
//
// It succeeds only if everything that the examples expect was seen. examples_test.go holds all
// examples to that, also those that the demo leaves out.
package demo
