// Package prepare does on the hardware what was allocated, and undoes it: MIG mode and
// instances, time slices, MPS daemons, CDI specs, and the record of it all.
//
//	allocation ─┐
//	devices     ├─> PlanClaim ─> checkpoint.Claim ─> PlanSteps ─> hardware, MPS, CDI
//	config      ┘    (pure)      what will be done    (pure)
//
// A claim is prepared in this order: its GPUs are locked; what another claim or a foreign
// MIG instance has is refused; the record is saved as PrepareStarted; the steps are done;
// the record is saved as PrepareCompleted. Undoing works from the record alone, and is the
// same after a failed step, on unprepare, and after a crash: whatever part was done.
//
// A MIG instance is a claim's if it lies exactly where a saved record says. It is foreign
// otherwise: left alone, and in the way. Instances, modes and daemons do not outlive
// a reboot, so that claims of another boot hold nothing until they are prepared anew.
//
//	plan.go       PlanClaim: from allocation, devices and config to the record
//	steps.go      PlanSteps: from the record to steps; what one step does
//	conflicts.go  what two claims cannot have at the same time
//	instances.go  foreign MIG instances
//	mode.go       MIG mode
//	locks.go      locks by key, so that different GPUs do not wait for each other
//	manager.go    Manager, what it works on, and Prepare
//	leftovers.go  claims that are half done and in the way
//	undo.go       undoing a record
//	unprepare.go  Unprepare and Prune
//	recover.go    Recover, after a restart
package prepare
