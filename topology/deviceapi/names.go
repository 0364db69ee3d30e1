package deviceapi

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Driver is the name of Ashlar's DRA driver and the domain of its attributes.
const Driver = "gpu.ashlar.dev"

// NVIDIADriver is the name of NVIDIA's DRA driver, whose slices are read too.
const NVIDIADriver = "gpu.nvidia.com"

// Attributes. Those of NVIDIA's driver keep their names, so that a selector only
// changes its domain.
const (
	Type              = "type"                  // how the device is handed out: gpu (whole), mig or share
	UUID              = "uuid"                  // NVML's, of the whole GPU; only on whole GPUs
	ParentUUID        = "parentUUID"            // uuid of the GPU that a MIG slice or share is of
	ProductName       = "productName"           // NVML's name of the GPU
	Brand             = "brand"                 // NVML's
	Architecture      = "architecture"          // for example Hopper
	ComputeCapability = "cudaComputeCapability" // of the GPU
	DriverVersion     = "driverVersion"         // of the GPU driver
	CUDADriverVersion = "cudaDriverVersion"     // newest CUDA of that driver
	Profile           = "profile"               // MIG profile name, for example 1g.10gb
	ProfileID         = "profileID"             // int, GPU instance profile id
	PlacementStart    = "placementStart"        // int, first memory slice
	PlacementSize     = "placementSize"         // int, memory slices

	// Index is the GPU's NVML index on its node.
	Index = "index"
	// NVLinkIsland is the lowest index in the GPU's all-to-all NVLink set; absent
	// without NVLink.
	NVLinkIsland = "nvlinkIsland"
	// NVLinkClique is the multi-node NVLink domain; absent outside one.
	NVLinkClique = "nvlinkClique"
	// NVLinkLaneBandwidth is one NVLink's GB/s per direction; absent without NVLink.
	NVLinkLaneBandwidth = "nvlinkLaneBandwidth"
	// Links is the GPU's row of the node's link table, see EncodeLinks.
	Links = "links"
	// P2P says whether PCIe peer-to-peer copies are permitted.
	P2P = "p2p"
)

// Attributes of whole GPUs and shares about the network adapter nearest to the GPU; absent
// on a node without. A claim for a GPU and an adapter of another driver matches the two by
// the standard attributes, of which PCIeRoot is the same only where NICPCIeRoot is the GPU's.
const (
	NIC         = "nic"         // the kernel's name, for example mlx5_0
	NICLink     = "nicLink"     // how near, as nvidia-smi topo prints it: PIX, PXB, PHB, NODE, SYS
	NICPCIBusID = "nicPCIBusID" // for example 0000:1a:00.0
	NICPCIeRoot = "nicPCIeRoot" // for example pci0000:18; absent if unknown
	NICNUMANode = "nicNUMANode" // int; absent if unknown
)

// Standard attributes, under the names that Kubernetes gives them.
const (
	PCIeRoot = "resource.kubernetes.io/pcieRoot" // PCIe root complex of the GPU
	PCIBusID = "resource.kubernetes.io/pciBusID" // PCI address of the GPU
	NUMANode = "resource.kubernetes.io/numaNode" // NUMA node that the GPU is near to
)

// Values of the attribute Type.
const (
	TypeGPU   = "gpu"
	TypeMIG   = "mig"
	TypeShare = "share"
)

// Capacities.
const (
	Memory          = "memory"          // what CUDA sees of it
	Multiprocessors = "multiprocessors" // streaming multiprocessors of a slice
	CopyEngines     = "copyEngines"     // of a slice
	Decoders        = "decoders"        // video decoders of a slice
	Encoders        = "encoders"        // video encoders of a slice
	JPEGEngines     = "jpegEngines"     // JPEG engines of a slice
	OFAEngines      = "ofaEngines"      // optical flow accelerators of a slice
)

// GPUDevice is the device name of a whole GPU.
func GPUDevice(index int64) string { return fmt.Sprintf("gpu-%d", index) }

// ShareDevice is the device name of the GPU whose memory is shared.
func ShareDevice(index int64) string { return fmt.Sprintf("gpu-%d-share", index) }

// MIGDevice is the device name of one MIG placement. The profile id keeps names
// apart that differ only in characters which device names cannot have.
func MIGDevice(index int64, profile *mig.Profile, start int64) string {
	return fmt.Sprintf("gpu-%d-mig-%s-%d-%d", index, profileLabel(profile.Name), profile.ID, start)
}

// profileLabel makes a profile name fit for a DNS label, as NVIDIA's driver does:
// lower case, dots dropped, everything else a dash.
func profileLabel(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		case r == '.':
			return -1
		}
		return '-'
	}, name)
}

// CounterSet is the counter set that all devices of a GPU draw on.
func CounterSet(index int64) string { return fmt.Sprintf("gpu-%d-counter-set", index) }

// Counters of a GPU. A GPU without MIG has WholeCounter alone.
const (
	WholeCounter   = "gpu"
	DecoderCounter = "decoders"
	EncoderCounter = "encoders"
	JPEGCounter    = "jpeg-engines"
	OFACounter     = "ofa-engines"
)

// SliceCounter is the counter of one memory slice of a GPU with MIG; its value is 1.
func SliceCounter(slice int64) string { return fmt.Sprintf("%s%d", SliceCounterPrefix, slice) }
