package machines

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// migGeometry is what topology mig prints: its JSON form is stable.
type migGeometry struct {
	Table string `json:"table"`
	// Models are the catalogue's models that have the table.
	Models        []string     `json:"gpuModels"`
	ComputeSlices int64        `json:"computeSlices"`
	MemorySlices  int64        `json:"memorySlices"`
	Media         mediaRow     `json:"media"`
	Profiles      []profileRow `json:"profiles"`
	Counts        []countRow   `json:"counts"`
	// Placeable is the number of pairs of profile and placement on an empty GPU,
	// After what remains of them after each one.
	Placeable  int64      `json:"placeable"`
	After      []afterRow `json:"after"`
	Confidence string     `json:"confidence"`
	Source     string     `json:"source"`
}

type mediaRow struct {
	Decoders int64 `json:"decoders"`
	Encoders int64 `json:"encoders"`
	JPEG     int64 `json:"jpegEngines"`
	OFA      int64 `json:"ofaEngines"`
}

type profileRow struct {
	ID   mig.ProfileID `json:"id"`
	Name string        `json:"name"`
	// Enum is NVML's GPU_INSTANCE_PROFILE constant.
	Enum int64 `json:"enum"`
	Max  int64 `json:"maxInstances"`
	// MemoryBytes and SMs are 0 where no capture shows them.
	MemoryBytes   int64    `json:"memoryBytes"`
	SMs           int64    `json:"multiprocessors"`
	ComputeSlices int64    `json:"computeSlices"`
	MemorySlices  int64    `json:"memorySlices"`
	CopyEngines   int64    `json:"copyEngines"`
	Media         mediaRow `json:"media"`
	// Placements are start:size in memory slices.
	Placements []string `json:"placements"`
}

type countRow struct {
	// Name says which profiles are counted.
	Name          string          `json:"name"`
	Profiles      []mig.ProfileID `json:"profileIDs"`
	Legal         int64           `json:"legalStates"`
	Multisets     int64           `json:"multisets"`
	Full          int64           `json:"fullStates"`
	FullMultisets int64           `json:"fullMultisets"`
}

type afterRow struct {
	Profile   mig.ProfileID `json:"profileID"`
	Name      string        `json:"profile"`
	Placement string        `json:"placement"`
	// Placeable counts what remains, Open lists the starts that remain for each
	// profile, in the order of Profiles.
	Placeable int64     `json:"placeable"`
	Open      [][]int64 `json:"openStarts"`
}

func mediaRowOf(m mig.Media) mediaRow {
	return mediaRow{Decoders: m.Decoders, Encoders: m.Encoders, JPEG: m.JPEG, OFA: m.OFA}
}

// profileUniverses are growing sets of profiles by NVML's constants (go-nvml v0.13.2-0):
// 0 to 6 are plain, 9 has double memory, 7 and 8 are the media extensions.
// Graphics profiles and those with all or no media are variants of the others
// which multiply the states without adding a placement.
var profileUniverses = []struct {
	name  string
	enums []int64
}{
	{"base", []int64{0, 1, 2, 3, 4, 5, 6}},
	{"+ double memory", []int64{9}},
	{"+ media extensions", []int64{7, 8}},
}

func geometryOf(c *catalogue.Catalogue, table *mig.Table) *migGeometry {
	g := &migGeometry{
		Table: table.Name, Models: []string{}, ComputeSlices: table.ComputeSlices, MemorySlices: table.MemorySlices,
		Media: mediaRowOf(table.Media), Placeable: table.Placeable(mig.Occupancy{}),
		Confidence: table.Confidence, Source: table.Source,
	}
	for _, model := range c.Models() {
		if model.MIG == table.Name {
			g.Models = append(g.Models, model.Name)
		}
	}
	for i := range table.Profiles {
		p := &table.Profiles[i]
		row := profileRow{
			ID: p.ID, Name: p.Name, Enum: p.Enum, Max: p.Max, MemoryBytes: int64(p.Memory), SMs: p.SMs,
			ComputeSlices: p.ComputeSlices, MemorySlices: p.MemorySlices, CopyEngines: p.CopyEngines, Media: mediaRowOf(p.Media),
		}
		for _, pl := range p.Placements {
			row.Placements = append(row.Placements, pl.String())
			g.After = append(g.After, rowAfter(table, p, pl))
		}
		g.Profiles = append(g.Profiles, row)
	}
	g.Counts = countsOf(table)
	return g
}

