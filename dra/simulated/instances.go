package simulated

import (
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// instanceHandle is NVML's handle of a GPU instance. It is of no use once the instance
// is destroyed, even if another one has its number then.
type instanceHandle struct {
	nvml.GpuInstance // answers ERROR_NOT_SUPPORTED to whatever is not below
	gpu              *simulatedGPU
	id               uint32
	serial           uint64
}

func (d *simulatedGPU) instanceHandle(instance *gpuInstance) *instanceHandle {
	return &instanceHandle{GpuInstance: unsupportedInstance(), gpu: d, id: instance.ID, serial: instance.Serial}
}

// in finds the handle's instance.
func (h *instanceHandle) in(state *gpuState) *gpuInstance {
	if instance := state.instance(h.id); instance != nil && instance.Serial == h.serial {
		return instance
	}
	return nil
}

// CreateGpuInstance creates an instance at the first placement that is free.
func (d *simulatedGPU) CreateGpuInstance(info *nvml.GpuInstanceProfileInfo) (nvml.GpuInstance, nvml.Return) {
	return d.createInstance(info, nil)
}

// CreateGpuInstanceWithPlacement creates an instance at the placement.
func (d *simulatedGPU) CreateGpuInstanceWithPlacement(info *nvml.GpuInstanceProfileInfo,
	placement *nvml.GpuInstancePlacement) (nvml.GpuInstance, nvml.Return) {
	if placement == nil {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	return d.createInstance(info, placement)
}

func (d *simulatedGPU) createInstance(info *nvml.GpuInstanceProfileInfo, at *nvml.GpuInstancePlacement) (nvml.GpuInstance, nvml.Return) {
	if info == nil {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	if d.table == nil {
		return nil, nvml.ERROR_NOT_SUPPORTED
	}
	var handle *instanceHandle
	ret := d.changeState(CallCreateInstance, func(state *gpuState) nvml.Return {
		if !state.MIG {
			return nvml.ERROR_NOT_SUPPORTED
		}
		profile, found := d.table.Profile(mig.ProfileID(info.Id))
		if !found {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		candidates := profile.Placements
		if at != nil {
			wanted := mig.Placement{Start: int64(at.Start), Size: int64(at.Size)}
			if !slices.Contains(profile.Placements, wanted) {
				return nvml.ERROR_INVALID_ARGUMENT
			}
			candidates = []mig.Placement{wanted}
		}
		for _, placement := range candidates {
			if d.hasRoom(state, profile, placement) {
				handle = d.instanceHandle(state.addInstance(uint32(profile.ID), placement))
				return nvml.SUCCESS
			}
		}
		return nvml.ERROR_INSUFFICIENT_RESOURCES
	})
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	return handle, nvml.SUCCESS
}

// hasRoom reports whether an instance can be created beside those that exist. Instances
// of profiles that the table lacks count with their slices alone.
func (d *simulatedGPU) hasRoom(state *gpuState, profile *mig.Profile, placement mig.Placement) bool {
	var occupied mig.Occupancy
	same := int64(0)
	for i := range state.Instances {
		instance := &state.Instances[i]
		if other, found := d.table.Profile(mig.ProfileID(instance.Profile)); found {
			occupied = occupied.Place(other, instance.placement())
		} else {
			occupied.Slices |= instance.placement().Slices()
		}
		if mig.ProfileID(instance.Profile) == profile.ID {
			same++
		}
	}
	return (profile.Max == 0 || same < profile.Max) && d.table.CanPlace(occupied, profile, placement)
}

// GetGpuInstanceRemainingCapacity counts how many instances of a profile can still be
// created.
func (d *simulatedGPU) GetGpuInstanceRemainingCapacity(info *nvml.GpuInstanceProfileInfo) (int, nvml.Return) {
	state, profile, ret := d.inMIGMode(info)
	if ret != nvml.SUCCESS {
		return 0, ret
	}
	count, trial := 0, state.clone()
	for _, placement := range profile.Placements {
		if d.hasRoom(trial, profile, placement) {
			trial.addInstance(uint32(profile.ID), placement)
			count++
		}
	}
	return count, nvml.SUCCESS
}

// GetGpuInstances lists the instances of a profile.
func (d *simulatedGPU) GetGpuInstances(info *nvml.GpuInstanceProfileInfo) ([]nvml.GpuInstance, nvml.Return) {
	state, profile, ret := d.inMIGMode(info)
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	handles := []nvml.GpuInstance{}
	for i := range state.Instances {
		if mig.ProfileID(state.Instances[i].Profile) == profile.ID {
			handles = append(handles, d.instanceHandle(&state.Instances[i]))
		}
	}
	return handles, nvml.SUCCESS
}

// inMIGMode begins a call that needs MIG mode and a profile.
func (d *simulatedGPU) inMIGMode(info *nvml.GpuInstanceProfileInfo) (*gpuState, *mig.Profile, nvml.Return) {
	if info == nil {
		return nil, nil, nvml.ERROR_INVALID_ARGUMENT
	}
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nil, nil, ret
	}
	if d.table == nil || !state.MIG {
		return nil, nil, nvml.ERROR_NOT_SUPPORTED
	}
	profile, found := d.table.Profile(mig.ProfileID(info.Id))
	if !found {
		return nil, nil, nvml.ERROR_INVALID_ARGUMENT
	}
	return state, profile, nvml.SUCCESS
}

// GetGpuInstanceById finds an instance by its number.
func (d *simulatedGPU) GetGpuInstanceById(id int) (nvml.GpuInstance, nvml.Return) { //nolint:revive // the name is go-nvml's
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	if d.table == nil || !state.MIG {
		return nil, nvml.ERROR_NOT_SUPPORTED
	}
	if id < 0 {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	instance := state.instance(uint32(id))
	if instance == nil {
		return nil, nvml.ERROR_NOT_FOUND
	}
	return d.instanceHandle(instance), nvml.SUCCESS
}

// GetInfo says what the instance is and where.
func (h *instanceHandle) GetInfo() (nvml.GpuInstanceInfo, nvml.Return) {
	_, instance, ret := h.begin()
	if ret != nvml.SUCCESS {
		return nvml.GpuInstanceInfo{}, ret
	}
	return nvml.GpuInstanceInfo{
		Device: h.gpu, Id: instance.ID, ProfileId: instance.Profile,
		Placement: nvml.GpuInstancePlacement{Start: instance.Start, Size: instance.Size},
	}, nvml.SUCCESS
}

// begin begins a call that reads the instance.
func (h *instanceHandle) begin() (*gpuState, *gpuInstance, nvml.Return) {
	state, ret := h.gpu.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nil, nil, ret
	}
	instance := h.in(state)
	if instance == nil {
		return nil, nil, nvml.ERROR_INVALID_ARGUMENT
	}
	return state, instance, nvml.SUCCESS
}

// Destroy destroys the instance, unless it has compute instances or processes.
func (h *instanceHandle) Destroy() nvml.Return {
	return h.gpu.changeState(CallDestroyInstance, func(state *gpuState) nvml.Return {
		instance := h.in(state)
		if instance == nil {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		if len(instance.Compute) > 0 || state.busy(h.id) {
			return nvml.ERROR_IN_USE
		}
		state.Instances = slices.DeleteFunc(state.Instances, func(i gpuInstance) bool { return i.ID == h.id })
		return nvml.SUCCESS
	})
}
