package prepare

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
)

// undoClaim undoes whatever was done of a record, and then deletes it. The caller has the
// locks of the claim and of its GPUs. untouched are devices whose MIG instance, if there
// is one, is not the claim's. After an error the record is still there.
func (m *Manager) undoClaim(ctx context.Context, claim checkpoint.Claim, untouched map[int]bool) error {
	if err := m.undoSteps(ctx, claim, untouched); err != nil {
		return err
	}
	m.options.Between("before deleting the record")
	if err := m.store.DeleteClaim(claim.UID); err != nil {
		return fmt.Errorf("claim %s: %w", claim, err)
	}
	return nil
}

// undoSteps undoes in the reverse order: CDI spec, MPS, exclusive mode, time slice, MIG
// instances. MIG mode is left as it is. What is not there is no error. One GPU's trouble
// does not keep the others from being undone.
func (m *Manager) undoSteps(ctx context.Context, claim checkpoint.Claim, untouched map[int]bool) error {
	m.options.Between("before removing the CDI spec")
	if err := m.options.CDI.RemoveSpec(ctx, claim.UID); err != nil {
		return fmt.Errorf("claim %s, %s: %w", claim, StepSpec, err)
	}
	var errs []error
	for _, gpu := range claim.GPUs() {
		err := m.undoSharing(ctx, claim, gpu)
		if err == nil && claim.HoldsDevices() {
			err = m.undoInstances(ctx, claim, gpu, untouched)
		}
		if errors.Is(err, hardware.ErrGPULost) {
			// A GPU comes back by a reset, after which there are no instances and
			// no settings. The claim must not wait for that.
			claimLogger(ctx, claim).Error(err, "Took the claim as undone on a GPU that is lost", "gpu", gpu)
			err = nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// undoSharing ends MPS and resets the time slice of a GPU, if the claim is the last with them.
func (m *Manager) undoSharing(ctx context.Context, claim checkpoint.Claim, gpu string) error {
	for i, device := range claim.Devices {
		if device.GPU != gpu || device.Form == dra.FormMIG {
			continue
		}
		fail := func(step StepKind, err error) error { return deviceError(claim, claim.Devices[i], step, err) }
		if device.MPS != nil && !m.hasOthers(claim.UID, gpu, func(d checkpoint.Device) bool { return d.MPS != nil && d.Form != dra.FormMIG }) {
			m.options.Between("before removing the MPS daemon")
			if err := m.options.MPS.RemoveDaemon(ctx, gpu); err != nil {
				return fail(StepMPS, err)
			}
			m.options.Between("before ending exclusive mode")
			if err := m.options.Writer.SetExclusive(ctx, gpu, false); err != nil {
				return fail(StepExclusive, err)
			}
		}
		if device.TimeSlice != nil && !m.hasOthers(claim.UID, gpu, func(d checkpoint.Device) bool { return d.TimeSlice != nil }) {
			m.options.Between("before resetting the time slice")
			if err := m.options.Writer.SetTimeSlice(ctx, gpu, hardware.DefaultTimeSlice); err != nil {
				return fail(StepTimeSlice, err)
			}
		}
	}
	return nil
}

// hasOthers reports whether another claim that holds its devices has one like that on the GPU.
func (m *Manager) hasOthers(uid types.UID, gpu string, like func(checkpoint.Device) bool) bool {
	for _, other := range m.store.PreparedClaims() {
		if other.UID == uid || !other.HoldsDevices() {
			continue
		}
		for _, device := range other.Devices {
			if device.GPU == gpu && like(device) {
				return true
			}
		}
	}
	return false
}

// undoInstances destroys the claim's MIG instances on a GPU, with their MPS daemons.
func (m *Manager) undoInstances(ctx context.Context, claim checkpoint.Claim, gpu string, untouched map[int]bool) error {
	var instances []hardware.Instance
	read := false
	for i, device := range claim.Devices {
		if device.GPU != gpu || device.Form != dra.FormMIG || device.Admin || untouched[i] {
			continue
		}
		if !read {
			var err error
			if instances, err = m.instancesOf(ctx, gpu); err != nil {
				return deviceError(claim, device, StepInstance, err)
			}
			read = true
		}
		for _, instance := range instances {
			if !device.TakesInstance(instance) {
				continue
			}
			if device.MPS != nil && instance.UUID != "" {
				m.options.Between("before removing the MPS daemon")
				if err := m.options.MPS.RemoveDaemon(ctx, instance.UUID); err != nil {
					return deviceError(claim, device, StepMPS, err)
				}
			}
			m.options.Between("before destroying the MIG instance")
			if err := m.options.Writer.DestroyInstance(ctx, gpu, instance.ID); err != nil {
				return deviceError(claim, device, StepInstance, err)
			}
		}
	}
	return nil
}
