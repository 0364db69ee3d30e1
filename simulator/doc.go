// Package simulator runs jobs through a cluster in simulated time. Every decision
// which GPUs a job gets comes from package placement, the same code that the
// scheduler uses; everything else is here: the clock, the queue, nodes that come and
// go, model servers that take time to load.
//
//	Input ──> engine ──> events in order of (time, sequence) ──> Result
//	nodes     eventQueue   │ arrival, ready, departure,           waits, utilisation,
//	jobs                   │ retry, restart, give-up,             fragmentation, cost,
//	policy                 │ node up, down, drain, evict          samples, snapshots
//	                       │ growth, leave, crash
//	                       └─> event log: one line of JSON each
//
// Time is in whole milliseconds. Nothing here reads a clock or draws a random number:
// what is random was drawn, from a seed, when the jobs were made (package scenario).
// So the same Input gives the same log, byte for byte.
//
// Jobs that share a GPU slow one another down by a curve, if Input states one (Contention);
// their memory may grow, and an autoscaler may take them away (Job.Growth, Job.Leaves).
//
// What is not modelled: the time that a scheduler takes to decide (a job that fits is
// placed in the instant that it is tried), the time that a preempted or evicted job
// takes to end, and single requests of a server.
package simulator
