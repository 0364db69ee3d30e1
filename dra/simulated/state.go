package simulated

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// stateVersion is the layout of gpuState. A file of another one is refused.
const stateVersion = 1

// gpuState is everything of a GPU that changes. It is written to a file as a whole.
type gpuState struct {
	Version int    `json:"version"`
	UUID    string `json:"uuid"`
	// MemorySlices is how many the GPU's MIG table counts, 0 without MIG.
	MemorySlices int64 `json:"memorySlices,omitempty"`

	MIG        bool          `json:"mig"`
	PendingMIG bool          `json:"pendingMIG"`
	Instances  []gpuInstance `json:"instances,omitempty"`
	// NextSerial is that of the next instance: a handle does not outlive its instance,
	// though the number is given out again.
	NextSerial  uint64           `json:"nextSerial"`
	ComputeMode nvml.ComputeMode `json:"computeMode"`
	TimeSlice   int              `json:"timeSlice"`
	Processes   []Process        `json:"processes,omitempty"`

	Lost             bool   `json:"lost,omitempty"`
	Recovery         uint32 `json:"recovery,omitempty"`
	UncorrectableECC uint64 `json:"uncorrectableECC,omitempty"`
	RowsPending      bool   `json:"rowsPending,omitempty"`
	RowsFailed       bool   `json:"rowsFailed,omitempty"`
	Throttle         uint64 `json:"throttle,omitempty"`

	// Events are the latest, oldest first; LastEvent is the number of the last one.
	Events    []gpuEvent `json:"events,omitempty"`
	LastEvent uint64     `json:"lastEvent"`

	Latency map[CallKind]time.Duration `json:"latency,omitempty"`
	Hangs   []CallKind                 `json:"hangs,omitempty"`
	Refuse  []refusal                  `json:"refuse,omitempty"`
}

// gpuInstance is a MIG GPU instance.
type gpuInstance struct {
	ID      uint32            `json:"id"`
	Serial  uint64            `json:"serial"`
	Profile uint32            `json:"profile"`
	Start   uint32            `json:"start"`
	Size    uint32            `json:"size"`
	Compute []computeInstance `json:"compute,omitempty"`
}

func (i gpuInstance) placement() mig.Placement {
	return mig.Placement{Start: int64(i.Start), Size: int64(i.Size)}
}

// computeInstance is a compute instance in a GPU instance; Start and Size count compute
// slices of it.
type computeInstance struct {
	ID      uint32 `json:"id"`
	Serial  uint64 `json:"serial"`
	Profile uint32 `json:"profile"`
	Start   uint32 `json:"start"`
	Size    uint32 `json:"size"`
}

// gpuEvent is an event as NVML gives it.
type gpuEvent struct {
	Number          uint64 `json:"number"`
	Type            uint64 `json:"type"`
	Data            uint64 `json:"data,omitempty"`
	GPUInstance     uint32 `json:"gpuInstance"`
	ComputeInstance uint32 `json:"computeInstance"`
}

// refusal makes the next calls of a kind fail.
type refusal struct {
	Kind  CallKind    `json:"kind"`
	Code  nvml.Return `json:"code"`
	Times int         `json:"times"`
}

// keptEvents is how many events a GPU keeps. A set that does not wait for longer misses
// the older ones.
const keptEvents = 64

func (s *gpuState) addEvent(event gpuEvent) {
	s.LastEvent++
	event.Number = s.LastEvent
	s.Events = append(s.Events, event)
	if len(s.Events) > keptEvents {
		s.Events = slices.Clone(s.Events[len(s.Events)-keptEvents:])
	}
}

// clone copies what change may write to.
func (s *gpuState) clone() *gpuState {
	copied := *s
	copied.Instances = slices.Clone(s.Instances)
	for i := range copied.Instances {
		copied.Instances[i].Compute = slices.Clone(copied.Instances[i].Compute)
	}
	copied.Processes, copied.Events = slices.Clone(s.Processes), slices.Clone(s.Events)
	copied.Latency, copied.Hangs = maps.Clone(s.Latency), slices.Clone(s.Hangs)
	copied.Refuse = slices.Clone(s.Refuse)
	return &copied
}

// instance finds a GPU instance by its number.
func (s *gpuState) instance(id uint32) *gpuInstance {
	for i := range s.Instances {
		if s.Instances[i].ID == id {
			return &s.Instances[i]
		}
	}
	return nil
}

// addInstance adds a GPU instance under the smallest free number of its size: 0 for the
// whole of an A100, 1 and 2 for its halves, 3 to 6 for quarters, 7 and up for the rest.
func (s *gpuState) addInstance(profile uint32, placement mig.Placement) *gpuInstance {
	id := uint32(max(0, s.MemorySlices/max(1, placement.Size)-1))
	for s.instance(id) != nil {
		id++
	}
	s.NextSerial++
	s.Instances = append(s.Instances, gpuInstance{
		ID: id, Serial: s.NextSerial, Profile: profile, Start: uint32(placement.Start), Size: uint32(placement.Size),
	})
	return &s.Instances[len(s.Instances)-1]
}

// overlapping finds an instance that has slices of the placement.
func (s *gpuState) overlapping(placement mig.Placement) *gpuInstance {
	for i := range s.Instances {
		other := s.Instances[i].placement()
		if placement.Start < other.Start+other.Size && other.Start < placement.Start+placement.Size {
			return &s.Instances[i]
		}
	}
	return nil
}

// busy reports whether a process uses the GPU; with instances, whether one uses that
// GPU instance, or that compute instance of it.
func (s *gpuState) busy(instances ...uint32) bool {
	return slices.ContainsFunc(s.Processes, func(p Process) bool {
		return (len(instances) < 1 || p.GPUInstance != nil && *p.GPUInstance == instances[0]) &&
			(len(instances) < 2 || p.ComputeInstance != nil && *p.ComputeInstance == instances[1])
	})
}

// reset does what a reset of the GPU does: MIG mode as asked for, no instances and no
// processes, errors cleared.
func (s *gpuState) reset() {
	s.MIG, s.Lost, s.Recovery = s.PendingMIG, false, 0
	s.Instances, s.Processes = nil, nil
	s.UncorrectableECC, s.RowsPending, s.Throttle = 0, false, 0
	s.ComputeMode, s.TimeSlice = nvml.COMPUTEMODE_DEFAULT, 0
}

// check refuses a state that no call could have left.
func (s *gpuState) check(uuid string) error {
	switch {
	case s.Version != stateVersion:
		return fmt.Errorf("version %d of the state is not supported, %d is", s.Version, int64(stateVersion))
	case s.UUID != uuid && uuid != "":
		return fmt.Errorf("the state is of GPU %s, not of %s: every node needs a directory of its own", s.UUID, uuid)
	}
	for i := range s.Instances {
		for j := range s.Instances[:i] {
			if s.Instances[i].ID == s.Instances[j].ID {
				return fmt.Errorf("GPU instance %d occurs twice", s.Instances[i].ID)
			}
		}
	}
	return nil
}
