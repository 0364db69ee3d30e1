// Package simulated is an NVML without hardware. It answers for one machine of
// the catalogue as a driver would on the real one, so that discovery runs on the
// same code for both.
//
//	topology.MachineType ─┐
//	                      ├─> New ─> Library ─> DeviceGetHandleByIndex ─> nvml.Device
//	mig.Table per model ──┘             └─────> Sys: the part of sysfs that says where a GPU sits
//
// It keeps the peculiarities that real drivers have and that code stumbles over:
// PCI domains of eight digits in upper case; NVSwitch as the remote end of every
// NVLink on a machine that has one; a NUMA node of -1; MIG profiles that are not
// supported as the normal case; memory that the driver reserves.
//
// What it cannot know of a machine it makes up, always in the same way: UUIDs
// (from the node's name), versions, which PCIe level lies under an NVLink, PCI
// addresses of switches, line rates.
//
// It is stateful: MIG mode, GPU and compute instances, compute mode, processes, events
// and errors behave as NVML's documentation says. What a GPU refuses, it refuses with
// NVML's codes: instances that overlap, a GPU instance destroyed before its compute
// instance, MIG mode switched under running work, and on Ampere without a reset. With
// WithDirectory the state is in files, one per GPU, and outlives the process; Control
// does what happens to hardware from outside: errors, a lost GPU, calls that hang.
//
// Every call that nobody simulates returns ERROR_NOT_SUPPORTED. The exceptions
// are the calls that return a versioned handler, such as GetGpuFabricInfoV:
// go-nvml binds those handlers to the real library, and they must not be used.
//
// Libraries and controls are safe for concurrent use.
//
//	library.go     New, Library: the node; unsupported.go what nobody simulates
//	options.go     what New can be told
//	nodes.go       lists of nodes
//	device.go      a GPU: identity, memory, fabric; geometry.go its MIG profiles
//	links.go       NVLinks and PCIe; wiring.go where each leads; sysfs.go, procfs.go files
//	state.go       what changes of a GPU; store.go where it is kept
//	calls.go       how calls take time, hang and fail
//	control.go     Control; faults.go the faults of calls that it sets
//	mode.go        MIG mode, compute mode, processes
//	instances.go   GPU instances; compute.go compute instances; migdevice.go MIG devices
//	events.go      event sets; condition.go ECC, remapped rows, throttling, recovery
package simulated
