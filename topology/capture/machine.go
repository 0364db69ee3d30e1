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
	// Known looks a product up in the catalogue; nil knows none.
	Known func(product string) (*topology.Model, bool)
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
	model, err := c.findModel(matrix, gpus, texts, facts)
	if err != nil {
		return nil, err
	}
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

// findModel finds the model of all GPUs, or makes it of the captures and facts.
func (c *Captured) findModel(matrix *Matrix, gpus []GPU, texts Texts, facts Facts) (*topology.Model, error) {
	for i := range gpus {
		if gpus[i].Product != gpus[0].Product {
			return nil, gpus[i].at.lineErrorf("GPU %d is %q, GPU 0 is %q: a machine type has GPUs of one model", i, gpus[i].Product, gpus[0].Product)
		}
	}
	model := facts.GPU
	switch {
	case model != nil && gpus != nil && gpus[0].Product != "" && gpus[0].Product != model.Product:
		return nil, gpus[0].at.lineErrorf("Product Name is %q, %s was given: leave --gpu out", gpus[0].Product, model.Name)
	case model != nil:
	case gpus == nil:
		return nil, matrix.at.lineErrorf(
			"the GPUs' model is not in this capture, capture nvidia-smi -q and give it with --query, or name the model with --gpu")
	case gpus[0].Product == "":
		return nil, gpus[0].at.lineErrorf("Product Name is missing, capture nvidia-smi -q without -d, or name the model with --gpu")
	case facts.Known != nil:
		model, _ = facts.Known(gpus[0].Product)
	}
	lists, err := tableOf(texts)
	if err != nil {
		return nil, err
	}
	if model != nil {
		if i, j, found := firstNVLink(matrix); found && model.LaneGBps == 0 {
			return nil, matrix.at.lineErrorf(
				"%s between GPU%d and GPU%d, but %s has no NVLink: check that both captures are of one machine",
				matrix.Links[i][j], i, j, model.Name)
		}
		if gpus != nil && gpus[0].Memory > 0 && gpus[0].Memory != model.Memory {
			c.Notes = append(c.Notes,
				fmt.Sprintf("the capture shows %d MiB of memory, the catalogue has %d for %s: the catalogue's figure is used",
					gpus[0].Memory/topology.MiB, model.Memory/topology.MiB, model.Name))
		}
		switch {
		case lists != nil && model.MIG != "":
			c.Notes = append(c.Notes,
				fmt.Sprintf("the catalogue has the MIG table %s for %s: the captured profiles are not used", model.MIG, model.Name))
		case lists != nil:
			c.Notes = append(c.Notes,
				fmt.Sprintf("the catalogue's row of %s names no MIG table: write %s into it to use the captured one", model.Name, model.Name))
			c.Table = lists
			nameTable(c.Table, model.Name, facts.Source)
		}
		return model, nil
	}
	if model, err = newModel(matrix, gpus, facts); err != nil {
		return nil, err
	}
	if lists != nil {
		c.Table = lists
		nameTable(c.Table, model.Name, facts.Source)
		model.MIG = model.Name
	} else if mode := gpus[0].MIG; mode == "Enabled" || mode == "Disabled" {
		c.Notes = append(c.Notes, model.Product+" has MIG, but its profiles were not captured: "+
			"nvidia-smi mig -lgip and -lgipp show them, give them with --lgip and --lgipp")
	}
	c.Model = model
	return model, nil
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

// brands maps nvidia-smi's words to NVML's constants without their prefix, as the
// catalogue has them.
var brands = map[string]string{
	"NVIDIA": "Nvidia", "NVIDIA RTX": "NvidiaRTX", "GeForce": "GeForce", "GeForce RTX": "GeForceRTX",
	"Tesla": "Tesla", "Quadro": "Quadro", "Quadro RTX": "QuadroRTX", "Titan": "Titan", "Titan RTX": "TitanRTX",
}

// newModel makes a model of the captures and facts. Reserved is the largest and
// Memory the smallest that a GPU shows.
func newModel(matrix *Matrix, gpus []GPU, facts Facts) (*topology.Model, error) {
	first := &gpus[0]
	var missing []error
	want := func(present bool, at captureLine, field, how string) {
		if !present {
			missing = append(missing, at.lineErrorf("%s of %s is missing, %s", field, first.Product, how))
		}
	}
	brand, known := brands[first.Brand]
	_, _, linked := firstNVLink(matrix)
	want(first.Brand != "", first.at, "Product Brand", "capture nvidia-smi -q without -d")
	if first.Brand != "" && !known {
		missing = append(missing, first.at.lineErrorf("Product Brand is %q, which is unknown: add the model's row by hand", first.Brand))
	}
	want(first.Architecture != "", first.at, "Product Architecture", "capture nvidia-smi -q without -d, with driver 470 or later")
	want(first.Memory > 0, first.at, "FB Memory Usage, Total", "capture nvidia-smi -q without -d")
	want(facts.Compute != nil, first.at, "compute capability",
		"nvidia-smi --query-gpu=compute_cap --format=csv shows it, give it with --compute-capability")
	want(facts.LaneGBps > 0 || !linked, matrix.at, "bandwidth of one NVLink",
		"nvidia-smi nvlink -s shows it in GB/s, give it with --lane-bandwidth")
	want(facts.P2P == "yes" || facts.P2P == "no", matrix.at, "permission for PCIe peer-to-peer copies",
		"nvidia-smi topo -p2p r shows it (OK is yes), give it with --p2p yes or --p2p no")
	if strings.Contains(first.Product+first.Architecture, `"`) {
		missing = append(missing, first.at.lineErrorf("Product Name contains a double quote, add the model's row by hand"))
	}
	key := strings.Trim(notInKey.ReplaceAllString(strings.TrimPrefix(first.Product, "NVIDIA "), "-"), "-.")
	if key == "" {
		missing = append(missing, first.at.lineErrorf("Product Name %q has no letters, paste the capture again", first.Product))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	model := &topology.Model{
		Name: key, Product: first.Product, Brand: brand, Architecture: first.Architecture,
		Compute: *facts.Compute, Memory: first.Memory, LaneGBps: facts.LaneGBps,
		P2P: facts.P2P == "yes", DeviceID: first.DeviceID,
		Confidence: Confidence, Source: strings.TrimSpace(facts.Source),
	}
	for i := range gpus {
		if gpus[i].Memory > 0 {
			model.Memory = min(model.Memory, gpus[i].Memory)
		}
		model.Reserved = max(model.Reserved, gpus[i].Reserved)
	}
	if model.Reserved == 0 {
		model.Source += "; reserved: not captured"
	}
	if !linked && facts.LaneGBps == 0 {
		model.Source += "; NVLink: none in the capture"
	}
	return model, nil
}

// firstNVLink finds the first two GPUs that are connected by NVLink.
func firstNVLink(matrix *Matrix) (i, j int, found bool) {
	for i, row := range matrix.Links {
		for j, link := range row {
			if link.Kind == topology.NVLink {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}
