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
// Every call that nobody simulates returns ERROR_NOT_SUPPORTED. The exceptions
// are the calls that return a versioned handler, such as GetGpuFabricInfoV:
// go-nvml binds those handlers to the real library, and they must not be used.
//
// Values of this package are immutable, and safe for concurrent use.
package simulated
