package simulated

import (
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// GetGpuInstanceProfileInfo answers whether MIG is on or off, as NVML does. What
// no capture shows of a profile is 0, except that the profile of the whole GPU
// has all its media engines.
func (d *simulatedGPU) GetGpuInstanceProfileInfo(enum int) (nvml.GpuInstanceProfileInfo, nvml.Return) {
	if enum < 0 || enum >= nvml.GPU_INSTANCE_PROFILE_COUNT {
		return nvml.GpuInstanceProfileInfo{}, nvml.ERROR_INVALID_ARGUMENT
	}
	if _, ret := d.beginCall(CallRead); ret != nvml.SUCCESS {
		return nvml.GpuInstanceProfileInfo{}, ret
	}
	profile := d.profileWhere(func(p *mig.Profile) bool { return p.Enum == int64(enum) })
	if profile == nil {
		return nvml.GpuInstanceProfileInfo{}, nvml.ERROR_NOT_SUPPORTED
	}
	media := profile.Media
	if profile.MemorySlices == d.table.MemorySlices && media.Within(d.table.Media) {
		media = d.table.Media
	}
	return nvml.GpuInstanceProfileInfo{
		Id:                  uint32(profile.ID),
		SliceCount:          uint32(profile.ComputeSlices),
		InstanceCount:       uint32(profile.Max),
		MultiprocessorCount: uint32(profile.SMs),
		CopyEngineCount:     uint32(profile.CopyEngines),
		DecoderCount:        uint32(media.Decoders),
		EncoderCount:        uint32(media.Encoders),
		JpegCount:           uint32(media.JPEG),
		OfaCount:            uint32(media.OFA),
		MemorySizeMB:        uint64(profile.Memory / topology.MiB),
	}, nvml.SUCCESS
}

// GetGpuInstancePossiblePlacements lists where a profile may be placed on an
// empty GPU, whatever is placed on it now.
func (d *simulatedGPU) GetGpuInstancePossiblePlacements(info *nvml.GpuInstanceProfileInfo) ([]nvml.GpuInstancePlacement, nvml.Return) {
	if info == nil {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	if _, ret := d.beginCall(CallRead); ret != nvml.SUCCESS {
		return nil, ret
	}
	profile := d.profileWhere(func(p *mig.Profile) bool { return uint32(p.ID) == info.Id })
	if profile == nil {
		return nil, nvml.ERROR_NOT_SUPPORTED
	}
	var placements []nvml.GpuInstancePlacement
	for _, placement := range profile.Placements {
		placements = append(placements,
			nvml.GpuInstancePlacement{Start: uint32(placement.Start), Size: uint32(placement.Size)})
	}
	return placements, nvml.SUCCESS
}

func (d *simulatedGPU) profileWhere(matches func(*mig.Profile) bool) *mig.Profile {
	if d.table == nil {
		return nil
	}
	for i := range d.table.Profiles {
		if matches(&d.table.Profiles[i]) {
			return &d.table.Profiles[i]
		}
	}
	return nil
}
