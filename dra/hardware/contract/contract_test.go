package contract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/google/go-cmp/cmp"
)

// subject is a GPU that keeps the contract or does not.
type subject struct {
	lib nvml.Interface
	gpu nvml.Device
	// switchMode switches MIG mode, with a reset where the GPU needs one.
	switchMode func(t *testing.T, on bool)
	// note keeps what the GPU answered.
	note func(what string, answer any)
}

// profile is what a GPU says of one of its profiles.
type profile struct {
	Enum       int
	Info       nvml.GpuInstanceProfileInfo
	Placements []nvml.GpuInstancePlacement
}

func (s subject) profiles(t *testing.T) []profile {
	t.Helper()
	var found []profile
	for enum := range nvml.GPU_INSTANCE_PROFILE_COUNT {
		info, ret := s.gpu.GetGpuInstanceProfileInfo(enum)
		if ret == nvml.ERROR_NOT_SUPPORTED || ret == nvml.ERROR_INVALID_ARGUMENT {
			continue
		}
		want(t, "GetGpuInstanceProfileInfo", ret, nvml.SUCCESS)
		placements, ret := s.gpu.GetGpuInstancePossiblePlacements(&info)
		want(t, "GetGpuInstancePossiblePlacements", ret, nvml.SUCCESS)
		slices.SortFunc(placements, func(a, b nvml.GpuInstancePlacement) int { return int(a.Start) - int(b.Start) })
		found = append(found, profile{enum, info, placements})
	}
	return found
}

// smallest is a profile of which several fit, whole the one that takes the GPU.
func (s subject) smallest(t *testing.T) (smallest, whole profile) {
	t.Helper()
	profiles := s.profiles(t)
	if len(profiles) == 0 {
		t.Fatal("no profiles")
	}
	smallest, whole = profiles[0], profiles[0]
	for _, p := range profiles {
		if len(p.Placements) > len(smallest.Placements) && p.Info.InstanceCount > 1 {
			smallest = p
		}
		if p.Placements[0].Size > whole.Placements[0].Size {
			whole = p
		}
	}
	return smallest, whole
}

func want(t *testing.T, call string, got nvml.Return, wanted ...nvml.Return) {
	t.Helper()
	if !slices.Contains(wanted, got) {
		t.Fatalf("%s: %v, want %v", call, got, wanted)
	}
}

func (s subject) create(t *testing.T, p profile, placement nvml.GpuInstancePlacement) nvml.GpuInstance {
	t.Helper()
	instance, ret := s.gpu.CreateGpuInstanceWithPlacement(&p.Info, &placement)
	want(t, "CreateGpuInstanceWithPlacement", ret, nvml.SUCCESS)
	t.Cleanup(func() { destroyAll(instance) })
	return instance
}

// destroyAll leaves nothing behind, whatever a test did before it failed.
func destroyAll(instance nvml.GpuInstance) {
	for enum := range nvml.COMPUTE_INSTANCE_PROFILE_COUNT {
		info, ret := instance.GetComputeInstanceProfileInfo(enum, nvml.COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED)
		if ret != nvml.SUCCESS {
			continue
		}
		computes, _ := instance.GetComputeInstances(&info)
		for _, compute := range computes {
			compute.Destroy()
		}
	}
	instance.Destroy()
}

func (s subject) createCompute(t *testing.T, instance nvml.GpuInstance) nvml.ComputeInstance {
	t.Helper()
	var largest *nvml.ComputeInstanceProfileInfo
	for enum := range nvml.COMPUTE_INSTANCE_PROFILE_COUNT {
		info, ret := instance.GetComputeInstanceProfileInfo(enum, nvml.COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED)
		if ret == nvml.SUCCESS && (largest == nil || info.SliceCount > largest.SliceCount) {
			largest = &info
		}
	}
	if largest == nil {
		t.Fatal("no profile of compute instances")
	}
	compute, ret := instance.CreateComputeInstance(largest)
	want(t, "CreateComputeInstance", ret, nvml.SUCCESS)
	return compute
}

