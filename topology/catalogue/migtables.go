package catalogue

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Columns of a MIG table.
const (
	profileID = iota
	profileName
	profileEnum
	profileMax
	profileMemory
	profileSMs
	profileCompute
	profileSlices
	profileCopyEngines
	profileDecoders
	profileEncoders
	profileJPEG
	profileOFA
	profileStarts
	profileColumns
)

const (
	// maxSlices is the width of mig.Slices.
	maxSlices = 16
	// maxEnum is NVML's last GPU instance profile constant, GPU_INSTANCE_PROFILE_3_SLICE_GFX
	// (go-nvml v0.13.2-0).
	maxEnum = 17
	// maxFigure bounds counts of engines, multiprocessors and profile ids.
	maxFigure = 1 << 16
)

// parseTable reads one file of mig/. Its key is the file's name, which the line
// "table" repeats.
func parseTable(file, key, text string) (*mig.Table, error) {
	table := &mig.Table{}
	var sources []string
	for _, l := range splitLines(file, text) {
		if l.text[0] >= '0' && l.text[0] <= '9' {
			if err := checkTableHeader(l, table, sources); err != nil {
				return nil, err
			}
			profile, err := parseProfile(l, table)
			if err != nil {
				return nil, err
			}
			table.Profiles = append(table.Profiles, profile)
			continue
		}
		if len(table.Profiles) > 0 {
			return nil, l.fieldErrorf("row", "starts with neither a profile id nor #: headers come before the profiles")
		}
		name, value := l.headerSetting()
		var err error
		switch name {
		case "table":
			if value != key {
				return nil, l.fieldErrorf(name, "%q in a file named %s.txt: make them equal", value, key)
			}
			table.Name = value
		case "compute-slices":
			table.ComputeSlices, err = l.wholeNumber(name, value, 1, maxSlices)
		case "memory-slices":
			table.MemorySlices, err = l.wholeNumber(name, value, 1, maxSlices)
		case "media":
			table.Media, err = parseMedia(l, strings.Fields(value))
		case "confidence":
			table.Confidence = value
		case "source":
			sources = append(sources, value)
			table.Source = strings.Join(sources, "; ")
		case "product", "note": // for the reader of the file
		default:
			err = l.fieldErrorf(name, "unknown header, want table, product, compute-slices, memory-slices, media, confidence, source or note")
		}
		if err != nil {
			return nil, err
		}
	}
	if len(table.Profiles) == 0 {
		return nil, fileLine{file: file, number: 1}.fieldErrorf("table", "has no profiles")
	}
	return table, nil
}

// checkTableHeader reports the first header that a profile's row needs and the
// file lacks.
func checkTableHeader(l fileLine, table *mig.Table, sources []string) error {
	for _, header := range []struct {
		name    string
		present bool
	}{
		{"table", table.Name != ""},
		{"compute-slices", table.ComputeSlices > 0},
		{"memory-slices", table.MemorySlices > 0},
		{"media", table.Media != mig.Media{}},
		{"confidence", table.Confidence != ""},
		{"source", len(sources) > 0},
	} {
		if !header.present {
			return l.fieldErrorf(header.name, "is missing above the profiles")
		}
	}
	return nil
}

// parseMedia reads decoders, encoders, JPEG and OFA engines.
func parseMedia(l fileLine, columns []string) (mig.Media, error) {
	if len(columns) != 4 {
		return mig.Media{}, l.fieldErrorf("media", "%d figures, want decoders, encoders, jpeg and ofa", len(columns))
	}
	var media mig.Media
	for i, engine := range []struct {
		name  string
		count *int64
	}{{"dec", &media.Decoders}, {"enc", &media.Encoders}, {"jpeg", &media.JPEG}, {"ofa", &media.OFA}} {
		var err error
		if *engine.count, err = l.knownFigure(engine.name, columns[i], 0, maxFigure); err != nil {
			return mig.Media{}, err
		}
	}
	return media, nil
}

func parseProfile(l fileLine, table *mig.Table) (mig.Profile, error) {
	var p mig.Profile
	row, err := l.quotedColumns()
	if err != nil {
		return p, err
	}
	if len(row) != profileColumns {
		return p, l.fieldErrorf("row", "%d columns, want %d", len(row), int64(profileColumns))
	}
	id, err := l.wholeNumber("id", row[profileID], 0, maxFigure)
	if err != nil {
		return p, err
	}
	p.ID = mig.ProfileID(id)
	if other, found := table.Profile(p.ID); found {
		return p, l.fieldErrorf("id", "%d is already %s", id, other.Name)
	}
	p.Name = row[profileName]
	if p.Enum, err = l.wholeNumber("enum", row[profileEnum], 0, maxEnum); err != nil {
		return p, err
	}
	if p.Max, err = l.wholeNumber("max", row[profileMax], 1, maxSlices); err != nil {
		return p, err
	}
	memory, err := l.knownFigure("MiB", row[profileMemory], 1, maxMemoryMiB)
	if err != nil {
		return p, err
	}
	p.Memory = topology.Bytes(memory) * topology.MiB
	if p.SMs, err = l.knownFigure("SM", row[profileSMs], 1, maxFigure); err != nil {
		return p, err
	}
	if p.ComputeSlices, err = l.wholeNumber("compute", row[profileCompute], 1, table.ComputeSlices); err != nil {
		return p, err
	}
	if p.MemorySlices, err = l.wholeNumber("memory", row[profileSlices], 1, table.MemorySlices); err != nil {
		return p, err
	}
	if p.CopyEngines, err = l.knownFigure("CE", row[profileCopyEngines], 0, maxFigure); err != nil {
		return p, err
	}
	if p.Media, err = parseMedia(l, row[profileDecoders:profileOFA+1]); err != nil {
		return p, err
	}
	if !p.Media.Within(table.Media) {
		return p, l.fieldErrorf("media", "%s takes more engines than the GPU has: correct the row or the header media", p.Name)
	}
	p.Placements, err = parseStarts(l, row[profileStarts], p.MemorySlices, table.MemorySlices)
	return p, err
}

// parseStarts reads the memory slices at which a profile of the given size may
// start.
func parseStarts(l fileLine, text string, size, slicesOfGPU int64) ([]mig.Placement, error) {
	var placements []mig.Placement
	for word := range strings.SplitSeq(text, ",") {
		start, err := l.wholeNumber("starts", word, 0, slicesOfGPU-size)
		if err != nil {
			return nil, err
		}
		placement := mig.Placement{Start: start, Size: size}
		if slices.Contains(placements, placement) {
			return nil, l.fieldErrorf("starts", "%d occurs twice", start)
		}
		placements = append(placements, placement)
	}
	return placements, nil
}
