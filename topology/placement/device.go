package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Form is how a GPU is handed out.
type Form uint8

// The forms. A GPU is in at most one of them at a time.
const (
	Whole Form = iota // the GPU alone
	MIG               // a hardware slice of it
	Share             // part of its memory, beside others
)

func (f Form) String() string { return [...]string{"whole", "mig", "share"}[f] }

// Device is one thing that a node can hand out.
type Device struct {
	Form Form
	// GPU is the index in the node's GPUs.
	GPU int
	// Memory is what one holder can allocate: all of it for a whole GPU, the
	// instance's for MIG, and for a share the most that all holders get together.
	Memory topology.Bytes
	// Profile, Placement and Media describe a MIG instance; zero otherwise.
	Profile   mig.ProfileID
	Placement mig.Placement
	Media     mig.Media

	// slices is Placement.Slices, and scarce whether Media is not zero; both are
	// filled in by NewInventory.
	slices mig.Slices
	scarce bool
}

// ShareSize is how much of a GPU a share takes. It says nothing about other forms.
type ShareSize struct {
	// Bytes is its memory, 0 for all of the GPU's.
	Bytes topology.Bytes
	// Compute is its part of the GPU's compute, 0 if that is left open: then nothing
	// is set aside.
	Compute topology.MilliGPU
}

// DeviceSet is a set of an inventory's devices, by index.
type DeviceSet []uint64

// NewDeviceSet returns an empty set that can hold size devices.
func NewDeviceSet(size int) DeviceSet { return make(DeviceSet, (size+63)/64) }

// Add puts device i into the set.
func (s DeviceSet) Add(i int) { s[i/64] |= 1 << (i % 64) }

// Has reports whether device i is in the set.
func (s DeviceSet) Has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// nextDevice returns the smallest device in the set that is at least i; -1 if there is none.
func (s DeviceSet) nextDevice(i int) int {
	for word := i / 64; word < len(s); word++ {
		rest := s[word]
		if word == i/64 {
			rest &^= 1<<(i%64) - 1
		}
		if rest != 0 {
			return word*64 + bits.TrailingZeros64(rest)
		}
	}
	return -1
}

// Empty reports whether nothing is in the set.
func (s DeviceSet) Empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}
