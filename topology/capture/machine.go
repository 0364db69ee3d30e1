package capture

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Confidence is what imported entries say about themselves.
const Confidence = "imported"

// Texts are the captures of one machine. Topology is needed, and Query unless
// Facts.GPU says which GPU the machine has; Profiles and Placements come together.
type Texts struct {
	Topology, Query, Profiles, Placements Text
}

// Facts is what the captures cannot show and the user supplies.
type Facts struct {
	// Models are those that the catalogue knows.
	Models []*topology.Model
	// GPU is the model of the machine's GPUs, for captures without Query; nil to
	// take it from Query.
	GPU *topology.Model
	// Compute, LaneGBps and P2P are needed for a GPU that is not known; LaneGBps
	// only where the topology shows NVLink. P2P is "yes" or "no".
	Compute  *topology.ComputeCapability
	LaneGBps int64
	P2P      string
	// NUMA, if not nil, is the NUMA node of each GPU and overrides the topology's;
	// topology.NoNUMA for unknown.
	NUMA []int64
	// Description and Source say what the machine is and where the captures come
	// from; Description may be empty.
	Description, Source string
}

// File is one file in the catalogue's text form.
type File struct {
	// Name is where the catalogue would keep it, for example "machines/my-box.txt".
	Name string
	Text string
}

// Captured is a machine that was read from captures.
type Captured struct {
	Machine *topology.MachineType
	// Model is the model that the catalogue does not know, Table its MIG geometry;
	// nil for what is known or was not captured.
	Model *topology.Model
	Table *mig.Table
	// Files hold table, model and machine, in the order in which they refer to
	// one another.
	Files []File
	// Notes say what is unknown and what the user may want to check.
	Notes []string
}

var (
	machineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	catalogueID = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
	notInKey    = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// MachineFrom puts the captures of one machine together under the given name. All
// facts that are missing are in one error, each with the command that shows it.
func MachineFrom(name string, texts Texts, facts Facts) (*Captured, error) {
	if !machineName.MatchString(name) || strings.HasPrefix(name, "GPU") {
		return nil, fmt.Errorf("machine name %q: want letters, digits, dots, dashes and underscores, not starting with GPU", name)
	}
	for what, text := range map[string]string{"source": facts.Source, "description": facts.Description} {
		if strings.ContainsAny(text, "\"\n\r") {
			return nil, fmt.Errorf("%s %q: want one line without double quotes", what, text)
		}
	}
	if strings.TrimSpace(facts.Source) == "" {
		return nil, errors.New("source is missing: say where the captures come from")
	}
	matrix, err := ParseMatrix(texts.Topology)
	if err != nil {
		return nil, err
	}
	var gpus []GPU
	if !texts.Query.isEmpty() {
		if gpus, err = ParseQuery(texts.Query); err != nil {
			return nil, err
		}
		if len(gpus) != len(matrix.Links) {
			return nil, gpus[len(gpus)-1].at.lineErrorf("%d GPUs here, %d in %s: capture both on one machine",
				len(gpus), len(matrix.Links), matrix.at.file)
		}
	}
	c := &Captured{Notes: matrix.Notes}
	for i := range gpus {
		if note := gpus[i].faultNote(); note != "" {
			c.Notes = append(c.Notes, note)
		}
	}
	model, err := c.resolveModel(matrix, gpus, texts, facts)
	if err != nil {
		return nil, err
	}
	c.Notes = append(c.Notes, linkNotes(matrix, gpus, model)...)
	node, err := c.buildNode(matrix, gpus, model, facts.NUMA)
	if err != nil {
		return nil, err
	}
	c.Machine = &topology.MachineType{
		Name: name, Description: facts.Description, Node: node,
		Confidence: Confidence, Sources: []string{strings.TrimSpace(facts.Source)},
	}
	if c.Machine.Description = strings.TrimSpace(facts.Description); c.Machine.Description == "" {
		c.Machine.Description = fmt.Sprintf("%d x %s", len(node.GPUs), model.Product)
	}
	c.writeFiles()
	return c, nil
}

// buildNode checks that a machine has one model with the links it shows, and builds it.
func (c *Captured) buildNode(matrix *Matrix, gpus []GPU, model *topology.Model, numa []int64) (*topology.Node, error) {
	if numa != nil {
		if len(numa) != len(matrix.Links) {
			return nil, matrix.at.lineErrorf("%d GPUs and %d NUMA nodes were given, give one for each GPU", len(matrix.Links), len(numa))
		}
		for _, n := range numa {
			if n != topology.NoNUMA && (n < 0 || n > maxNUMA) {
				return nil, matrix.at.lineErrorf("NUMA node %d was given, want 0 to %d, or -1 for unknown", n, int64(maxNUMA))
			}
		}
		matrix.NUMA = numa
	}
	node := &topology.Node{Links: matrix.Links, NICs: matrix.NICs}
	for i := range matrix.Links {
		gpu := topology.GPU{Model: model, NUMA: matrix.NUMA[i]}
		if gpus != nil {
			gpu.Clique = gpus[i].Clique
			if gpu.Clique != gpus[0].Clique {
				return nil, gpus[i].at.lineErrorf("fabric clique is %q, GPU 0's is %q: capture again once all GPUs have registered",
					gpu.Clique, gpus[0].Clique)
			}
			if catalogueID.MatchString(gpus[i].BusID) {
				gpu.BusID = gpus[i].BusID
			} else {
				c.Notes = append(c.Notes,
					fmt.Sprintf("bus id of GPU%d is %s, which has more than four digits of domain: it is left out", i, gpus[i].BusID))
			}
		}
		node.GPUs = append(node.GPUs, gpu)
	}
	if slices.Contains(matrix.NUMA, topology.NoNUMA) {
		c.Notes = append(c.Notes,
			"NUMA nodes of some GPUs are unknown: cat /sys/bus/pci/devices/<bus id>/numa_node shows them, give them with --numa")
	}
	if len(node.NICs) > 0 {
		c.Notes = append(c.Notes, "NUMA nodes of the NICs are not in the captures")
	}
	if err := node.Validate(); err != nil {
		return nil, matrix.at.lineErrorf("%w", err)
	}
	return node, nil
}

// tableOf reads the MIG captures, nil if there are none.
func tableOf(texts Texts) (*mig.Table, error) {
	switch {
	case texts.Profiles.isEmpty() && texts.Placements.isEmpty():
		return nil, nil
	case texts.Placements.isEmpty():
		return nil, captureLine{file: texts.Profiles.File, number: 1}.lineErrorf(
			"placements of the profiles are missing, capture nvidia-smi mig -lgipp and give it with --lgipp")
	case texts.Profiles.isEmpty():
		return nil, captureLine{
			file:   texts.Placements.File,
			number: 1,
		}.lineErrorf("names and sizes of the profiles are missing, capture nvidia-smi mig -lgip and give it with --lgip")
	}
	profiles, err := ParseProfiles(texts.Profiles)
	if err != nil {
		return nil, err
	}
	placements, err := ParsePlacements(texts.Placements)
	if err != nil {
		return nil, err
	}
	return migTable("", profiles, placements)
}

func nameTable(t *mig.Table, name, source string) {
	t.Name, t.Confidence, t.Source = name, Confidence, strings.TrimSpace(source)
}
