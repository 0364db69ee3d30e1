package capture

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Profile is one row of `nvidia-smi mig -lgip`.
type Profile struct {
	// GPU is the index of the GPU.
	GPU  int64
	ID   mig.ProfileID
	Name string
	// Total is the second figure of Free/Total: the most instances of the profile.
	Total int64
	// Memory is what one instance can allocate. nvidia-smi prints GiB with two
	// decimals, so that it is exact to 5 MiB; it is rounded to whole MiB.
	Memory      topology.Bytes
	SMs         int64
	CopyEngines int64
	Media       mig.Media

	at captureLine
}

// Placements is one line of `nvidia-smi mig -lgipp`.
type Placements struct {
	// GPU is the index of the GPU.
	GPU        int64
	Profile    mig.ProfileID
	Placements []mig.Placement

	at captureLine
}

const (
	// maxProfiles bounds the profiles of one GPU; RTX PRO 6000 has 11.
	maxProfiles = 64
	// maxSlices is the width of mig.Slices.
	maxSlices = 16
	// maxFigure bounds ids and counts of engines and multiprocessors.
	maxFigure = 1 << 16
)

var placementLine = regexp.MustCompile(`^GPU\s+([0-9]+)\s+Profile ID\s+([0-9]+)\s+Placements?\s*:\s*\{([0-9, ]+)\}:([0-9]+)$`)

// ParseProfiles reads what `nvidia-smi mig -lgip` printed, for all GPUs in it.
// Each profile takes two lines: GPU, name, id, free/total, GiB, P2P, SM, DEC, ENC
// and then CE, JPEG, OFA.
func ParseProfiles(text Text) ([]Profile, error) {
	all, err := text.splitLines()
	if err != nil {
		return nil, err
	}
	var profiles []Profile
	half := false // the last profile lacks its second line
	for _, l := range all {
		if err := refuseNoMIG(l); err != nil {
			return nil, err
		}
		trimmed := strings.TrimSpace(l.text)
		if !strings.HasPrefix(trimmed, "|") {
			continue // border, prompt
		}
		words := strings.Fields(strings.Trim(trimmed, "|"))
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "="), words[0] == "GPU", words[0] == "Free/Total":
			continue
		case half:
			if err := secondLine(l, words, &profiles[len(profiles)-1]); err != nil {
				return nil, err
			}
			half = false
			continue
		}
		profile, err := firstLine(l, words)
		if err != nil {
			return nil, err
		}
		for _, other := range profiles {
			if other.GPU == profile.GPU && other.ID == profile.ID {
				return nil, l.lineErrorf("profile %d of GPU %d is on line %d already, keep one capture", profile.ID, profile.GPU, other.at.number)
			}
		}
		if len(profiles) == maxProfiles*topology.MaxGPUs {
			return nil, l.lineErrorf("more than %d profiles, keep those of one GPU", len(profiles))
		}
		profiles, half = append(profiles, profile), true
	}
	switch {
	case half:
		return nil, lastLine(all).lineErrorf("the second line of profile %d is missing, the capture is cut off: paste all of it",
			profiles[len(profiles)-1].ID)
	case len(profiles) == 0:
		return nil, all[0].lineErrorf("no profiles, paste the output of nvidia-smi mig -lgip")
	}
	return profiles, nil
}

// refuseNoMIG explains what nvidia-smi prints while MIG mode is off everywhere.
func refuseNoMIG(l captureLine) error {
	for _, message := range []string{"No MIG-enabled devices found", "No MIG-supported devices found", "MIG mode is disabled"} {
		if strings.Contains(l.text, message) {
			return l.lineErrorf(
				"%s: profiles show only while a GPU is in MIG mode, enable it on one (nvidia-smi -i 0 -mig 1) and capture again",
				strings.TrimSpace(l.text))
		}
	}
	return nil
}

