// Package placement decides which GPUs of a node a request gets, in which form,
// and if none, why.
//
//	Inventory   the devices of a node: whole GPUs, MIG placements, shares of memory
//	GPUStates   what is held of each GPU; NodeState also knows who holds it
//	Request     parts that are solved together, and what must be alike between them
//	   │
//	   └─ Place(inventory, states, request, policy) ──> Verdict
//	                                                     ├ Devices, and their Rating: Bandwidth,
//	                                                     │ OpportunityCost, Distance
//	                                                     └ Reasons, one per part that fails
//
// The caller keeps one NodeState per node, and books what a verdict chose with
// NodeState.Allocate. DiagnoseGPUs says of each GPU why it does not serve, SuggestChanges
// after which changes a refused request would fit. README.md maps the files.
//
// The package holds no state of its own: the same input gives the same verdict.
// An Inventory is immutable and shared by all nodes of one make; a NodeState belongs
// to one goroutine at a time.
package placement
