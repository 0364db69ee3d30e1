package hardware

import (
	"context"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// maxProfiles bounds how far numbers of profiles are tried: newer drivers have more than
// go-nvml knows, and end the list with ERROR_INVALID_ARGUMENT.
const (
	maxProfiles        = 64
	maxComputeProfiles = 16
)

// instanceProfile is a profile of GPU instances, as the GPU tells it.
type instanceProfile struct {
	enum int
	info nvml.GpuInstanceProfileInfo
}

// Instances implements Reader.
func (n *NVML) Instances(ctx context.Context, gpu string) ([]Instance, error) {
	var found []Instance
	err := n.on(ctx, gpu, n.options.ReadTimeout, func(o *operation, handle nvml.Device) error {
		mode, err := readMode(o, handle)
		if err != nil || !mode.current {
			return err
		}
		instances, err := n.listInstances(o, handle)
		if err == nil && o.finish() {
			found = instances
		}
		return err
	})
	return found, err
}

// listInstances lists what is there in MIG mode.
func (n *NVML) listInstances(o *operation, handle nvml.Device) ([]Instance, error) {
	profiles, err := n.profiles(o, handle)
	if err != nil {
		return nil, err
	}
	uuids, err := readMIGUUIDs(o, handle)
	if err != nil {
		return nil, err
	}
	var found []Instance
	seen := map[uint32]bool{}
	for _, profile := range profiles {
		o.begin(fmt.Sprintf("GetGpuInstances(profile %d)", profile.info.Id))
		handles, ret := handle.GetGpuInstances(&profile.info)
		if isAbsent(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		for _, instance := range handles {
			o.begin("GpuInstanceGetInfo")
			info, ret := instance.GetInfo()
			if isGone(ret) || ret == nvml.SUCCESS && seen[info.Id] {
				continue
			}
			if err := o.failure(ret); err != nil {
				return nil, err
			}
			seen[info.Id] = true
			parts, err := n.listCompute(o, handle, instance, info, uuids)
			if err != nil {
				return nil, err
			}
			found = append(found, parts...)
		}
	}
	return found, nil
}

// listCompute gives an Instance for each compute instance, or one without.
func (n *NVML) listCompute(o *operation, handle nvml.Device, instance nvml.GpuInstance, info nvml.GpuInstanceInfo,
	uuids map[computeKey]string) ([]Instance, error) {
	computes, err := computeInstances(o, instance)
	if err != nil {
		return nil, err
	}
	if len(computes) == 0 {
		return []Instance{n.describe(o, handle, info, 0, "")}, nil
	}
	var found []Instance
	for _, compute := range computes {
		found = append(found, n.describe(o, handle, info, compute.id, uuids[computeKey{info.Id, compute.id}]))
	}
	return found, nil
}

// describe puts an Instance together.
func (n *NVML) describe(o *operation, handle nvml.Device, info nvml.GpuInstanceInfo, compute uint32, uuid string) Instance {
	described := Instance{
		GPU: o.gpu, ID: info.Id, ComputeID: compute, UUID: uuid, Profile: mig.ProfileID(info.ProfileId),
		Placement: mig.Placement{Start: int64(info.Placement.Start), Size: int64(info.Placement.Size)},
	}
	o.begin("GetMinorNumber")
	if minor, ret := handle.GetMinorNumber(); ret == nvml.SUCCESS {
		described.Minor, described.ComputeMinor = n.minors.of(minor, info.Id, compute)
	}
	return described
}

// profiles are those that the GPU has, read once.
func (n *NVML) profiles(o *operation, handle nvml.Device) ([]instanceProfile, error) {
	n.mu.Lock()
	var found []instanceProfile
	if known := n.gpus[o.gpu]; known != nil {
		found = known.profiles
	}
	n.mu.Unlock()
	if found != nil {
		return found, nil
	}
	for enum := range maxProfiles {
		o.begin(fmt.Sprintf("GetGpuInstanceProfileInfo(%d)", enum))
		info, ret := handle.GetGpuInstanceProfileInfo(enum)
		if ret == nvml.ERROR_INVALID_ARGUMENT {
			break
		}
		if isAbsent(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		info.InstanceCount = max(1, info.InstanceCount)
		found = append(found, instanceProfile{enum: enum, info: info})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.gpus[o.gpu]; known != nil {
		known.profiles = found
	}
	return found, nil
}

// computeHandle is a compute instance that exists.
type computeHandle struct {
	id     uint32
	handle nvml.ComputeInstance
}

// computeProfiles are the profiles of compute instances in a GPU instance.
func computeProfiles(o *operation, instance nvml.GpuInstance) ([]nvml.ComputeInstanceProfileInfo, error) {
	var found []nvml.ComputeInstanceProfileInfo
	for enum := range maxComputeProfiles {
		o.begin(fmt.Sprintf("GetComputeInstanceProfileInfo(%d)", enum))
		info, ret := instance.GetComputeInstanceProfileInfo(enum, nvml.COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED)
		if isAbsent(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		info.InstanceCount = max(1, info.InstanceCount)
		found = append(found, info)
	}
	return found, nil
}

// computeInstances are the compute instances of a GPU instance, whoever created them.
func computeInstances(o *operation, instance nvml.GpuInstance) ([]computeHandle, error) {
	profiles, err := computeProfiles(o, instance)
	if err != nil {
		return nil, err
	}
	var found []computeHandle
	seen := map[uint32]bool{}
	for _, profile := range profiles {
		o.begin(fmt.Sprintf("GetComputeInstances(profile %d)", profile.Id))
		handles, ret := instance.GetComputeInstances(&profile)
		if isAbsent(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		for _, handle := range handles {
			o.begin("ComputeInstanceGetInfo")
			info, ret := handle.GetInfo()
			if isGone(ret) || ret == nvml.SUCCESS && seen[info.Id] {
				continue
			}
			if err := o.failure(ret); err != nil {
				return nil, err
			}
			seen[info.Id] = true
			found = append(found, computeHandle{id: info.Id, handle: handle})
		}
	}
	return found, nil
}

// computeKey names a compute instance of a GPU.
type computeKey struct{ instance, compute uint32 }

// readMIGUUIDs reads the UUIDs of the GPU's MIG devices. Indexes may have gaps.
func readMIGUUIDs(o *operation, handle nvml.Device) (map[computeKey]string, error) {
	o.begin("GetMaxMigDeviceCount")
	count, ret := handle.GetMaxMigDeviceCount()
	if err := o.failure(ret); err != nil {
		return nil, err
	}
	uuids := map[computeKey]string{}
	for index := range min(count, maxProfiles) {
		o.begin(fmt.Sprintf("GetMigDeviceHandleByIndex(%d)", index))
		device, ret := handle.GetMigDeviceHandleByIndex(index)
		if isGone(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		o.begin("GetGpuInstanceId")
		instance, ret := device.GetGpuInstanceId()
		if isGone(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		o.begin("GetComputeInstanceId")
		compute, ret := device.GetComputeInstanceId()
		if isGone(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		o.begin("GetUUID")
		uuid, ret := device.GetUUID()
		if isGone(ret) {
			continue
		}
		if err := o.failure(ret); err != nil {
			return nil, err
		}
		if err := CheckUUID(uuid); err != nil {
			return nil, fmt.Errorf("GPU %s: MIG device %d: %w", o.gpu, index, err)
		}
		uuids[computeKey{uint32(instance), uint32(compute)}] = uuid
	}
	return uuids, nil
}