// migDevices are the UUIDs of MIG devices by "<GPU instance>/<compute instance>".
func (s subject) migDevices(t *testing.T) map[string]string {
	t.Helper()
	count, ret := s.gpu.GetMaxMigDeviceCount()
	want(t, "GetMaxMigDeviceCount", ret, nvml.SUCCESS)
	found := map[string]string{}
	for index := range count {
		device, ret := s.gpu.GetMigDeviceHandleByIndex(index)
		if ret == nvml.ERROR_NOT_FOUND {
			continue
		}
		want(t, "GetMigDeviceHandleByIndex", ret, nvml.SUCCESS)
		instance, ret := device.GetGpuInstanceId()
		want(t, "GetGpuInstanceId", ret, nvml.SUCCESS)
		compute, ret := device.GetComputeInstanceId()
		want(t, "GetComputeInstanceId", ret, nvml.SUCCESS)
		uuid, ret := device.GetUUID()
		want(t, "GetUUID of a MIG device", ret, nvml.SUCCESS)
		isMIG, ret := device.IsMigDeviceHandle()
		want(t, "IsMigDeviceHandle", ret, nvml.SUCCESS)
		parent, ret := device.GetDeviceHandleFromMigDeviceHandle()
		want(t, "GetDeviceHandleFromMigDeviceHandle", ret, nvml.SUCCESS)
		parentUUID, _ := parent.GetUUID()
		if own, _ := s.gpu.GetUUID(); !isMIG || parentUUID != own || !strings.HasPrefix(uuid, "MIG-") {
			t.Errorf("MIG device %d: MIG %t, UUID %s, on GPU %s instead of %s", index, isMIG, uuid, parentUUID, own)
		}
		found[fmt.Sprintf("%d/%d", instance, compute)] = uuid
	}
	return found
}

// contract is what a GPU with MIG promises. Every entry starts in MIG mode, without
// instances.
var contract = map[string]func(*testing.T, subject){
	"placement as asked for": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		for _, placement := range []nvml.GpuInstancePlacement{p.Placements[len(p.Placements)-1], p.Placements[0]} {
			instance := s.create(t, p, placement)
			info, ret := instance.GetInfo()
			want(t, "GetInfo", ret, nvml.SUCCESS)
			if info.Placement != placement || info.ProfileId != p.Info.Id {
				t.Errorf("profile %d at %v, want %d at %v", info.ProfileId, info.Placement, p.Info.Id, placement)
			}
			s.note(fmt.Sprintf("number of profile %d at %d:%d", p.Info.Id, placement.Start, placement.Size), info.Id)
			again, ret := s.gpu.GetGpuInstanceById(int(info.Id))
			want(t, "GetGpuInstanceById", ret, nvml.SUCCESS)
			if other, _ := again.GetInfo(); other.Id != info.Id || other.Placement != info.Placement {
				t.Errorf("by number %d: %+v", info.Id, other)
			}
		}
		instances, ret := s.gpu.GetGpuInstances(&p.Info)
		want(t, "GetGpuInstances", ret, nvml.SUCCESS)
		if len(instances) != 2 {
			t.Errorf("%d instances, want 2", len(instances))
		}
	},
	"overlap is refused": func(t *testing.T, s subject) {
		p, whole := s.smallest(t)
		s.create(t, p, p.Placements[0])
		for what, other := range map[string]profile{"the same": p, "the whole GPU": whole} {
			_, ret := s.gpu.CreateGpuInstanceWithPlacement(&other.Info, &other.Placements[0])
			s.note("overlap with "+what, ret.Error())
			want(t, "overlapping "+what, ret, nvml.ERROR_INSUFFICIENT_RESOURCES)
		}
		left, ret := s.gpu.GetGpuInstanceRemainingCapacity(&whole.Info)
		want(t, "GetGpuInstanceRemainingCapacity", ret, nvml.SUCCESS)
		if left != 0 {
			t.Errorf("%d whole GPUs are left", left)
		}
	},
	"no more than fit": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		for _, placement := range p.Placements[:min(len(p.Placements), int(p.Info.InstanceCount))] {
			s.create(t, p, placement)
		}
		left, ret := s.gpu.GetGpuInstanceRemainingCapacity(&p.Info)
		want(t, "GetGpuInstanceRemainingCapacity", ret, nvml.SUCCESS)
		_, ret = s.gpu.CreateGpuInstance(&p.Info)
		want(t, "CreateGpuInstance on a full GPU", ret, nvml.ERROR_INSUFFICIENT_RESOURCES)
		if left != 0 {
			t.Errorf("%d more are left", left)
		}
	},
	"a placement that is none is refused": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		_, ret := s.gpu.CreateGpuInstanceWithPlacement(&p.Info, &nvml.GpuInstancePlacement{Start: 15, Size: p.Placements[0].Size})
		s.note("start 15", ret.Error())
		want(t, "start 15", ret, nvml.ERROR_INVALID_ARGUMENT, nvml.ERROR_INSUFFICIENT_RESOURCES)
	},
	"compute instances are the MIG devices": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		instance := s.create(t, p, p.Placements[0])
		if found := s.migDevices(t); len(found) != 0 {
			t.Errorf("MIG devices %v without a compute instance", found)
		}
		compute := s.createCompute(t, instance)
		info, ret := instance.GetInfo()
		want(t, "GetInfo", ret, nvml.SUCCESS)
		computeInfo, ret := compute.GetInfo()
		want(t, "GetInfo of a compute instance", ret, nvml.SUCCESS)
		name := fmt.Sprintf("%d/%d", info.Id, computeInfo.Id)
		if found := s.migDevices(t); len(found) != 1 || found[name] == "" {
			t.Errorf("MIG devices %v, want %s", found, name)
		}
	},
	"compute instances go first": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		instance := s.create(t, p, p.Placements[0])
		compute := s.createCompute(t, instance)
		info, _ := instance.GetInfo()
		want(t, "destroying the GPU instance first", instance.Destroy(), nvml.ERROR_IN_USE)
		want(t, "destroying the compute instance", compute.Destroy(), nvml.SUCCESS)
		if found := s.migDevices(t); len(found) != 0 {
			t.Errorf("MIG devices %v of a compute instance that is destroyed", found)
		}
		want(t, "destroying the GPU instance then", instance.Destroy(), nvml.SUCCESS)
		_, ret := s.gpu.GetGpuInstanceById(int(info.Id))
		s.note("an instance that is destroyed", ret.Error())
		want(t, "GetGpuInstanceById", ret, nvml.ERROR_NOT_FOUND)
	},
	"UUIDs are stable": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		gpu, _ := s.gpu.GetUUID()
		var before map[string]string
		for range 2 {
			instance := s.create(t, p, p.Placements[0])
			s.createCompute(t, instance)
			found := s.migDevices(t)
			s.note("MIG UUIDs", found)
			if diff := cmp.Diff(found, s.migDevices(t)); diff != "" {
				t.Errorf("asked twice: %s", diff)
			}
			if before != nil && !cmp.Equal(before, found) {
				t.Errorf("created twice: %v, then %v", before, found)
			}
			before = found
			destroyAll(instance)
		}
		if after, _ := s.gpu.GetUUID(); after != gpu {
			t.Errorf("the GPU's UUID was %s and is %s", gpu, after)
		}
	},
	"MIG mode stays on while there are instances": func(t *testing.T, s subject) {
		p, _ := s.smallest(t)
		s.create(t, p, p.Placements[0])
		activation, ret := s.gpu.SetMigMode(nvml.DEVICE_MIG_DISABLE)
		s.note("MIG mode off with an instance", []string{ret.Error(), activation.Error()})
		if ret == nvml.SUCCESS && activation == nvml.SUCCESS {
			t.Error("MIG mode was switched off")
		}
		if ret == nvml.SUCCESS {
			s.gpu.SetMigMode(nvml.DEVICE_MIG_ENABLE)
		}
		if current, _, _ := s.gpu.GetMigMode(); current != nvml.DEVICE_MIG_ENABLE {
			t.Error("MIG mode is off")
		}
	},
}

