// Package preemption is kube-scheduler's DefaultPreemption for pods that take devices. It ends the
// pods of the lowest priority, of these the ones with which least GPU time is lost, and of
// these the fewest, on whichever node that is; PodDisruptionBudgets come first, and the pods
// of a PodGroup end together or not at all. Whether a pod fits without others, who may be
// ended, and ending them is DefaultPreemption's. For pods without devices all of it is.
//
//	plugin.go             when it is asked, and what it says
//	device_preemption.go  which pods of which node, for one pod
//	victim_cost.go        what is lost with pods
//
// It says of a pod that found no victims what that means to its
// owner, or nothing where nobody could be ended for it. DefaultPreemption counts nodes by
// how its search went there. The counts differ from one attempt to the next, so that
// events with the same reason are not merged.
package preemption
