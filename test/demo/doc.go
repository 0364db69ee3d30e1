// Package demo is `ashlar demo`: a real control plane, a dozen simulated GPU nodes,
// the examples of manifests/, and a table of who got what and why.
//
//	cluster.Start ─> install.Install ─> apply examples ─> wait for expected/pods.yaml ─> table
//
// It succeeds only if everything that the examples expect was seen.
package demo
