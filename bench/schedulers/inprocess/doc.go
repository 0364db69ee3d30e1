// Package inprocess measures a scheduler in this process on a fake API server, as
// kube-scheduler's own scheduler_perf does with a real one: clusters whose objects no API
// server here has the memory for. Informers, caches, queue and plugins are those of the real
// scheduler; what is missing are encoding, the network and admission.
//
//	measure.go    one measurement
//	fakeapi.go    the client that stands for the API server
//	sharing.go    what nodes have in common, once in memory
//	versions.go   resource versions of what it stores
//	podgroups.go  the same for PodGroups, which are read over HTTP
//	scheduler.go  the scheduler, by its configuration
package inprocess
