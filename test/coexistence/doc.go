// Package coexistence measures, on a real control plane, that devices are allocated once
// although more than one scheduler allocates them: a leader that was frozen and wakes, a
// second replica that takes over, two schedulers at once. What was allocated twice is counted
// from the API alone, by a checker that shares no code with the scheduler.
//
//	main_test.go        the cluster, its nodes and their GPUs
//	scheduler_test.go   Ashlar's schedulers as processes
//	pods_test.go        pods with claims, and what became of them
//	checker_test.go     which GPUs are promised more than once
//	lease_test.go       who may hold which lease
//	freeze_test.go      the leader is stopped in the middle of binding and woken after the takeover
//	takeover_test.go    the leader is killed, or asked to end
//	rivals_test.go      two schedulers allocate the same GPUs at once
//	policies_test.go    the admission policies of manifests/components
//
// A short run is part of the integration tests; `make coexistence` is the full one, whose figures
// are in docs/coexistence.md.
package coexistence
