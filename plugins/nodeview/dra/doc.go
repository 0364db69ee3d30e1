// Package dra views nodes through the ResourceSlices of DRA drivers, and steers the
// in-tree DynamicResources plugin.
//
//	published slices ──> Pool      devices of one driver on one node; what of them is GPUs
//	pod and claims   ──> PodRequest  selectors, counts, constraints, model server
//	allocated state  ──> Allocation  which devices are in use
//	Pool × PodRequest ──> View     inventory, state and request as package placement has them
//
// The in-tree plugin gets one small placeholder slice for each pool instead of every
// ResourceSlice of the cluster. Before it looks at a node, the placeholders of that node
// are filled with just the devices that were chosen. Pools and devices that are not
// understood reach it as they are, and so do the requests that only they can serve: a network
// adapter beside the GPUs. Where a constraint ties the two, GPUs are chosen at values that the
// free devices of others have.
//
// A Source belongs to one profile of the scheduler, whose cycles are serial; within a
// cycle, views of different nodes may be used at once.
//
//	source.go       what outlives cycles: pools, compiled expressions, in-tree instances
//	cycle.go        one pod's scheduling cycle
//	snapshot.go     all nodes with who holds what, kept up to date from cycle to cycle
//	meter.go        how their GPUs are used, for metrics
//	ranking.go      which of them are best for the pod of a cycle
//	view.go         a node as the pod sees it
//	others.go       the node's devices that are not viewed: adapters, channels between nodes
//	supply.go       what those offer to constraints that tie them to GPUs
//	near.go         GPUs and adapters that nothing ties, near each other
//	lack.go         which of them a node has too few free of; others_words.go all nodes
//	twins.go        GPUs that two drivers publish are one; twinnotes.go where that cannot be told
//	show.go         what the in-tree plugin is shown on a node
//	adminaccess.go  the same where the pod only looks at devices
//	shares.go       what devices are shared by beside memory
//	index.go        pools by node
//	sliceevents.go  whether slices may have changed
//	pool.go         a pool and its GPUs
//	make.go         pools that differ in nothing but which devices they are
//	inventory.go    one inventory for all pools of a make
//	placeholder.go  the slices that it is shown in
//	members.go      what several pods ask for that are placed together
//	ledger.go       what claims hold, kept up to date by what happens to them
//	claimchanges.go which claims may hold something else; tracked.go the scheduler's own
//	landing.go      devices given back of which the API server may know more
//	trackedclient.go  what the in-tree plugin writes to claims
//	allocation.go   devices in use, and who holds them
//	twice.go        what a device plugin beside the slices needs to know
//	offers.go       kinds of devices, for a server that does not start on what it asked for
//	releasing.go    claims whose pods are gone and that are not given back yet
//	podrequest.go   what a pod asks for: claims
//	extended.go     and extended resources
//	request.go      the same in terms of a pool
//	match.go        CEL selectors; expression.go what they read
//	capacity.go     amounts of a shared device; taints
//	modelserver.go  devices that are too small for the pod's model server
//	selector_error.go  selectors that do not compile; memory_hint.go memory as printed on the box
//	clause.go       which condition of a selector no GPU satisfies; unmet.go which request
//	mismatch.go     at which step a pool's devices drop out of a request; mismatch_words.go
//	instance.go     in-tree instances with claims and slices of our own
package dra
