// Package preemption is kube-scheduler's DefaultPreemption, choosing victims by devices for
// pods that take some, and with another word at the end: it says of a pod that found no
// victims what that means to its owner, or nothing where nobody could be ended for it.
// DefaultPreemption counts nodes by how its search went there. The counts differ from one
// attempt to the next, so that events with the same reason are not merged.
//
// For a pod with claims or extended resources the search of package cluster chooses over all nodes, as in
// the simulator, and kube-scheduler confirms. Where that cannot tell, kube-scheduler searches on the most promising
// nodes. Budgets decide first, then the lowest priorities, the least GPU time lost, the fewest pods. A gang
// is ended as a whole.
//
//	plugin.go     the extension points
//	search.go     the victims that were chosen over all nodes
//	budgets.go    which pods a PodDisruptionBudget counts
//	victims.go    which victims, on which node, where they were not
//	promising.go  on which nodes that is tried
//	gang.go       the gangs of victims, and what other plugins say in the pod's cycle
package preemption
