package simulated

import (
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// computeSlices are the slices of each compute instance profile, whose number is its id
// as well.
var computeSlices = map[uint32]uint32{
	nvml.COMPUTE_INSTANCE_PROFILE_1_SLICE: 1, nvml.COMPUTE_INSTANCE_PROFILE_2_SLICE: 2,
	nvml.COMPUTE_INSTANCE_PROFILE_3_SLICE: 3, nvml.COMPUTE_INSTANCE_PROFILE_4_SLICE: 4,
	nvml.COMPUTE_INSTANCE_PROFILE_7_SLICE: 7,
}

// computeHandle is NVML's handle of a compute instance.
type computeHandle struct {
	nvml.ComputeInstance // answers ERROR_NOT_SUPPORTED to whatever is not below
	instance             *instanceHandle
	id                   uint32
	serial               uint64
}

func (h *instanceHandle) computeHandle(compute *computeInstance) *computeHandle {
	return &computeHandle{ComputeInstance: unsupportedCompute(), instance: h, id: compute.ID, serial: compute.Serial}
}

func (i *gpuInstance) compute(id uint32) *computeInstance {
	for j := range i.Compute {
		if i.Compute[j].ID == id {
			return &i.Compute[j]
		}
	}
	return nil
}

// slices is how many compute slices the instance has.
func (h *instanceHandle) slices(instance *gpuInstance) (slices, sms uint32) {
	profile, found := h.gpu.table.Profile(mig.ProfileID(instance.Profile))
	if !found {
		return instance.Size, 0
	}
	return uint32(profile.ComputeSlices), uint32(profile.SMs)
}

// GetComputeInstanceProfileInfo says what a profile of compute instances has in this
// GPU instance.
func (h *instanceHandle) GetComputeInstanceProfileInfo(profile, engine int) (nvml.ComputeInstanceProfileInfo, nvml.Return) {
	if profile < 0 || profile >= nvml.COMPUTE_INSTANCE_PROFILE_COUNT || engine != nvml.COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED {
		return nvml.ComputeInstanceProfileInfo{}, nvml.ERROR_INVALID_ARGUMENT
	}
	_, instance, ret := h.begin()
	if ret != nvml.SUCCESS {
		return nvml.ComputeInstanceProfileInfo{}, ret
	}
	all, sms := h.slices(instance)
	count, known := computeSlices[uint32(profile)]
	if !known || count > all {
		return nvml.ComputeInstanceProfileInfo{}, nvml.ERROR_NOT_SUPPORTED
	}
	return nvml.ComputeInstanceProfileInfo{
		Id: uint32(profile), SliceCount: count, InstanceCount: all / count, MultiprocessorCount: sms * count / all,
	}, nvml.SUCCESS
}

// CreateComputeInstance creates a compute instance on the first slices that are free.
func (h *instanceHandle) CreateComputeInstance(info *nvml.ComputeInstanceProfileInfo) (nvml.ComputeInstance, nvml.Return) {
	if info == nil {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	var handle *computeHandle
	ret := h.gpu.changeState(CallCreateCompute, func(state *gpuState) nvml.Return {
		instance := h.in(state)
		if instance == nil {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		all, _ := h.slices(instance)
		size, known := computeSlices[info.Id]
		if !known || size > all {
			return nvml.ERROR_NOT_SUPPORTED
		}
		start, found := instance.freeSlices(size, all)
		if !found {
			return nvml.ERROR_INSUFFICIENT_RESOURCES
		}
		id := uint32(0)
		for instance.compute(id) != nil {
			id++
		}
		state.NextSerial++
		instance.Compute = append(instance.Compute, computeInstance{
			ID: id, Serial: state.NextSerial, Profile: info.Id, Start: start, Size: size,
		})
		handle = h.computeHandle(instance.compute(id))
		return nvml.SUCCESS
	})
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	return handle, nvml.SUCCESS
}

// freeSlices finds the first start of so many free compute slices.
func (i *gpuInstance) freeSlices(size, all uint32) (start uint32, found bool) {
	for ; start+size <= all; start++ {
		taken := slices.ContainsFunc(i.Compute, func(c computeInstance) bool {
			return start < c.Start+c.Size && c.Start < start+size
		})
		if !taken {
			return start, true
		}
	}
	return 0, false
}

// GetComputeInstances lists the compute instances of a profile.
func (h *instanceHandle) GetComputeInstances(info *nvml.ComputeInstanceProfileInfo) ([]nvml.ComputeInstance, nvml.Return) {
	if info == nil {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	_, instance, ret := h.begin()
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	handles := []nvml.ComputeInstance{}
	for i := range instance.Compute {
		if instance.Compute[i].Profile == info.Id {
			handles = append(handles, h.computeHandle(&instance.Compute[i]))
		}
	}
	return handles, nvml.SUCCESS
}

// GetComputeInstanceById finds a compute instance by its number.
func (h *instanceHandle) GetComputeInstanceById(id int) (nvml.ComputeInstance, nvml.Return) { //nolint:revive // the name is go-nvml's
	if id < 0 {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	_, instance, ret := h.begin()
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	compute := instance.compute(uint32(id))
	if compute == nil {
		return nil, nvml.ERROR_NOT_FOUND
	}
	return h.computeHandle(compute), nvml.SUCCESS
}

// in finds the handle's compute instance.
func (c *computeHandle) in(instance *gpuInstance) *computeInstance {
	if compute := instance.compute(c.id); compute != nil && compute.Serial == c.serial {
		return compute
	}
	return nil
}

// GetInfo says what the compute instance is and where.
func (c *computeHandle) GetInfo() (nvml.ComputeInstanceInfo, nvml.Return) {
	_, instance, ret := c.instance.begin()
	if ret != nvml.SUCCESS {
		return nvml.ComputeInstanceInfo{}, ret
	}
	compute := c.in(instance)
	if compute == nil {
		return nvml.ComputeInstanceInfo{}, nvml.ERROR_INVALID_ARGUMENT
	}
	return nvml.ComputeInstanceInfo{
		Device: c.instance.gpu, GpuInstance: c.instance, Id: compute.ID, ProfileId: compute.Profile,
		Placement: nvml.ComputeInstancePlacement{Start: compute.Start, Size: compute.Size},
	}, nvml.SUCCESS
}

// Destroy destroys the compute instance, unless processes use it.
func (c *computeHandle) Destroy() nvml.Return {
	return c.instance.gpu.changeState(CallDestroyCompute, func(state *gpuState) nvml.Return {
		instance := c.instance.in(state)
		if instance == nil || c.in(instance) == nil {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		if state.busy(instance.ID, c.id) {
			return nvml.ERROR_IN_USE
		}
		instance.Compute = slices.DeleteFunc(instance.Compute, func(i computeInstance) bool { return i.ID == c.id })
		return nvml.SUCCESS
	})
}
