// Package replay turns a pod list of Alibaba's trace openb (cluster-trace-gpu-v2023 of
// github.com/alibaba/clusterdata), with the times that it has, into a simulation: with
// its own arrivals, or with arrivals that are drawn from it at a stated load.
//
// The trace's cluster of 6212 GPUs is far larger than what ever runs at once (66 GPUs
// at most), so that nothing waits there; ScaleNodes makes it small enough for that.
//
// What the trace does not have is assumed: the memory of its GPU models G2 and G3,
// whose real names are not published, is that of a 24 GB GPU, and all GPUs of a node
// are linked alike. A pod that was never scheduled waits as long as it did then, and
// would run as long as the median.
package replay
