// Package mixednodes sends a random stream of pods through the scheduler on a real control
// plane, whose nodes offer GPUs in three ways: slices of Ashlar's driver, slices of
// NVIDIA's, and NVIDIA's device plugin; some nodes in two ways at once. A checker that
// shares no code with the scheduler replays all that happened from what the API server
// told, and looks for GPUs that were promised twice and model servers where they cannot
// start.
//
//	mixednodes_test.go    the test, on a control plane with the fleet on it
//	report_test.go        what the stream was about, and what is reported
//	fleet_test.go         nodes: which machine, which kinds
//	deviceplugin_test.go  amounts and labels of nodes with a device plugin
//	nvidia_test.go        slices and classes of NVIDIA's driver
//	workload_test.go      the stream of pods
//	request_test.go       ways to ask for GPUs
//	server_test.go        model servers
//	stream_test.go        pods come and go
//	history_test.go       what the API server told, in order
//	record_test.go        what the checker knows of pods, claims and nodes
//	checker_test.go       the checker: replay, counts, GPUs offered in two ways
//	slices_test.go        the checker: devices, counters, capacities of slices
//	memory_test.go        the checker: the memory of GPUs, and whether servers start
//	doctored_test.go      the checker finds what it should
package mixednodes
