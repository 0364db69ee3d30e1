package deviceapi

// Names that only NVIDIA's driver writes.
const (
	// TypeVFIO is the type of a whole GPU that is passed through to a virtual machine.
	TypeVFIO = "vfio"

	// ParentIndex is the NVML index of a MIG device's GPU. Releases that write it mean
	// the instance's own index by Index.
	ParentIndex = "parentIndex"

	// SliceCounterPrefix begins the name of each counter of a memory slice, see SliceCounter.
	SliceCounterPrefix = "memory-slice-"
	// SliceCapacityPrefix begins the names of the capacities that stand for the memory
	// slices of a MIG device that was made beforehand.
	SliceCapacityPrefix = "memorySlice"
)
