package topology

import "fmt"

// ComputeCapability is the CUDA compute capability, for example 9.0.
type ComputeCapability struct{ Major, Minor int64 }

func (c ComputeCapability) String() string { return fmt.Sprintf("%d.%d", c.Major, c.Minor) }

// Less reports whether c is older than other.
func (c ComputeCapability) Less(other ComputeCapability) bool {
	return c.Major < other.Major || c.Major == other.Major && c.Minor < other.Minor
}

// Model is one GPU product. A model is a fact of the catalogue, shared by every
// GPU of that kind.
type Model struct {
	// Name is the catalogue's key, for example "H100-SXM5-80GB".
	Name string
	// Product is what NVML's DeviceGetName returns, for example "NVIDIA H100 80GB HBM3".
	Product string
	// Brand and Architecture are NVML's words, for example "Nvidia" and "Hopper".
	Brand, Architecture string
	Compute             ComputeCapability
	// Memory is the total that NVML reports, never the marketing size. It is 0 for a GPU
	// without memory of its own, such as GB10, of which NVML reports none: the host's
	// memory serves it, and how much of that is free is not for a GPU ledger to say.
	// Such a GPU can be given away whole, but not in shares.
	Memory Bytes
	// Reserved is the part of Memory that the driver keeps for itself and no
	// process can allocate.
	Reserved Bytes
	// LaneGBps is the bandwidth of one NVLink of this model, in GB/s per
	// direction; 0 for a model without NVLink.
	LaneGBps int64
	// P2P says whether the driver permits peer-to-peer copies over PCIe.
	P2P bool
	// MIG names the model's table in package mig, "" for a model without MIG.
	MIG string
	// DeviceID is the PCI device and vendor id, as NVML's PciInfo gives it.
	DeviceID uint32

	// Confidence and Source say where the figures come from.
	Confidence, Source string
}

// Usable is the memory that processes can allocate.
func (m *Model) Usable() Bytes { return m.Memory - m.Reserved }
