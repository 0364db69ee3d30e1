package capture

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// genericProducts are what drivers print of GPUs that they do not know the name of.
var genericProducts = []string{"graphics device", "nvidia graphics device", "device", "unknown"}

// virtualProduct is the name of a vGPU, "GRID V100D-8C" or "NVIDIA A40-12Q". A brand of
// NVIDIA's vGPU software is no sign: whole GPUs that are passed through have it too.
var virtualProduct = regexp.MustCompile(`^GRID |-[0-9]+[ABCQ]$`)

// isVirtual reports whether the GPU is a vGPU. Its PCI device id is that of the GPU
// which it is a part of.
func (g *GPU) isVirtual() bool {
	return g.Virtualization == "VGPU" || virtualProduct.MatchString(g.Product)
}

// memoryTolerance is how far the memory of one product may lie apart in two captures,
// as a part of it: drivers before 510 print up to 1.1 % less.
const memoryTolerance = 0.03

// isNamed reports whether the product name tells which product the GPU is.
func (g *GPU) isNamed() bool {
	if beginning, cut := strings.CutSuffix(g.Product, cutMark); cut {
		return strings.ContainsAny(beginning, "0123456789")
	}
	return g.Product != "" && !slices.Contains(genericProducts, strings.ToLower(g.Product))
}

// firstNamed is the first GPU with a name that tells its product, the first one of all
// where none has.
func firstNamed(gpus []GPU) *GPU {
	i := slices.IndexFunc(gpus, func(gpu GPU) bool { return gpu.isNamed() })
	return &gpus[max(i, 0)]
}

// hasIdentityOf reports whether PCI device id and memory are those of a model. They are
// not proof by themselves: A2 and A16 share both.
func (g *GPU) hasIdentityOf(m *topology.Model) bool {
	if g.DeviceID == 0 || g.DeviceID != m.DeviceID || g.isVirtual() {
		return false
	}
	return g.hasMemoryOf(m)
}

// hasMemoryOf reports whether the GPU's memory may be a model's.
func (g *GPU) hasMemoryOf(m *topology.Model) bool {
	if g.Memory == 0 || m.Memory == 0 {
		return true
	}
	apart := float64(max(g.Memory-m.Memory, m.Memory-g.Memory))
	return apart <= memoryTolerance*float64(m.Memory)
}

// findModel finds a GPU among the models of the catalogue: by its product name as it is,
// then as other drivers spell it, and by PCI device id and memory where it has no name
// that says anything. It returns nil for a GPU that is none of them.
func (g *GPU) findModel(models []*topology.Model) (*topology.Model, error) {
	byName := g.modelOfName(models)
	byID := g.modelOfDevice(models)
	switch {
	case !g.isNamed():
		return byID, nil
	case byName == nil || byID == nil || byID == byName || byName.DeviceID == g.DeviceID:
		return byName, nil
	}
	return nil, g.fieldAt(pathDevice).lineErrorf("Device Id 0x%08X is %s's, and Product Name %q is %s's: say with --gpu which one it is",
		g.DeviceID, byID.Name, g.Product, byName.Name)
}

func (g *GPU) modelOfName(models []*topology.Model) *topology.Model {
	for _, matches := range []func(m *topology.Model) bool{
		func(m *topology.Model) bool { return m.Product == g.Product },
		func(m *topology.Model) bool { return topology.SameProduct(m.Product, g.Product) },
		g.isCutNameOf,
	} {
		var found []*topology.Model
		for _, m := range models {
			if matches(m) {
				found = append(found, m)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return nil
}

// modelOfDevice is the one model with the GPU's device id and memory, nil for several.
func (g *GPU) modelOfDevice(models []*topology.Model) *topology.Model {
	var found *topology.Model
	for _, m := range models {
		switch {
		case !g.hasIdentityOf(m):
		case found != nil:
			return nil
		default:
			found = m
		}
	}
	return found
}

// confirmModel checks that a GPU may be the model that the user named.
func (g *GPU) confirmModel(model *topology.Model, models []*topology.Model) error {
	switch {
	case topology.SameProduct(g.Product, model.Product), g.hasIdentityOf(model), g.isCutNameOf(model):
		return nil
	case g.isNamed():
		remedy := "leave --gpu out"
		if g.isVirtual() {
			remedy += ", a vGPU has less than the GPU which it is a part of"
		}
		return g.fieldAt(pathProduct).lineErrorf("Product Name is %q, %s was given: %s", g.Product, model.Name, remedy)
	}
	if other := g.modelOfDevice(models); other != nil {
		return g.fieldAt(pathDevice).lineErrorf("Device Id 0x%08X is %s's, %s was given: leave --gpu out", g.DeviceID, other.Name, model.Name)
	}
	return nil
}

// sameModel refuses GPUs of several products. Where a driver printed no name, device ids
// are compared.
func sameModel(gpus []GPU, models []*topology.Model) error {
	names := make([]string, len(gpus))
	for i := range gpus {
		model, err := gpus[i].findModel(models)
		switch {
		case model != nil:
			names[i] = model.Name
		case err == nil && gpus[i].isNamed():
			names[i] = strings.ToLower(gpus[i].Product)
		}
	}
	first := slices.IndexFunc(names, func(name string) bool { return name != "" })
	if first < 0 {
		return nil
	}
	var others []string
	at := captureLine{}
	seen := []string{names[first]}
	for i, name := range names {
		if name == "" || slices.Contains(seen, name) {
			continue
		}
		if len(seen) == 1 {
			at = gpus[i].at
			others = append(others, fmt.Sprintf("GPU %d is %q, GPU %d is %q", i, gpus[i].printedName(), first, gpus[first].printedName()))
		} else {
			others = append(others, fmt.Sprintf("GPU %d is %q", i, gpus[i].printedName()))
		}
		seen = append(seen, name)
	}
	if len(others) == 0 {
		return nil
	}
	return at.lineErrorf("%s: a machine type has GPUs of one model, keep those of one in both captures and number them from GPU0 on",
		strings.Join(others, ", "))
}

// printedName is what a capture says of a GPU's product.
func (g *GPU) printedName() string {
	if g.Product != "" {
		return g.Product
	}
	return fmt.Sprintf("device 0x%08X", g.DeviceID)
}
