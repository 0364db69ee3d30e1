// Package preemption is kube-scheduler's DefaultPreemption, choosing victims by devices for
// pods that take some, and with another word at the end: it says of a pod that found no
// victims what that means to its owner, or nothing where nobody could be ended for it.
// DefaultPreemption counts nodes by how its search went there. The counts differ from one
// attempt to the next, so that events with the same reason are not merged.
//
// For a pod with claims or extended resources every node is looked at. Budgets decide first,
// then the lowest priorities, the least device time lost, the fewest pods. A gang is
// ended as a whole.
//
//	plugin.go   the extension points
//	victims.go  which victims, on which node
//	gang.go     the gangs of victims, and what plugins say of the gang of the pod itself
package preemption
