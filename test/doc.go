// Package test holds the tests that concern the repository as a whole: which
// package may import which, and that generated manifests are up to date.
//
//	scenario     stories about nodes and pods that specify placement, in text files
//	cluster      a real control plane, as child processes on loopback
//	install      Ashlar on such a cluster, as an administrator installs it
//	demo         `ashlar demo`
//	integration  scenarios on a real control plane
package test