func firstLine(l captureLine, words []string) (Profile, error) {
	p := Profile{at: l}
	if len(words) != 10 || words[1] != "MIG" {
		return p, l.lineErrorf("%d entries, want GPU, MIG name, id, free/total, GiB, P2P, SM, DEC and ENC: paste the capture again", len(words))
	}
	p.Name = words[2]
	_, total, found := strings.Cut(words[4], "/")
	if !found {
		return p, l.lineErrorf("%q is not free/total, paste the capture again", words[4])
	}
	id := int64(0)
	for _, figure := range []struct {
		what, text string
		high       int64
		into       *int64
	}{
		{"GPU", words[0], topology.MaxGPUs - 1, &p.GPU},
		{"ID", words[3], maxFigure, &id},
		{"Total", total, maxSlices, &p.Total},
		{"SM", words[7], maxFigure, &p.SMs},
		{"DEC", words[8], maxFigure, &p.Media.Decoders},
		{"ENC", words[9], maxFigure, &p.Media.Encoders},
	} {
		var err error
		if *figure.into, err = l.wholeNumber(figure.what, figure.text, figure.high); err != nil {
			return p, err
		}
	}
	p.ID = mig.ProfileID(id)
	gib, err := strconv.ParseFloat(words[5], 64)
	if err != nil || math.IsNaN(gib) || gib <= 0 || gib*1024 > maxMemoryMiB {
		return p, l.lineErrorf("memory is %q, want GiB like 9.75: paste the capture again", words[5])
	}
	p.Memory = topology.Bytes(math.Round(gib*1024)) * topology.MiB
	return p, nil
}

func secondLine(l captureLine, words []string, p *Profile) error {
	if len(words) != 3 {
		return l.lineErrorf("%d entries, want CE, JPEG and OFA of profile %d: paste the capture again", len(words), p.ID)
	}
	for i, figure := range []struct {
		what string
		into *int64
	}{{"CE", &p.CopyEngines}, {"JPEG", &p.Media.JPEG}, {"OFA", &p.Media.OFA}} {
		var err error
		if *figure.into, err = l.wholeNumber(figure.what, words[i], maxFigure); err != nil {
			return err
		}
	}
	return nil
}

// ParsePlacements reads what `nvidia-smi mig -lgipp` printed, for all GPUs in it.
func ParsePlacements(text Text) ([]Placements, error) {
	all, err := text.splitLines()
	if err != nil {
		return nil, err
	}
	var placements []Placements
	for _, l := range all {
		if err := refuseNoMIG(l); err != nil {
			return nil, err
		}
		trimmed := strings.TrimSpace(l.text)
		match := placementLine.FindStringSubmatch(trimmed)
		if match == nil {
			if strings.Contains(trimmed, "Profile ID") {
				return nil, l.lineErrorf("want a line like GPU 0 Profile ID 9 Placements: {0,4}:4, paste the capture again")
			}
			continue
		}
		p, err := placementsOf(l, match)
		if err != nil {
			return nil, err
		}
		for _, other := range placements {
			if other.GPU == p.GPU && other.Profile == p.Profile {
				return nil, l.lineErrorf("profile %d of GPU %d is on line %d already, keep one capture", p.Profile, p.GPU, other.at.number)
			}
		}
		if len(placements) == maxProfiles*topology.MaxGPUs {
			return nil, l.lineErrorf("more than %d profiles, keep those of one GPU", len(placements))
		}
		placements = append(placements, p)
	}
	if len(placements) == 0 {
		return nil, all[0].lineErrorf("no placements, paste the output of nvidia-smi mig -lgipp")
	}
	return placements, nil
}

func placementsOf(l captureLine, match []string) (Placements, error) {
	p := Placements{at: l}
	var err error
	if p.GPU, err = l.wholeNumber("GPU", match[1], topology.MaxGPUs-1); err != nil {
		return p, err
	}
	id, err := l.wholeNumber("Profile ID", match[2], maxFigure)
	if err != nil {
		return p, err
	}
	p.Profile = mig.ProfileID(id)
	size, err := l.wholeNumber("size", match[4], maxSlices)
	if err != nil {
		return p, err
	}
	for word := range strings.SplitSeq(match[3], ",") {
		start, err := l.wholeNumber("start", strings.TrimSpace(word), maxSlices)
		if err != nil {
			return p, err
		}
		placement := mig.Placement{Start: start, Size: size}
		if size < 1 || start+size > maxSlices || slices.Contains(p.Placements, placement) {
			return p, l.lineErrorf("placement %s twice or outside %d memory slices, paste the capture again", placement, int64(maxSlices))
		}
		p.Placements = append(p.Placements, placement)
	}
	return p, nil
}
