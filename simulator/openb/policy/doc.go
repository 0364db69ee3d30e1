// Package policy holds the policies that are compared on the trace openb: those that were
// published with FGD, and Ashlar's own with all terms of package forecast.
//
//	[]NodeCapacity ──> ClusterState   nodes in tie-break order; Place and Release
//	forecast.ClassDemand              which pods to expect, and how often
//	                │
//	NodePolicy.Selector(cluster, demand, seed) ──> NodeSelector.SelectNode(pod) ──> NodeChoice
//
// A policy looks at amounts only: CPU, memory and thousandths of GPUs, not at links and
// MIG placements, which the trace does not have. It scores a node for a class of pods
// (NodeScorer); NodeRanking keeps the scores, so that a decision costs what changed since
// the last one, not what there is.
//
//	capacity.go, node.go      what nodes have and have left, the pods of a trace
//	cluster.go, changes.go    placing and releasing pods; which nodes changed since
//	policy.go                 the interfaces and the list of policies
//	ashlar.go (the default), fgd.go, best_fit.go, dot_product.go, gpu_packing.go,
//	gpu_clustering.go, random.go          a policy each
//	ranking.go, tournament.go why 10,000 nodes cost little more than 1,000
//
// A new policy is one file and a line in policy.go; policies_test.go and ranking_test.go
// then hold it to what every policy must do, package openb to what was published.
//
// The package holds no state of its own: the same input gives the same choices, on
// every architecture. A ClusterState and its selectors belong to one goroutine at a time.
package policy
