// Package dra is Ashlar's DRA driver as a library. It finds out what GPUs a node
// has and publishes them as ResourceSlices, under the names of package deviceapi.
//
//	 NVML ──────┐                                                         ┌─> PublishSlices: to the API server,
//	 (real or   ├─> DiscoverNode ─> Discovery ─────────> DriverResources ─┤   one pool per node, named after it
//	 simulated) │                   topology.Node                         └─> ResourceSlices: the same as objects,
//	 sysfs ─────┘                   + mig.Table per GPU                       for a dry run and for tests
//
//	device.go     Device: one way to hand a GPU out, published and prepared
//	discovery.go  Library (the part of NVML that is asked), DiscoverNode, Discovery
//	identity.go   what one GPU says of itself: model, memory, PCI address
//	links.go      the link table: NVLinks, PCIe ancestors, peer-to-peer status
//	fabric.go     the multi-node NVLink domain
//	geometry.go   the MIG table, and profile names as NVIDIA's tools form them
//	sysfs.go      NUMA node and PCIe root
//	slices.go     a Discovery to pools and slices
//	devices.go    the devices of a GPU: attributes, capacities
//	counters.go   what each device consumes
//	version.go    versions as DRA wants them
//	clustercheck.go  whether a cluster can be published to
//	publisher.go  publishing to it, and withdrawing
//	rival.go      who else hands out a node's GPUs; rivalwatch.go watching for it
//
// DiscoverNode, DriverResources and ResourceSlices are pure: the same node gives the same
// slices, byte for byte. Package simulated is an NVML without hardware; it gives
// DiscoverNode a machine of the catalogue, so that one code path serves real and
// simulated nodes.
//
// What exists: discovery and publishing, for real nodes and simulated ones. What
// does not exist yet: the kubelet plugin, that is preparing and unpreparing
// claims (creating MIG instances, MPS, time-slicing, CDI files, the checkpoint)
// and health, that is device taints. A claim on a published device is allocated
// by the scheduler, but no kubelet can run its pod until that exists.
//
// What discovery leaves out: network adapters (topology.Node.NICs), of which
// nothing is published, and MIG instances that already exist on a GPU.
package dra
