// Package test holds the tests that concern the repository as a whole:
//
//	imports_test.go    which package may import which, and what pure code may not touch
//	names_test.go      names at package level have two words, or are on a list
//	links_test.go      links and maps name files that exist; every folder says what it is
//	manifests_test.go  manifests agree with the catalogue, the code and one another
//	workflows_test.go  workflows, scripts and Dockerfile run what is there
//	parity_test.go     the scheduler reads from slices what the driver discovered
//
// Below it:
//
//	scenario     stories about nodes and pods that specify placement, in text files
//	cluster      a real control plane, as child processes on loopback
//	install      Ashlar on such a cluster, as an administrator installs it
//	demo         `ashlar demo`
//	integration  Ashlar on such a cluster: choices, sharing, preemption, gangs, explanations
//	parity       the simulator and the scheduler, on the same pods
//	mixednodes   random pods on nodes of three kinds, and a checker of all that happens
//	podgroups    PodGroups of Kubernetes itself, with their feature gate on
//	coexistence  several schedulers and replicas on the same devices: what is allocated twice
//	browser      the simulator's HTML report in Chromium
//	compat       a module that builds an earlier Kubernetes, for `make compat`
package test
