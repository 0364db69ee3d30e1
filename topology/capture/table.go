package capture

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

var profileName = regexp.MustCompile(`^([0-9]+)g\.[0-9]+gb([+-][a-z.]+)?$`)

// enums are NVML's GPU_INSTANCE_PROFILE constants (go-nvml v0.13.2-0), by compute
// slices and the ending of the name. The double-memory profile has no ending of
// its own: see enumOf.
var enums = map[string]map[int64]int64{
	"":        {1: 0, 2: 1, 3: 2, 4: 3, 7: 4, 8: 5, 6: 6},
	"+me":     {1: 7, 2: 8},
	"+gfx":    {1: 10, 2: 11, 3: 17, 4: 12},
	"-me":     {1: 13, 2: 14},
	"+me.all": {1: 15, 2: 16},
}

// doubleMemory is GPU_INSTANCE_PROFILE_1_SLICE_REV2.
const doubleMemory = 9

// migTable puts profiles and placements of one GPU model together. The captures may
// show several GPUs, all of which must agree. The GPU has as many compute slices
// as its largest profile, as many memory slices as placements reach, and of each
// media engine what its best equipped profile takes.
func migTable(name string, profiles []Profile, placements []Placements) (*mig.Table, error) {
	if err := sameProfiles(profiles); err != nil {
		return nil, err
	}
	if err := samePlacements(placements); err != nil {
		return nil, err
	}
	t := &mig.Table{Name: name}
	gpu, at := profiles[0].GPU, profiles[0].at
	used := map[mig.ProfileID]bool{}
	single := int64(maxSlices) // memory slices of the smallest profile
	for _, p := range profiles {
		if p.GPU != gpu {
			continue
		}
		profile, err := profileOf(p, placements)
		if err != nil {
			return nil, err
		}
		used[p.ID] = true
		t.Profiles = append(t.Profiles, profile)
		t.ComputeSlices = max(t.ComputeSlices, profile.ComputeSlices)
		for _, pl := range profile.Placements {
			t.MemorySlices = max(t.MemorySlices, pl.Start+pl.Size)
		}
		t.Media = mig.Media{
			Decoders: max(t.Media.Decoders, p.Media.Decoders), Encoders: max(t.Media.Encoders, p.Media.Encoders),
			JPEG: max(t.Media.JPEG, p.Media.JPEG), OFA: max(t.Media.OFA, p.Media.OFA),
		}
		single = min(single, profile.MemorySlices)
	}
	for _, p := range placements {
		if !used[p.Profile] {
			return nil, p.at.lineErrorf("profile %d is not in %s, capture both lists with one driver", p.Profile, at.file)
		}
	}
	seen := map[int64]mig.ProfileID{}
	for i := range t.Profiles {
		p := &t.Profiles[i]
		line := profiles[slices.IndexFunc(profiles, func(q Profile) bool { return q.ID == p.ID })].at
		enum, found := enumOf(p, single)
		if !found {
			return nil, line.lineErrorf("%s is no profile that NVML has a constant for, add its row by hand", p.Name)
		}
		if other, taken := seen[enum]; taken {
			return nil, line.lineErrorf("%s and profile %d are the same NVML profile, capture with one driver", p.Name, other)
		}
		p.Enum, seen[enum] = enum, p.ID
	}
	if (t.Media == mig.Media{}) {
		return nil, at.lineErrorf("no profile has a media engine, paste both lines of each profile")
	}
	return t, nil
}

// enumOf finds NVML's constant for a profile. single is the number of memory
// slices of the smallest profile.
func enumOf(p *mig.Profile, single int64) (int64, bool) {
	ending := profileName.FindStringSubmatch(p.Name)[2]
	if ending == "" && p.ComputeSlices == 1 && p.MemorySlices == 2*single {
		return doubleMemory, true
	}
	enum, found := enums[ending][p.ComputeSlices]
	return enum, found
}

func profileOf(p Profile, placements []Placements) (mig.Profile, error) {
	match := profileName.FindStringSubmatch(p.Name)
	if match == nil {
		return mig.Profile{}, p.at.lineErrorf("name is %q, want one like 1g.10gb+me: paste the capture again", p.Name)
	}
	compute, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil || compute < 1 || compute > maxSlices {
		return mig.Profile{}, p.at.lineErrorf("%s has %s compute slices, want 1 to %d: paste the capture again",
			p.Name, match[1], int64(maxSlices))
	}
	i := slices.IndexFunc(placements, func(q Placements) bool { return q.Profile == p.ID })
	if i < 0 {
		return mig.Profile{}, p.at.lineErrorf(
			"profile %d has no placements, capture nvidia-smi mig -lgipp with the same driver and give it too", p.ID)
	}
	if p.Total < 1 || p.SMs < 1 {
		return mig.Profile{}, p.at.lineErrorf(
			"%s has a total of %d and %d multiprocessors, want at least 1: paste the capture again", p.Name, p.Total, p.SMs)
	}
	return mig.Profile{
		ID: p.ID, Name: p.Name, Memory: p.Memory, SMs: p.SMs,
		Max:           min(p.Total, int64(len(placements[i].Placements))),
		ComputeSlices: compute, MemorySlices: placements[i].Placements[0].Size,
		CopyEngines: p.CopyEngines, Media: p.Media, Placements: placements[i].Placements,
	}, nil
}

// sameProfiles refuses GPUs whose profiles differ from the first one's.
func sameProfiles(profiles []Profile) error {
	counts := map[int64]int{}
	for _, p := range profiles {
		counts[p.GPU]++
		i := slices.IndexFunc(profiles, func(q Profile) bool { return q.GPU == profiles[0].GPU && q.ID == p.ID })
		if i >= 0 {
			same := profiles[i]
			same.GPU, same.at = p.GPU, p.at
			if same == p {
				continue
			}
		}
		return p.at.lineErrorf("profile %d of GPU %d differs from GPU %d's, keep the GPUs of one model", p.ID, p.GPU, profiles[0].GPU)
	}
	for _, p := range profiles {
		if counts[p.GPU] != counts[profiles[0].GPU] {
			return p.at.lineErrorf("GPU %d has %d profiles, GPU %d has %d: the capture is cut off, paste all of it",
				p.GPU, counts[p.GPU], profiles[0].GPU, counts[profiles[0].GPU])
		}
	}
	return nil
}

// samePlacements refuses GPUs whose placements differ from the first one's.
func samePlacements(placements []Placements) error {
	for _, p := range placements {
		i := slices.IndexFunc(placements, func(q Placements) bool { return q.Profile == p.Profile })
		if !slices.Equal(placements[i].Placements, p.Placements) {
			return p.at.lineErrorf("placements of profile %d differ from GPU %d's, keep the GPUs of one model", p.Profile, placements[i].GPU)
		}
	}
	return nil
}
