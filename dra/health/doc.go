// Package health says which of a node's devices can be used: it turns events and
// conditions of GPUs into taints of devices, their health for the kubelet, conditions for
// the status of claims, events for the node, and metrics.
//
//	hardware.EventSource ─┐                              ┌─> DeviceTaints: publish
//	                      ├─> Monitor ─> StateMachine ───┼─> WatchHealthStatus: kubelet
//	hardware.Reader ──────┘   (clock)     (pure)         └─> notices, conditions, metrics
//
//	xids.txt       the table of XIDs, with its source; xids.go reads it
//	policy.go      which class of fault has which effect, and how long it must be gone
//	machine.go     StateMachine: events and failures in
//	conditions.go  polls in: the recovery action, rows, throttling, signs of a reset
//	faults.go      a fault: set, counted, strengthened, cleared
//	outcome.go     taints, health and conditions out
//	notices.go     what people are told
//	monitor.go     Monitor: the goroutines around a StateMachine; poller.go one per GPU
//	watch.go       reports to the kubelet
//	metrics.go     the metrics and their names
//
// Taints do not flap. A fault is set once and keeps its time however often it comes
// again. It ends only when successful polls say for ClearAfter that it is gone, and for
// longer after each relapse. Errors of applications never taint, nor do unknown XIDs.
//
// Where the GPU tells what it needs to recover (drivers from R565 on), that decides: an
// action other than none is a taint of its own, and none ends those of XIDs. Older drivers
// do not tell; there a sign of a reset ends them: the GPU was lost and is back, its
// volatile ECC counter begins anew, or rows that were to be remapped are.
//
// Nothing of this outlives the driver's process. After a restart the recovery action,
// rows, and GPUs that are lost or hang are found again by the first poll; what only an XID
// said is not, on drivers that do not tell the recovery action.
package health
