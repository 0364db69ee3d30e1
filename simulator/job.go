package simulator

import (
	"errors"
	"fmt"
)

// Job is one arrival: one pod, or a gang of them that starts and ends together.
type Job struct {
	Name string
	// Class is by what statistics are kept: the workload it comes from.
	Class    string
	Priority int64
	Arrives  Time
	// Loads is how long it takes from its placement until it does useful work: pulling
	// an image, reading a model. Runs is how long that work takes.
	Loads, Runs Time
	// Members is the number of pods, all of which are placed at once or none.
	Members int
	// SameDomain says that all members must be in one domain of nodes.
	SameDomain bool
	// Host and Template are what each member takes.
	Host     Host
	Template *PodTemplate
	// MaxWait is how long it waits for its first placement before it is given up; 0
	// for ever.
	MaxWait Time
	// Checkpoint is how often it saves its work: when it is interrupted, work since
	// then is lost; 0 for never.
	Checkpoint Time
	// Leaves is when it ends whatever it has done, 0 for when its work is done: a replica that
	// an autoscaler takes away.
	Leaves Time
	// Busy is for how many thousandths of its time it keeps its GPUs busy, 0 for always; see
	// Contention.
	Busy int64
	// Growth is memory that it allocates while it runs, zero for none.
	Growth MemoryGrowth
	// Best is the bandwidth that its GPUs would have on an empty cluster, in GB/s; 0 if
	// not known. See ClassResult.Bandwidth.
	Best int64
}

// MaxMembers bounds gangs.
const MaxMembers = 1024

func (j *Job) validateJob() error {
	for _, field := range []struct {
		name  string
		value Time
	}{
		{"Arrives", j.Arrives}, {"Loads", j.Loads}, {"Runs", j.Runs}, {"MaxWait", j.MaxWait}, {"Checkpoint", j.Checkpoint},
		{"Leaves", j.Leaves}, {"Growth.Over", j.Growth.Over},
	} {
		if field.value < 0 || field.value > MaxTime {
			return fmt.Errorf("%s is %d ms: want 0 to %s", field.name, int64(field.value), MaxTime)
		}
	}
	switch {
	case j.Members < 1 || j.Members > MaxMembers:
		return fmt.Errorf("has %d Members: want 1 to %d", j.Members, MaxMembers)
	case j.Busy < 0 || j.Busy > alone:
		return fmt.Errorf("is busy for %d thousandths of its time: want 0 to %d", j.Busy, alone)
	case j.Growth.To < 0:
		return fmt.Errorf("grows to %s: want no negative memory", j.Growth.To)
	case j.Template == nil:
		return errors.New("Template is missing") //nolint:staticcheck // it is the field's name
	}
	return j.Host.Validate()
}
