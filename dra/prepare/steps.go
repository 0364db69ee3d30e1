package prepare

import (
	"context"
	"fmt"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
)

// StepKind is what a step does.
type StepKind string

// The kinds, in the order in which they are done.
const (
	StepMIGMode   StepKind = "MIG mode"
	StepInstance  StepKind = "MIG instance"
	StepTimeSlice StepKind = "time slice"
	StepExclusive StepKind = "exclusive mode"
	StepMPS       StepKind = "MPS daemon"
	StepSpec      StepKind = "CDI spec"
)

// Step is one thing to do for a claim.
type Step struct {
	Kind StepKind
	// Device is the index of the claim's device for which it is done; of several that
	// need the same of one GPU, the first.
	Device int
}

// PlanSteps are the steps for a claim, in order. What is to be done to a GPU is there once.
func PlanSteps(claim checkpoint.Claim) []Step {
	var steps []Step
	for _, kind := range []StepKind{StepMIGMode, StepInstance, StepTimeSlice, StepExclusive, StepMPS} {
		seen := map[string]bool{}
		for i, device := range claim.Devices {
			target := device.GPU
			if device.Form == dra.FormMIG && kind != StepMIGMode {
				target = device.Name
			}
			if needsStep(device, kind) && !seen[target] {
				seen[target] = true
				steps = append(steps, Step{Kind: kind, Device: i})
			}
		}
	}
	return append(steps, Step{Kind: StepSpec})
}

func needsStep(device checkpoint.Device, kind StepKind) bool {
	switch kind {
	case StepInstance:
		return device.Form == dra.FormMIG // with admin access it is only looked up
	case StepMIGMode:
		return device.MIGMode != ""
	case StepTimeSlice:
		return device.TimeSlice != nil && device.Form != dra.FormMIG
	case StepExclusive:
		return device.MPS != nil && device.Form != dra.FormMIG
	case StepMPS:
		return device.MPS != nil
	}
	return false
}

// doStep does one step, and notes in the record what became known by it. adopted are
// MIG instances that exist and are the claim's, by device.
func (m *Manager) doStep(ctx context.Context, claim *checkpoint.Claim, step Step, adopted map[int]hardware.Instance) error {
	device := &claim.Devices[step.Device]
	switch step.Kind {
	case StepMIGMode:
		return m.switchMode(ctx, *device)
	case StepInstance:
		instance, found := adopted[step.Device]
		var err error
		switch {
		case found:
		case device.Admin:
			instance, err = m.existingInstance(ctx, *device)
		default:
			instance, err = m.options.Writer.CreateInstance(ctx, device.GPU, device.ProfileID, device.Placement())
		}
		if err != nil {
			return err
		}
		device.Instance = &checkpoint.Instance{
			ID: instance.ID, ComputeID: instance.ComputeID, UUID: instance.UUID,
			Minor: instance.Minor, ComputeMinor: instance.ComputeMinor,
		}
		return nil
	case StepTimeSlice:
		return m.options.Writer.SetTimeSlice(ctx, device.GPU, *device.TimeSlice)
	case StepExclusive:
		return m.options.Writer.SetExclusive(ctx, device.GPU, true)
	case StepMPS:
		return m.options.MPS.EnsureDaemon(ctx, MPSDaemon{GPU: device.GPU, Device: mpsDevice(*device)})
	case StepSpec:
		ids, err := m.options.CDI.WriteSpec(ctx, claim.CloneRecord())
		if err != nil {
			return err
		}
		if len(ids) != len(claim.Devices) {
			return fmt.Errorf("it names %d devices of %d", len(ids), len(claim.Devices))
		}
		for i := range claim.Devices {
			claim.Devices[i].CDI = ids[i]
		}
		return nil
	}
	return fmt.Errorf("there is no step %q", step.Kind)
}

// mpsDevice is the UUID of what an MPS daemon serves: a MIG instance or a GPU.
func mpsDevice(device checkpoint.Device) string {
	if device.Instance != nil {
		return device.Instance.UUID
	}
	return device.GPU
}
