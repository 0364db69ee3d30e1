// Package preemption is kube-scheduler's DefaultPreemption with another word at the end:
// it decides the same, and says of a pod that found no victims what that means to its
// owner, or nothing where nobody could be ended for it. DefaultPreemption counts nodes by
// how its search went there. The counts differ from one attempt to the next, so that
// events with the same reason are not merged.
package preemption
