// Package publish brings a node's devices to the scheduler, as ResourceSlices under the names
// of package deviceapi.
//
//	discovery.Node ─┐
//	[]dra.Device ───┼─> DriverResources ─┬─> PublishSlices ─> ResourceSink ─> API server
//	taints ─────────┘      (pure)        └─> ResourceSlices: the same as objects, for a dry run
//
//	slices.go      devices to one pool, named after the node, and its slices
//	devices.go     a device: attributes, capacities
//	counters.go    what each device consumes
//	version.go     versions as DRA wants them
//	publisher.go   Publication: published, updated, withdrawn beside others
//	steps.go       updates in steps, so that no other device is missing meanwhile
//	controllersink.go  publishing without a kubelet
//	rival.go       who else hands out a node's GPUs; rivalwatch.go watching for it
//	clustercheck.go    whether a cluster can be published to
package publish
