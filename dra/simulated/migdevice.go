package simulated

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// migDevice is the device that a compute instance is to programs. As in NVML, a handle
// means whatever has the two numbers at present.
type migDevice struct {
	nvml.Device // answers ERROR_NOT_SUPPORTED to whatever is not below
	gpu         *simulatedGPU
	instance    uint32
	compute     uint32
}

// migUUID depends on the GPU and on both numbers alone.
func migUUID(gpu string, instance, compute uint32) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", gpu, instance, compute))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	return fmt.Sprintf("MIG-%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// migDevices are the MIG devices of the GPU in their order.
func (d *simulatedGPU) migDevices(state *gpuState) []*migDevice {
	var found []*migDevice
	for _, instance := range state.Instances {
		for _, compute := range instance.Compute {
			found = append(found, &migDevice{Device: unsupportedDevice(), gpu: d, instance: instance.ID, compute: compute.ID})
		}
	}
	slices.SortFunc(found, func(a, b *migDevice) int {
		return cmp.Or(cmp.Compare(a.instance, b.instance), cmp.Compare(a.compute, b.compute))
	})
	return found
}

// GetMaxMigDeviceCount is how many MIG devices there can be, 0 while MIG is off.
func (d *simulatedGPU) GetMaxMigDeviceCount() (int, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS || d.table == nil || !state.MIG {
		return 0, ret
	}
	return int(d.table.ComputeSlices), nvml.SUCCESS
}

// GetMigDeviceHandleByIndex gives a MIG device. Indexes shift when instances come and go.
func (d *simulatedGPU) GetMigDeviceHandleByIndex(index int) (nvml.Device, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	if d.table == nil || !state.MIG {
		return nil, nvml.ERROR_NOT_SUPPORTED
	}
	devices := d.migDevices(state)
	if index < 0 || index >= int(d.table.ComputeSlices) {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	if index >= len(devices) {
		return nil, nvml.ERROR_NOT_FOUND
	}
	return devices[index], nvml.SUCCESS
}

// IsMigDeviceHandle tells GPUs from MIG devices.
func (d *simulatedGPU) IsMigDeviceHandle() (bool, nvml.Return) { return false, nvml.SUCCESS }

// IsMigDeviceHandle tells GPUs from MIG devices.
func (m *migDevice) IsMigDeviceHandle() (bool, nvml.Return) { return true, nvml.SUCCESS }

// begin begins a call that reads the MIG device.
func (m *migDevice) begin() (*gpuInstance, nvml.Return) {
	state, ret := m.gpu.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	instance := state.instance(m.instance)
	if instance == nil || instance.compute(m.compute) == nil {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	return instance, nvml.SUCCESS
}

func (m *migDevice) GetUUID() (string, nvml.Return) {
	if _, ret := m.begin(); ret != nvml.SUCCESS {
		return "", ret
	}
	return migUUID(m.gpu.uuid, m.instance, m.compute), nvml.SUCCESS
}

func (m *migDevice) GetGpuInstanceId() (int, nvml.Return) { //nolint:revive // the name is go-nvml's
	_, ret := m.begin()
	return int(m.instance), ret
}

func (m *migDevice) GetComputeInstanceId() (int, nvml.Return) { //nolint:revive // the name is go-nvml's
	_, ret := m.begin()
	return int(m.compute), ret
}

func (m *migDevice) GetDeviceHandleFromMigDeviceHandle() (nvml.Device, nvml.Return) {
	if _, ret := m.begin(); ret != nvml.SUCCESS {
		return nil, ret
	}
	return m.gpu, nvml.SUCCESS
}

// GetIndex is the place among the GPU's MIG devices.
func (m *migDevice) GetIndex() (int, nvml.Return) {
	if _, ret := m.begin(); ret != nvml.SUCCESS {
		return 0, ret
	}
	state, err := m.gpu.store.load(m.gpu.index)
	if err != nil {
		return 0, nvml.ERROR_UNKNOWN
	}
	index := slices.IndexFunc(m.gpu.migDevices(state), func(other *migDevice) bool {
		return other.instance == m.instance && other.compute == m.compute
	})
	if index < 0 {
		return 0, nvml.ERROR_INVALID_ARGUMENT
	}
	return index, nvml.SUCCESS
}

// GetMemoryInfo is the memory of the GPU instance.
func (m *migDevice) GetMemoryInfo() (nvml.Memory, nvml.Return) {
	instance, ret := m.begin()
	if ret != nvml.SUCCESS {
		return nvml.Memory{}, ret
	}
	profile, found := m.gpu.table.Profile(mig.ProfileID(instance.Profile))
	if !found {
		return nvml.Memory{}, nvml.ERROR_NOT_SUPPORTED
	}
	return nvml.Memory{Total: uint64(profile.Memory), Free: uint64(profile.Memory)}, nvml.SUCCESS
}

// GetAttributes says what the MIG device has of its GPU.
func (m *migDevice) GetAttributes() (nvml.DeviceAttributes, nvml.Return) {
	instance, ret := m.begin()
	if ret != nvml.SUCCESS {
		return nvml.DeviceAttributes{}, ret
	}
	profile, found := m.gpu.table.Profile(mig.ProfileID(instance.Profile))
	if !found {
		return nvml.DeviceAttributes{}, nvml.ERROR_NOT_SUPPORTED
	}
	size := instance.compute(m.compute).Size
	return nvml.DeviceAttributes{
		MultiprocessorCount:   uint32(profile.SMs) * size / uint32(max(1, profile.ComputeSlices)),
		GpuInstanceSliceCount: uint32(profile.ComputeSlices), ComputeInstanceSliceCount: size,
		MemorySizeMB: uint64(profile.Memory / topology.MiB),
	}, nvml.SUCCESS
}
