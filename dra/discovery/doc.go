// Package discovery finds out what GPUs a node has.
//
//	NVML (real or simulated) ─┐
//	                          ├─> ReadNode ─> Node: topology.Node, a mig.Table for each GPU
//	sysfs ────────────────────┘                 └─> ListDevices: what is handed out of it
//
//	discovery.go  Library (the part of NVML that is asked), ReadNode, Node
//	devices.go    the devices of a node, and what is left to others
//	forms.go      the forms that are published
//	identity.go   what one GPU says of itself: model, memory, PCI address
//	links.go      the link table: NVLinks, PCIe ancestors, peer-to-peer status
//	fabric.go     the multi-node NVLink domain
//	geometry.go   the MIG table, and profile names as NVIDIA's tools form them
//	sysfs.go      NUMA node and PCIe root
//	nics.go       the network adapter nearest to each GPU
//	within.go     calls that hang
//
// What is asked is pure but for NVML and sysfs: the same answers give the same Node. Package
// simulated answers for a machine of the catalogue, so that one code path serves real and
// simulated nodes.
package discovery
