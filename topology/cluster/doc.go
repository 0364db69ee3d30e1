// Package cluster decides over many nodes: which of them a pod gets, where the pods of
// a group go together, and which holders would have to go for a pod that does not fit.
//
//	Node ──> Snapshot     nodes, who holds what of each, and what is left of their hosts
//	            │
//	            ├ Rank ──> NodeRanking.Best     one pod: the best node and its devices
//	            ├ SolveGroup, PlaceGroup        several pods: all of them or none
//	            ├ PlaceHostsOnly                pods that take no GPU
//	            ├ PlanRoom, PlanCompaction      holders to move, for a pod or for those to come
//	            ├ SelectVictims                 holders of lower priority to end for a pod
//	            └ Explain                       why a pod fits nowhere, and what would help
//
// Package placement decides on one node; this package asks it once for each class of
// nodes. Nodes of equal inventory in equal state, which accept the same devices of a
// request, have the same answer. A ranking that is asked again looks only at the nodes
// that changed: it keeps the others in order, so that a choice costs nearly the same on
// 100 nodes as on 10,000.
//
// Trying is free of side effects: Fork begins to note what changes, Revert takes it
// back. Nothing else in Ashlar keeps a model of many nodes; the scheduler's plugins,
// the simulator and what-if ask this one.
//
//	node.go       what a node is, and what a snapshot knows of it
//	snapshot.go   allocate, record, release
//	fork.go       the undo log
//	class.go      which nodes have the same answer
//	request.go    what a pod asks of each node, in the node's terms
//	order.go      the one order of nodes
//	ranking.go    the best node for one pod; candidates.go the few best
//	ranking_indexes.go  a ranking's indexes; node_index.go one, room_index.go what hosts have left,
//	              change_log.go what they follow
//	group.go      several pods together
//	group_*.go    members that ask alike (shapes), one node's devices for several (pack),
//	              domains (scope) and models, one after the other (greedy), the exact
//	              assignment (assign), its like for many kinds (moves), what lacks (shortfall)
//	hosts_only.go pods without GPUs
//	victims.go    whom to end for a pod (victims_pod.go) or a group (victims_group.go): the
//	              victims as units (victims_index.go), the search (victims_search.go)
//	defrag.go     whom to move for a pod; defrag_move.go one move, defrag_states.go all
//	              states that moves lead to, defrag_room.go sets of holders of one node
//	defrag_compaction.go whom to move so that more of what is expected fits
//	explanation.go why a pod fits nowhere
//	usage.go      how the GPUs are used, by product
//
// The package holds no state of its own: the same input gives the same answers. A
// Snapshot, with its rankings, belongs to one goroutine at a time.
package cluster
