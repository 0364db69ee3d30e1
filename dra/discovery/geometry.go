package discovery

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// maxProfileEnum bounds how far profile numbers are tried. NVML of go-nvml
// v0.13.2 has 18 of them; newer drivers may have more, and end the list with
// ERROR_INVALID_ARGUMENT.
const maxProfileEnum = 64

// readMIG reads the MIG geometry of a GPU, nil if it has none, whether MIG mode is on, and
// whether it will be after a reset. NVML answers the same about the geometry whether MIG
// mode is on or off. Profiles are ordered from small to large, then by NVML's number.
func readMIG(device gpuReader, gpu int, model topology.Model) (table *mig.Table, current, pending bool, err error) {
	now, later, ret := device.GetMigMode()
	if isAbsent(ret) {
		return nil, false, false, nil
	}
	if ret != nvml.SUCCESS {
		return nil, false, false, callFailed(gpu, "GetMigMode", ret)
	}
	table, err = readTable(device, gpu, model)
	return table, now == nvml.DEVICE_MIG_ENABLE, later == nvml.DEVICE_MIG_ENABLE, err
}

func readTable(device gpuReader, gpu int, model topology.Model) (*mig.Table, error) {
	table := &mig.Table{Name: model.Product, Confidence: "high", Source: "NVML"}
	for enum := range maxProfileEnum {
		info, ret := device.GetGpuInstanceProfileInfo(enum)
		if ret == nvml.ERROR_INVALID_ARGUMENT {
			break
		}
		if ret == nvml.ERROR_NOT_SUPPORTED {
			continue // this GPU has no such profile, which is normal
		}
		if ret != nvml.SUCCESS {
			return nil, callFailed(gpu, fmt.Sprintf("GetGpuInstanceProfileInfo(%d)", enum), ret)
		}
		placements, ret := device.GetGpuInstancePossiblePlacements(&info)
		if ret != nvml.SUCCESS {
			return nil, callFailed(gpu, fmt.Sprintf("GetGpuInstancePossiblePlacements(profile %d)", info.Id), ret)
		}
		if len(placements) > 0 {
			table.Profiles = append(table.Profiles, readProfile(int64(enum), info, placements))
		}
	}
	if len(table.Profiles) == 0 {
		return nil, nil
	}
	return table, completeTable(table, gpu, model.Memory)
}

// readProfile turns NVML's answer into a profile without a name.
func readProfile(enum int64, info nvml.GpuInstanceProfileInfo, placements []nvml.GpuInstancePlacement) mig.Profile {
	profile := mig.Profile{
		ID:            mig.ProfileID(info.Id),
		Enum:          enum,
		Max:           int64(info.InstanceCount),
		Memory:        topology.Bytes(info.MemorySizeMB) * topology.MiB,
		SMs:           int64(info.MultiprocessorCount),
		ComputeSlices: int64(info.SliceCount),
		MemorySlices:  int64(placements[0].Size),
		CopyEngines:   int64(info.CopyEngineCount),
		Media: mig.Media{
			Decoders: int64(info.DecoderCount), Encoders: int64(info.EncoderCount),
			JPEG: int64(info.JpegCount), OFA: int64(info.OfaCount),
		},
	}
	for _, placement := range placements {
		profile.Placements = append(profile.Placements,
			mig.Placement{Start: int64(placement.Start), Size: int64(placement.Size)})
	}
	slices.SortFunc(profile.Placements, func(a, b mig.Placement) int { return cmp.Compare(a.Start, b.Start) })
	return profile
}

// maxSlices is the width of mig.Slices.
const maxSlices = 16

// completeTable fills in what only all profiles together tell: the totals, the
// names and the order.
func completeTable(table *mig.Table, gpu int, memory topology.Bytes) error {
	for _, profile := range table.Profiles {
		table.ComputeSlices = max(table.ComputeSlices, profile.ComputeSlices)
		for _, placement := range profile.Placements {
			table.MemorySlices = max(table.MemorySlices, placement.Start+placement.Size)
		}
	}
	if table.MemorySlices > maxSlices {
		return fmt.Errorf("GPU %d: GetGpuInstancePossiblePlacements: %d memory slices, at most %d are supported",
			gpu, table.MemorySlices, int64(maxSlices))
	}
	for i := range table.Profiles {
		profile := &table.Profiles[i]
		if profile.MemorySlices == table.MemorySlices {
			table.Media = profile.Media
		}
		profile.Name = profileName(profile, table.MemorySlices, memory)
	}
	slices.SortFunc(table.Profiles, func(a, b mig.Profile) int {
		return cmp.Or(cmp.Compare(a.MemorySlices, b.MemorySlices), cmp.Compare(a.ComputeSlices, b.ComputeSlices),
			cmp.Compare(a.Enum, b.Enum))
	})
	return nil
}

// profileSuffixes are what NVIDIA's tools append to the names of profiles with
// more or fewer media engines, or with graphics (github.com/NVIDIA/go-nvlib,
// pkg/nvlib/device/mig_profile.go, NewMigProfile; 3_SLICE_GFX is newer than it).
var profileSuffixes = map[int64]string{
	nvml.GPU_INSTANCE_PROFILE_1_SLICE_REV1:   "+me",
	nvml.GPU_INSTANCE_PROFILE_2_SLICE_REV1:   "+me",
	nvml.GPU_INSTANCE_PROFILE_1_SLICE_ALL_ME: "+me.all",
	nvml.GPU_INSTANCE_PROFILE_2_SLICE_ALL_ME: "+me.all",
	nvml.GPU_INSTANCE_PROFILE_1_SLICE_GFX:    "+gfx",
	nvml.GPU_INSTANCE_PROFILE_2_SLICE_GFX:    "+gfx",
	nvml.GPU_INSTANCE_PROFILE_3_SLICE_GFX:    "+gfx",
	nvml.GPU_INSTANCE_PROFILE_4_SLICE_GFX:    "+gfx",
	nvml.GPU_INSTANCE_PROFILE_1_SLICE_NO_ME:  "-me",
	nvml.GPU_INSTANCE_PROFILE_2_SLICE_NO_ME:  "-me",
}

// profileName forms a profile's name as NVIDIA's tools do: "<compute slices>g.
// <GB>gb<suffix>". GB is the profile's share of the GPU's memory, rounded up to
// an eighth, of the GPU's memory in GiB, rounded up; the product is rounded to
// the nearest (go-nvlib, pkg/nvlib/device/mig_profile.go, getMigMemorySizeGB).
// So the 19.5 GiB of an 80 GiB A100 make "2g.20gb".
//
// It deviates where a profile's memory is unknown: the share is then that of its
// memory slices. nvidia-smi forms its names inside the driver, and some drivers
// round differently ("3g.39gb"): profiles are keyed on their id, never the name.
func profileName(profile *mig.Profile, totalSlices int64, memory topology.Bytes) string {
	const eighths = 8
	share := float64(profile.MemorySlices) / float64(totalSlices)
	if profile.Memory > 0 && memory > 0 {
		share = float64(profile.Memory) / float64(memory)
	}
	share = math.Ceil(share*eighths) / eighths
	gib := (memory + topology.GiB - 1) / topology.GiB
	return fmt.Sprintf("%dg.%dgb%s", profile.ComputeSlices, int64(math.Round(share*float64(gib))),
		profileSuffixes[profile.Enum])
}
