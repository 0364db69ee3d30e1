// Package mps runs MPS control daemons, through which several processes use a GPU at the same
// time. Each GPU, and each MIG instance, has one of its own, so that one claim's end does not
// touch the clients of another.
//
//	daemons.go    Daemons: Ensure, Remove, List; Spec
//	paths.go      Paths: the directories of one daemon
//	control.go    what is said to a daemon, and what it answers
//	processes.go  Processes: daemons as processes beside the driver, for tests and single machines
//	process.go    one such process: started, found again, ended
//	pods.go       Pods: daemons as pods of this node; podspec.go the pod
//
// Daemons do not belong to the driver's process or pod: they outlive it, and a driver that starts
// finds those that run. A client's limits are in its environment; the limits of a
// daemon are for clients that have none, and cap all others, so that the daemon of a GPU that is shared
// by claims has none.
//
// The compute mode is not set here: hardware.Writer.SetExclusive does that, before.
package mps
