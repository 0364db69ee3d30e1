package catalogue

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// MachineAt is the machine type whose GPUs, of the model with the NVML name product or of
// one that differs in memory alone, are at just these PCI addresses, in any order. It is nil
// if there is none or more than one: what a machine is like is never guessed.
func (c *Catalogue) MachineAt(product string, addresses []string) *topology.MachineType {
	model, known := c.byProduct[product]
	if !known || len(addresses) == 0 {
		return nil
	}
	wanted := slices.Sorted(slices.Values(addresses))
	var found *topology.MachineType
	for _, m := range c.machines {
		if !m.Addressed || m.standard == nil || memorylessName(m.standard.Node.GPUs[0].Model) != memorylessName(model) {
			continue
		}
		var own []string
		for i := range m.Node.GPUs {
			own = append(own, m.Node.GPUs[i].BusID)
		}
		slices.Sort(own)
		if !slices.Equal(own, wanted) {
			continue
		}
		if found != nil {
			return nil
		}
		found = m.standard
	}
	return found
}

// memorylessName is a model's key without its memory: "A100-SXM4" of A100-SXM4-80GB.
func memorylessName(model *topology.Model) string {
	if at := strings.LastIndexByte(model.Name, '-'); at >= 0 && strings.HasSuffix(model.Name, "GB") {
		return model.Name[:at]
	}
	return model.Name
}