// rowAfter is what remains of an empty GPU once p is at pl.
func rowAfter(table *mig.Table, p *mig.Profile, pl mig.Placement) afterRow {
	occupied := mig.Occupancy{}.Place(p, pl)
	row := afterRow{Profile: p.ID, Name: p.Name, Placement: pl.String(), Placeable: table.Placeable(occupied)}
	for i := range table.Profiles {
		other := &table.Profiles[i]
		starts := []int64{}
		for _, candidate := range other.Placements {
			if table.CanPlace(occupied, other, candidate) {
				starts = append(starts, candidate.Start)
			}
		}
		row.Open = append(row.Open, starts)
	}
	return row
}

// countsOf counts the states of each universe that adds profiles of the table.
func countsOf(table *mig.Table) []countRow {
	var rows []countRow
	var ids []mig.ProfileID
	for _, universe := range profileUniverses {
		before := len(ids)
		for _, p := range table.Profiles {
			if slices.Contains(universe.enums, p.Enum) {
				ids = append(ids, p.ID)
			}
		}
		if len(ids) == before {
			continue
		}
		counts := mig.Count(table, ids)
		rows = append(rows, countRow{
			Name: universe.name, Profiles: slices.Clone(ids),
			Legal: counts.Legal, Multisets: counts.Multisets, Full: counts.Full, FullMultisets: counts.FullMultisets,
		})
	}
	return rows
}

func (g *migGeometry) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	p.Printf("%s: %d compute slices, %d memory slices\n", g.Table, g.ComputeSlices, g.MemorySlices)
	p.Printf("GPU models: %s\n", cli.OrUnknown(strings.Join(g.Models, ", ")))
	p.Printf("media: %d decoders, %d encoders, %d JPEG, %d OFA\n", g.Media.Decoders, g.Media.Encoders, g.Media.JPEG, g.Media.OFA)
	p.Printf("confidence: %s\nsource: %s\n\n", g.Confidence, g.Source)

	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	captured := func(n int64) string {
		if n == 0 {
			return cli.Unknown
		}
		return number(n)
	}
	rows := [][]string{{"ID", "PROFILE", "MAX", "MiB", "SMs", "COMPUTE", "MEMORY", "CE", "DEC", "ENC", "JPEG", "OFA", "PLACEMENTS"}}
	for _, r := range g.Profiles {
		rows = append(rows, []string{
			number(int64(r.ID)), r.Name, number(r.Max), captured(r.MemoryBytes >> 20), captured(r.SMs),
			number(r.ComputeSlices), number(r.MemorySlices), number(r.CopyEngines), number(r.Media.Decoders), number(r.Media.Encoders),
			number(r.Media.JPEG), number(r.Media.OFA), strings.Join(r.Placements, " "),
		})
	}
	p.PrintTable(rows)
	p.Printf("\n")

	rows = [][]string{{"PROFILES COUNTED", "LEGAL STATES", "MULTISETS", "FULL STATES", "FULL MULTISETS"}}
	counted := map[mig.ProfileID]bool{}
	for _, r := range g.Counts {
		rows = append(rows, []string{r.Name, number(r.Legal), number(r.Multisets), number(r.Full), number(r.FullMultisets)})
		for _, id := range r.Profiles {
			counted[id] = true
		}
	}
	p.PrintTable(rows)
	var left []string
	for _, r := range g.Profiles {
		if !counted[r.ID] {
			left = append(left, r.Name)
		}
	}
	if len(left) > 0 {
		p.Printf("not counted: %s\n", strings.Join(left, ", "))
	}
	p.Printf("\nOn an empty GPU %d placements are open. After the first one:\n\n", g.Placeable)

	header := []string{"PLACED", "AT", "OPEN"}
	for _, r := range g.Profiles {
		header = append(header, r.Name)
	}
	rows = [][]string{header}
	for _, r := range g.After {
		row := []string{r.Name, r.Placement, fmt.Sprintf("%d", r.Placeable)}
		for _, starts := range r.Open {
			row = append(row, startsWord(starts))
		}
		rows = append(rows, row)
	}
	p.PrintTable(rows)
	return p.Err()
}

// startsWord prints starts compactly, "-" for none.
func startsWord(starts []int64) string {
	var numbers []int
	for _, start := range starts {
		numbers = append(numbers, int(start))
	}
	return cli.NumberRanges(numbers)
}
