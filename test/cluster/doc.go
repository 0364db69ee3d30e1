// Package cluster runs a real Kubernetes control plane as child processes on the
// loopback interface, with fake kubelets, for the demo, the integration tests
// and the benchmarks. It needs Linux and the Go toolchain, and neither root nor
// containers nor a network beyond the Go module proxy. With root, StartNode adds
// real nodes (package main in node, which has a picture of one).
//
//	            owner: a test, a benchmark, `ashlar demo`
//	              │ Start, Run, Stop                       │ pipe + lock
//	  ┌───────────┼──────────────┬───────────┬───────┐     ▼
//	  ▼           ▼              ▼           ▼       ▼   watchdog: when the
//	etcd <─── kube-apiserver <─ controller- kube-  KWOK  owner dies, it ends the
//	 unix       https, token,   manager     sched-  │    rest and removes the
//	 socket     Node + RBAC     (stock)     uler    │    state
//	                ▲                               ▼
//	                └──── our own commands     fake nodes; pods become Running
//
// Binaries are built by the Go toolchain from the versions in go.mod, once. All
// of a cluster's files (data, logs, credentials) are in one directory, and all
// of its processes carry one mark in their environment (package mark), so that
// whatever happens can be cleared up completely:
//
//	Stop          ends the processes and removes the directory
//	owner dies    the watchdog does the same, at once
//	both die      the next Start next to that directory does it, or Down
//	Detach        leaves the cluster running until Down
//
// Real nodes end with the processes that run them, and their control groups, which are
// named after the mark, are removed in the same four ways (package cgroups).
//
// A caller must call Stop or Detach. Pods on fake nodes run nothing, and fake
// nodes publish no devices: a DRA driver's ResourceSlices must be created.
package cluster