// keepsContract checks a GPU that has MIG.
func keepsContract(t *testing.T, s subject) {
	s.switchMode(t, false)
	off := s.profiles(t)
	p, _ := s.smallest(t)
	_, ret := s.gpu.CreateGpuInstance(&p.Info)
	s.note("creating with MIG mode off", ret.Error())
	want(t, "CreateGpuInstance with MIG mode off", ret, nvml.ERROR_NOT_SUPPORTED)
	s.switchMode(t, true)
	on := s.profiles(t)
	s.note("profiles", on)
	if diff := cmp.Diff(off, on); diff != "" {
		t.Errorf("profiles with MIG mode off and on (-off +on):\n%s", diff)
	}
	names := make([]string, 0, len(contract))
	for name := range contract {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) { contract[name](t, s) })
	}
}

// lacksMIG checks a GPU that has no MIG.
func lacksMIG(t *testing.T, s subject) {
	_, _, ret := s.gpu.GetMigMode()
	want(t, "GetMigMode", ret, nvml.ERROR_NOT_SUPPORTED)
	_, ret = s.gpu.SetMigMode(nvml.DEVICE_MIG_ENABLE)
	want(t, "SetMigMode", ret, nvml.ERROR_NOT_SUPPORTED)
	if count, ret := s.gpu.GetMaxMigDeviceCount(); count != 0 {
		t.Errorf("at most %d MIG devices, %v", count, ret)
	}
	if found := s.profiles(t); len(found) > 0 {
		t.Errorf("profiles %v", found)
	}
}
