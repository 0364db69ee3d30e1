// Package doubleallocation keeps devices from being allocated twice where several
// schedulers allocate them, and tells of those that were.
//
// A scheduler chooses from a cache. Two of them may choose one device at once, and the API
// server accepts both claims. Their writes have an order all the same, that of resource
// versions, in which every watch delivers them. After a claim was written and before its
// pod is bound, Guard waits until the watch shows that write: all that was written before is
// visible then. If the claim does not fit beside the allocations that were written before
// its own, its allocation is given back and the pod tries again. The other side sees the same
// order and goes on. A scheduler without such a guard never gives way, so that this one
// does whatever the order; what such a scheduler writes after the pod was bound remains, and
// only an admission policy prevents it (manifests/components/exclusive-allocation). Guard also has the last
// word on whether a pod goes where its claims have their devices.
//
//	grant.go     what a claim holds of a pool, from its allocation
//	pool.go      what devices and counters a pool has, from ResourceSlices
//	usage.go     whether a claim fits beside others: devices, capacity, counters
//	ledger.go    all allocations by pool, kept by the claim informer
//	find.go      FindDoubleAllocations, of a copy of a cluster
//	clash.go     which allocations of a pool do not fit beside earlier ones
//	guard.go     Guard, asked before a pod is bound
//	giveback.go  takes an allocation off a claim
//	detector.go  Detector, which reports double allocations by metric, log and event
package doubleallocation
