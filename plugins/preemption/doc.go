// Package preemption is kube-scheduler's DefaultPreemption, choosing victims by devices for
// pods that take some, and with another word at the end: it says of a pod that found no
// victims what that means to its owner, or nothing where nobody could be ended for it.
// DefaultPreemption counts nodes by how its search went there. The counts differ from one
// attempt to the next, so that events with the same reason are not merged.
//
// For a pod with claims or extended resources every node is looked at. Budgets decide first,
// then the lowest priorities, the least GPU time lost, the fewest pods. A gang is
// ended as a whole.
//
//	plugin.go     the extension points
//	victims.go    which victims, on which node
//	promising.go  on which nodes that is tried
//	gang.go       the gangs of victims, and what other plugins say in the pod's cycle
package preemption
