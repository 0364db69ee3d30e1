package prepare

import (
	"context"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
)

// ForeignInstances are the MIG instances of a GPU that no claim has. They are left alone;
// devices that overlap them cannot be prepared.
func (m *Manager) ForeignInstances(ctx context.Context, gpu string) ([]hardware.Instance, error) {
	instances, err := m.instancesOf(ctx, gpu)
	if err != nil {
		return nil, fmt.Errorf("MIG instances of GPU %s: %w", gpu, err)
	}
	return foreignOf(instances, m.store.PreparedClaims()), nil
}

func foreignOf(instances []hardware.Instance, claims []checkpoint.Claim) []hardware.Instance {
	return slices.DeleteFunc(slices.Clone(instances), func(instance hardware.Instance) bool {
		return slices.ContainsFunc(claims, func(claim checkpoint.Claim) bool {
			return claim.HoldsDevices() && slices.ContainsFunc(claim.Devices, func(device checkpoint.Device) bool {
				return device.TakesInstance(instance)
			})
		})
	})
}

// checkForeign refuses a claim whose devices foreign instances are in the way of. It
// returns those that are the claim's own although the checkpoint lost the claim: they
// lie exactly at its placements, and a CDI spec of it is there.
func (m *Manager) checkForeign(ctx context.Context, claim checkpoint.Claim, others []checkpoint.Claim) (map[int]hardware.Instance, error) {
	lost := m.store.IsIncomplete() && m.hasSpec(ctx, claim)
	adopted := map[int]hardware.Instance{}
	byGPU := map[string][]hardware.Instance{}
	for i, device := range claim.Devices {
		if device.Admin {
			continue
		}
		foreign, known := byGPU[device.GPU]
		if !known {
			instances, err := m.instancesOf(ctx, device.GPU)
			if err != nil {
				return nil, deviceError(claim, device, StepInstance, err)
			}
			foreign = foreignOf(instances, others)
			byGPU[device.GPU] = foreign
		}
		for _, instance := range foreign {
			switch {
			case lost && device.TakesInstance(instance):
				adopted[i] = instance
			case device.ExcludesDevice(instanceExtent(instance)):
				return nil, deviceError(claim, device, StepInstance, foreignInTheWay(instance))
			}
		}
	}
	return adopted, nil
}

func foreignInTheWay(instance hardware.Instance) error {
	return fmt.Errorf("instance %d (profile %d at %s) of GPU %s is in the way, which no claim has: "+
		"destroy it (nvidia-smi mig -i %s -dci -gi %d && nvidia-smi mig -i %s -dgi -gi %d), or keep this GPU from the driver",
		instance.ID, instance.Profile, instance.Placement, instance.GPU, instance.GPU, instance.ID, instance.GPU, instance.ID)
}

// instancesOf are the MIG instances of a GPU: none if it is not in MIG mode.
func (m *Manager) instancesOf(ctx context.Context, gpu string) ([]hardware.Instance, error) {
	if on, _, err := m.options.Reader.MIGMode(ctx, gpu); err != nil || !on {
		return nil, err
	}
	return m.options.Reader.Instances(ctx, gpu)
}

// hasSpec reports whether there is a CDI spec of the claim.
func (m *Manager) hasSpec(ctx context.Context, claim checkpoint.Claim) bool {
	uids, err := m.options.CDI.SpecClaims(ctx)
	return err == nil && slices.Contains(uids, claim.UID)
}

// instanceExtent is an instance as a device that excludes others.
func instanceExtent(instance hardware.Instance) checkpoint.Device {
	return checkpoint.Device{
		Form: dra.FormMIG, GPU: instance.GPU, PlacementStart: instance.Placement.Start, PlacementSize: instance.Placement.Size,
	}
}

// existingInstance finds the instance of a device that is only looked at.
func (m *Manager) existingInstance(ctx context.Context, device checkpoint.Device) (hardware.Instance, error) {
	instances, err := m.instancesOf(ctx, device.GPU)
	if err != nil {
		return hardware.Instance{}, err
	}
	for _, instance := range instances {
		if instance.Profile == device.ProfileID && instance.Placement == device.Placement() {
			return instance, nil
		}
	}
	return hardware.Instance{}, fmt.Errorf("there is no MIG instance of profile %d at %s, and admin access creates none: "+
		"ask for the whole GPU, or for an instance that is in use", device.ProfileID, device.Placement())
}
