package hardware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// CreateInstance implements Writer. What was created is destroyed again if anything
// fails, also if the library returns only after CreateInstance has given it up.
func (n *NVML) CreateInstance(ctx context.Context, gpu string, profile mig.ProfileID, placement mig.Placement) (Instance, error) {
	var created Instance
	err := n.on(ctx, gpu, n.options.WriteTimeout, func(o *operation, handle nvml.Device) error {
		info, err := n.profile(o, handle, profile)
		if err != nil {
			return err
		}
		if placement.Start < 0 || placement.Size < 1 || placement.Start+placement.Size > maxProfiles {
			return fmt.Errorf("GPU %s: placement %s of profile %d is on no GPU", gpu, placement, profile)
		}
		at := nvml.GpuInstancePlacement{Start: uint32(placement.Start), Size: uint32(placement.Size)}
		o.begin(fmt.Sprintf("CreateGpuInstanceWithPlacement(profile %d at %s)", profile, placement))
		instance, ret := handle.CreateGpuInstanceWithPlacement(&info, &at)
		if err := o.failure(ret); err != nil {
			return err
		}
		complete, err := n.completeInstance(o, handle, instance, placement)
		if err == nil && !o.finish() {
			err = &CallError{Call: "CreateInstance", GPU: gpu, Code: nvml.ERROR_TIMEOUT, Kind: ErrHangs}
		}
		if err != nil {
			return errors.Join(err, destroyWhole(o, instance))
		}
		created = complete
		return nil
	})
	if err != nil {
		return Instance{}, err
	}
	return created, nil
}

// profile finds a profile by its id.
func (n *NVML) profile(o *operation, handle nvml.Device, id mig.ProfileID) (nvml.GpuInstanceProfileInfo, error) {
	profiles, err := n.profiles(o, handle)
	if err != nil {
		return nvml.GpuInstanceProfileInfo{}, err
	}
	for _, profile := range profiles {
		if mig.ProfileID(profile.info.Id) == id {
			return profile.info, nil
		}
	}
	return nvml.GpuInstanceProfileInfo{}, &CallError{
		Call: fmt.Sprintf("GetGpuInstanceProfileInfo(profile %d)", id), GPU: o.gpu, Code: nvml.ERROR_NOT_SUPPORTED,
	}
}

// completeInstance puts a compute instance that takes all of it into a GPU instance.
func (n *NVML) completeInstance(o *operation, handle nvml.Device, instance nvml.GpuInstance, placement mig.Placement) (Instance, error) {
	o.begin("GpuInstanceGetInfo")
	info, ret := instance.GetInfo()
	if err := o.failure(ret); err != nil {
		return Instance{}, err
	}
	if got := (mig.Placement{Start: int64(info.Placement.Start), Size: int64(info.Placement.Size)}); got != placement {
		return Instance{}, fmt.Errorf("GPU %s: NVML created GPU instance %d at %s instead of %s", o.gpu, info.Id, got, placement)
	}
	profiles, err := computeProfiles(o, instance)
	if err != nil {
		return Instance{}, err
	}
	if len(profiles) == 0 {
		return Instance{}, &CallError{Call: "GetComputeInstanceProfileInfo", GPU: o.gpu, Code: nvml.ERROR_NOT_SUPPORTED}
	}
	whole := slices.MaxFunc(profiles, func(a, b nvml.ComputeInstanceProfileInfo) int {
		return cmp.Or(cmp.Compare(a.SliceCount, b.SliceCount), cmp.Compare(a.MultiprocessorCount, b.MultiprocessorCount))
	})
	o.begin(fmt.Sprintf("CreateComputeInstance(profile %d in GPU instance %d)", whole.Id, info.Id))
	compute, ret := instance.CreateComputeInstance(&whole)
	if err := o.failure(ret); err != nil {
		return Instance{}, err
	}
	o.begin("ComputeInstanceGetInfo")
	computeInfo, ret := compute.GetInfo()
	if err := o.failure(ret); err != nil {
		return Instance{}, err
	}
	uuids, err := readMIGUUIDs(o, handle)
	if err != nil {
		return Instance{}, err
	}
	uuid, found := uuids[computeKey{info.Id, computeInfo.Id}]
	if !found {
		return Instance{}, fmt.Errorf("GPU %s: NVML has no MIG device for compute instance %d of GPU instance %d",
			o.gpu, computeInfo.Id, info.Id)
	}
	return n.describe(o, handle, info, computeInfo.Id, uuid), nil
}

// DestroyInstance implements Writer.
func (n *NVML) DestroyInstance(ctx context.Context, gpu string, instance uint32) error {
	return n.on(ctx, gpu, n.options.WriteTimeout, func(o *operation, handle nvml.Device) error {
		mode, err := readMode(o, handle)
		if err != nil || !mode.current {
			return err
		}
		o.begin(fmt.Sprintf("GetGpuInstanceById(%d)", instance))
		found, ret := handle.GetGpuInstanceById(int(instance))
		if isGone(ret) {
			return nil
		}
		if err := o.failure(ret); err != nil {
			return err
		}
		return destroyWhole(o, found)
	})
}

// destroyWhole destroys a GPU instance, its compute instances first. What somebody else
// destroys meanwhile is no error.
func destroyWhole(o *operation, instance nvml.GpuInstance) error {
	computes, err := computeInstances(o, instance)
	if err != nil {
		return err
	}
	for _, compute := range computes {
		o.begin(fmt.Sprintf("ComputeInstanceDestroy(%d)", compute.id))
		if ret := compute.handle.Destroy(); !isGone(ret) {
			if err := o.failure(ret); err != nil {
				return err
			}
		}
	}
	o.begin("GpuInstanceDestroy")
	if ret := instance.Destroy(); !isGone(ret) {
		return o.failure(ret)
	}
	return nil
}
