// Package defrag is ashlar defrag: which pods to move so that a pod fits, or more of what may come,
// and carrying that out. plugins/dryrun finds the plan.
//
//	command.go  flags and their checks
//	report.go   the plan in words
//	carryout.go one move after the other, each planned anew
//	evict.go    one move: cordon, evict, wait for the pod that is made instead
package defrag
