package configapi

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

// Strategy is how the processes on a device share it.
type Strategy string

// The strategies.
const (
	// None leaves the device as it is: processes of one claim take turns on it.
	None Strategy = "None"
	// TimeSlicing lets processes take turns, each for an interval.
	TimeSlicing Strategy = "TimeSlicing"
	// MPS lets processes run at the same time, through a control daemon of the device.
	MPS Strategy = "MPS"
)

// Config is how a device of one form is to be set up. The zero value of what it does not say
// means the default.
type Config struct {
	Form     dra.DeviceForm
	Strategy Strategy
	// Interval is that of TimeSlicing.
	Interval hardware.TimeSlice
	// ActiveThreadPercentage is the part of the multiprocessors that one process gets under
	// MPS, 1 to 100; 0 means that it follows from the share.
	ActiveThreadPercentage int64
	// PinnedMemory is what one process can allocate under MPS; 0 means that it follows from
	// the share.
	PinnedMemory topology.Bytes
}

// DefaultConfig is that of a device for which no config is given: whole GPUs and MIG instances
// are left as they are, shares are time-sliced.
func DefaultConfig(form dra.DeviceForm) Config {
	if form == dra.FormShare {
		return Config{Form: form, Strategy: TimeSlicing}
	}
	return Config{Form: form, Strategy: None}
}

// Limits are those under which a device's processes run. 0 means no limit.
type Limits struct {
	// ActiveThreadPercentage is 0 without MPS.
	ActiveThreadPercentage int64
	Memory                 topology.Bytes
}

// LimitsOf is what processes get that have been allocated so much of a device's memory. They
// get that memory and, with MPS, the same part of the multiprocessors, at least 1 %, unless
// the config says otherwise. It fails if the config gives more memory than was allocated:
// the rest belongs to others.
func (c Config) LimitsOf(allocated, memory topology.Bytes) (Limits, error) {
	if allocated <= 0 || memory <= 0 || allocated > memory {
		return Limits{}, fmt.Errorf("%s of %s are allocated: want more than nothing, and at most what there is", allocated, memory)
	}
	limits := Limits{}
	if c.Form == dra.FormShare {
		limits.Memory = allocated
	}
	if c.Strategy != MPS {
		return limits, nil
	}
	if c.PinnedMemory > allocated {
		return Limits{}, fmt.Errorf("pinnedMemoryLimit: %s is more than the %s that are allocated: "+
			"ask for a larger share, or leave the field out",
			c.PinnedMemory.ExactText(), allocated.ExactText())
	}
	if c.PinnedMemory > 0 {
		limits.Memory = c.PinnedMemory
	}
	limits.ActiveThreadPercentage = c.ActiveThreadPercentage
	if limits.ActiveThreadPercentage == 0 && c.Form == dra.FormShare {
		limits.ActiveThreadPercentage = max(1, int64(allocated*100/memory))
	}
	return limits, nil
}
