package capture

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// resolveModel finds the model of all GPUs, or makes it of the captures and facts.
func (c *Captured) resolveModel(matrix *Matrix, gpus []GPU, texts Texts, facts Facts) (*topology.Model, error) {
	if err := sameModel(gpus, facts.Models); err != nil {
		return nil, err
	}
	model, err := c.knownModel(matrix, gpus, facts)
	if err != nil {
		return nil, err
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
		if i := slices.IndexFunc(gpus, func(gpu GPU) bool { return gpu.Memory > 0 }); i >= 0 && gpus[i].Memory != model.Memory {
			c.Notes = append(c.Notes, gpus[i].fieldAt(pathMemory).lineNotef(
				"the capture shows %d MiB of memory, the catalogue has %d for %s: the catalogue's figure is used",
				gpus[i].Memory/topology.MiB, model.Memory/topology.MiB, model.Name))
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
	} else if mode := gpus[0].MIG; mode == "Enabled" || mode == "Disabled" && !gpus[0].isVirtual() {
		c.Notes = append(c.Notes, model.Product+" has MIG, but its profiles were not captured: "+
			"nvidia-smi mig -lgip and -lgipp show them, give them with --lgip and --lgipp")
	}
	c.Model = model
	return model, nil
}

// knownModel is the catalogue's model of the GPUs: the one that the user named, or what
// the query shows. It returns nil for a GPU that the catalogue lacks.
func (c *Captured) knownModel(matrix *Matrix, gpus []GPU, facts Facts) (*topology.Model, error) {
	if len(gpus) == 0 {
		if facts.GPU == nil {
			return nil, matrix.at.lineErrorf(
				"the GPUs' model is not in this capture, capture nvidia-smi -q and give it with --query, or name the model with --gpu")
		}
		return facts.GPU, nil
	}
	first := firstNamed(gpus)
	model := facts.GPU
	if model != nil {
		if err := first.confirmModel(model, facts.Models); err != nil {
			return nil, err
		}
	} else {
		var err error
		if model, err = first.findModel(facts.Models); err != nil {
			return nil, err
		}
	}
	printed := "missing"
	if field, found := first.fields[pathProduct]; found {
		printed = fmt.Sprintf("%q", field.value)
	}
	switch {
	case model == nil && slices.Contains(unreadable, strings.Trim(first.fields[pathProduct].value, "[]")):
		return nil, first.fieldAt(pathProduct).lineErrorf("Product Name is %s, the driver failed to read it: "+
			"look for Xid errors of GPU %s with dmesg, or name the model with --gpu", printed, first.BusID)
	case model == nil && !first.isNamed():
		return nil, first.fieldAt(pathProduct).lineErrorf("Product Name is %s: "+
			"capture nvidia-smi -q without -d and with a driver that knows the GPU, or name the model with --gpu", printed)
	case model == nil && strings.HasSuffix(first.Product, cutMark):
		return nil, first.fieldAt(pathProduct).lineErrorf("GPU is %s, a name that is cut off and no GPU of the catalogue with its memory: "+
			"capture nvidia-smi -q, or name the model with --gpu", printed)
	case model == nil:
	case strings.HasSuffix(first.Product, cutMark):
		c.Notes = append(c.Notes, first.fieldAt(pathProduct).lineNotef("GPU is %s, a name that is cut off: taken as %s by its memory, "+
			"nvidia-smi -q shows all of it", printed, model.Name))
	case !topology.SameProduct(first.Product, model.Product) && first.hasIdentityOf(model):
		c.Notes = append(c.Notes, first.fieldAt(pathDevice).lineNotef("Device Id 0x%08X is %s's and Product Name is %s: check that it is one",
			first.DeviceID, model.Name, printed))
	case first.DeviceID != 0 && model.DeviceID != 0 && first.DeviceID != model.DeviceID:
		c.Notes = append(c.Notes, first.fieldAt(pathDevice).lineNotef(
			"Device Id is 0x%08X, the catalogue has 0x%08X for %s: check that it is one",
			first.DeviceID, model.DeviceID, model.Name))
	}
	return model, nil
}

// architectures are NVML's words for what a CUDA compute capability belongs to
// (developer.nvidia.com/cuda-gpus). Drivers before 470 do not print them.
var architectures = map[topology.ComputeCapability]string{
	{Major: 3, Minor: 5}: "Kepler", {Major: 3, Minor: 7}: "Kepler",
	{Major: 5, Minor: 0}: "Maxwell", {Major: 5, Minor: 2}: "Maxwell",
	{Major: 6, Minor: 0}: "Pascal", {Major: 6, Minor: 1}: "Pascal",
	{Major: 7, Minor: 0}: "Volta", {Major: 7, Minor: 5}: "Turing",
	{Major: 8, Minor: 0}: "Ampere", {Major: 8, Minor: 6}: "Ampere", {Major: 8, Minor: 9}: "Ada Lovelace",
	{Major: 9, Minor: 0}:  "Hopper",
	{Major: 10, Minor: 0}: "Blackwell", {Major: 10, Minor: 3}: "Blackwell", {Major: 11, Minor: 0}: "Blackwell",
	{Major: 12, Minor: 0}: "Blackwell", {Major: 12, Minor: 1}: "Blackwell",
}

// newModel makes a model of the captures and facts. Reserved is the largest and
// Memory the smallest that a GPU shows.
func newModel(matrix *Matrix, gpus []GPU, facts Facts) (*topology.Model, error) {
	first := firstNamed(gpus)
	var missing []error
	// want adds what is missing, with what the driver printed in its place.
	want := func(present bool, at captureLine, path, field, how string) {
		if present {
			return
		}
		instead := ""
		if printed, found := first.fields[path]; found && printed.value != "" {
			at, instead = printed.at, fmt.Sprintf(" (nvidia-smi printed %q)", printed.value)
		}
		missing = append(missing, at.lineErrorf("%s of %s is missing%s, %s", field, first.Product, instead, how))
	}
	brand, known := brandName(first.Brand)
	_, _, linked := firstNVLink(matrix)
	want(first.Brand != "", first.at, pathBrand, "Product Brand", "capture nvidia-smi -q without -d")
	if first.Brand != "" && !known {
		missing = append(missing, first.fieldAt(pathBrand).lineErrorf(
			"Product Brand is %q, which is unknown: write one that NVML has, such as NVIDIA, Tesla or GeForce RTX", first.Brand))
	}
	architecture := first.Architecture
	if facts.Compute != nil {
		if of := architectures[*facts.Compute]; architecture == "" {
			architecture = of
		} else if of != "" && !strings.EqualFold(of, architecture) {
			missing = append(missing, first.fieldAt(pathArchitecture).lineErrorf(
				"Product Architecture is %q, and compute capability %s is %s's: correct --compute-capability", architecture, *facts.Compute, of))
		}
	}
	want(architecture != "", first.at, pathArchitecture, "Product Architecture", "capture nvidia-smi -q without -d, with driver 470 or later")
	want(first.Memory > 0, first.at, pathMemory, "FB Memory Usage, Total",
		"capture nvidia-smi -q without -d on a GPU that has memory of its own")
	want(facts.Compute != nil, first.at, "", "compute capability",
		"nvidia-smi --query-gpu=compute_cap --format=csv shows it, give it with --compute-capability")
	want(facts.LaneGBps > 0 || !linked, matrix.at, "", "bandwidth of one NVLink",
		"nvidia-smi nvlink -s shows it in GB/s, give it with --lane-bandwidth")
	want(facts.P2P == "yes" || facts.P2P == "no", matrix.at, "", "permission for PCIe peer-to-peer copies",
		"nvidia-smi topo -p2p r shows it (OK is yes), give it with --p2p yes or --p2p no")
	if strings.Contains(first.Product+architecture, `"`) {
		missing = append(missing, first.at.lineErrorf("Product Name contains a double quote, add the model's row by hand"))
	}
	key := strings.Trim(notInKey.ReplaceAllString(strings.TrimPrefix(first.Product, "NVIDIA "), "-"), "-.")
	if key == "" {
		missing = append(missing, first.at.lineErrorf("Product Name %q has no letters, paste the capture again", first.Product))
	}
	if len(missing) > 0 {
		if near := first.modelOfDevice(facts.Models); near != nil {
			missing = append(missing, first.fieldAt(pathDevice).lineErrorf(
				"Device Id 0x%08X and memory are those of %s too: if the GPU is one, leave all that out and add --gpu %s",
				first.DeviceID, near.Name, near.Name))
		}
		return nil, errors.Join(missing...)
	}
	model := &topology.Model{
		Name: key, Product: first.Product, Brand: brand, Architecture: architecture,
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
	if first.Architecture == "" {
		model.Source += "; architecture: that of the compute capability"
	}
	if !linked && facts.LaneGBps == 0 {
		model.Source += "; NVLink: none in the capture"
	}
	return model, nil
}
