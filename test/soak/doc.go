// Package soak lets pods of all forms come and go on a real control plane, while nodes are
// lost and come back, slices change, and the scheduler, the driver, the API server and etcd
// are killed or hang. A checker that shares no code with the scheduler replays all that the
// API server told. At rest the scheduler must have forgotten nothing: one that starts afresh
// places no pod more, and what the API shows to be free can be had.
//
//	soak_test.go      the test, in small and in full
//	world_test.go     a control plane with the fleet on it
//	fleet_test.go     nodes, slices that the test publishes and changes, adapters
//	workload_test.go  the stream of pods
//	request_test.go   ways to ask for devices
//	late_test.go      what users do to pods that already wait
//	late_*_test.go    the same by what is changed: claims, classes, gangs, gates and nodes
//	quiet_test.go     the same where nothing else happens
//	stream_test.go    pods come and go
//	runner_test.go    the scheduler, killed and started again
//	fault_test.go     what goes wrong, drawn from the seed
//	history_test.go   what the API server told, in order
//	follow_test.go    watches that outlive the API server
//	record_test.go    what the checker knows of pods, claims and devices
//	checker_test.go   the checker
//	rest_test.go      what must hold at rest
//	report_test.go    what was done and found
//	doctored_test.go  the checker finds what it should
package soak
