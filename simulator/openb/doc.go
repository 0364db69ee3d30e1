// Package openb repeats the published experiments on Alibaba's trace openb
// (cluster-trace-gpu-v2023) with any policy of package openb/policy.
//
//	ReadNodes, ReadPods ──> DrawArrivals(nodes, pods, seed) ──> Experiment.Run ──> Result
//
// Pods arrive one by one in an order drawn from a seed, until their GPU demand is 130 %
// of the cluster's GPUs, and never leave. The order and every result agree with those
// published for the simulator of Weng et al., "Beware of Fragmentation: Scheduling
// GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX ATC 2023
// (hkust-adsl/kubernetes-scheduler-simulator), in every digit that it prints.
//
//	files.go        the trace's files, read by package trace
//	arrivals.go     which pods arrive, in which order
//	experiment.go   one policy on one trace with one seed
//	curves.go       what is published of an experiment
//	policy/         the policies, on amounts of CPU, memory and GPUs
package openb
