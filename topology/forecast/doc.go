// Package forecast knows what many nodes have left of CPU, memory and thousandths of
// GPUs, and which of them a pod should get.
//
//	Capacity ──> Cluster   nodes in tie-break order; Place and Release
//	Class    ──> Demand    which pods to expect, and how often
//	                │
//	Policy.Chooser(cluster, demand, seed) ──> Chooser.Choose(pod) ──> Choice
//
// Where package placement decides which GPUs of one node a request gets, by their
// links and MIG placements, this package looks at amounts only, on thousands of nodes.
// A policy rates one class of pods on one node (Rater); Ranking keeps these ratings,
// so that a decision costs what changed since the last one, not what there is.
//
// The package holds no state of its own: the same input gives the same choices, on
// every architecture. A Cluster and its Choosers belong to one goroutine at a time.
package forecast
