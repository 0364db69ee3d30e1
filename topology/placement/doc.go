// Package placement decides which GPUs of a node a request gets, in which form,
// and if none, why.
//
//	Inventory   what a node can hand out: whole GPUs, MIG placements, memory shares
//	State       who holds what right now
//	Request     parts that are solved together, and what must be alike between them
//	   │
//	   └─ Place(inventory, state, request, policy) ──> Verdict
//	                                                     ├ Assignment, Bandwidth, Loss
//	                                                     └ Reasons, one per part that fails
//
// The caller keeps one State per node and applies a verdict with State.Take. The
// package holds no state of its own: the same input gives the same verdict.
// An Inventory is immutable and shared by all nodes of one make; a State belongs
// to one goroutine at a time.
package placement
