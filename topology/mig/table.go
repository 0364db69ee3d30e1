package mig

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// ProfileID is NVML's GPU instance profile id, stable across driver versions.
type ProfileID int64

// Placement is where an instance lies on its GPU, in memory slices.
type Placement struct{ Start, Size int64 }

// String prints the placement as start:size.
func (p Placement) String() string { return fmt.Sprintf("%d:%d", p.Start, p.Size) }

// Overlaps reports whether two placements share a memory slice.
func (p Placement) Overlaps(other Placement) bool {
	return p.Start < other.Start+other.Size && other.Start < p.Start+p.Size
}

// Slices is a set of memory slices of one GPU: bit i is slice i.
type Slices uint16

// Slices returns the slices that the placement covers.
func (p Placement) Slices() Slices { return Slices((1<<p.Size - 1) << p.Start) }

// Media counts a GPU's media engines, or those an instance takes.
type Media struct{ Decoders, Encoders, JPEG, OFA int64 }

// Profile is one kind of GPU instance that a model offers.
type Profile struct {
	ID ProfileID
	// Name is a label for people, for example "1g.10gb+me".
	Name string
	// Enum is NVML's GPU_INSTANCE_PROFILE constant, for example 0 for 1_SLICE.
	Enum int64
	// Max is the most instances of this profile that one GPU can hold.
	Max int64
	// Memory is what one instance can allocate; 0 where no capture shows it.
	Memory topology.Bytes
	// SMs is the number of multiprocessors; it is not linear in slices, and 0
	// where no capture shows it.
	SMs                         int64
	ComputeSlices, MemorySlices int64
	CopyEngines                 int64
	Media                       Media
	Placements                  []Placement
}

// Table is the MIG geometry of one GPU model. It is immutable.
type Table struct {
	// Name is the key that topology.Model.MIG refers to.
	Name                        string
	ComputeSlices, MemorySlices int64
	Media                       Media
	Profiles                    []Profile

	// Confidence and Source say where the table was seen.
	Confidence, Source string
}

// Profile returns the profile with the given id.
func (t *Table) Profile(id ProfileID) (*Profile, bool) {
	for i := range t.Profiles {
		if t.Profiles[i].ID == id {
			return &t.Profiles[i], true
		}
	}
	return nil, false
}
