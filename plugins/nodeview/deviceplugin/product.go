package deviceplugin

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// hostMemoryModels are GPUs that work in the host's memory, of which NVML reports none, by
// their product, with their compute capability (developer.nvidia.com/cuda-gpus).
var hostMemoryModels = map[string]topology.ComputeCapability{
	"gb10": {Major: 12, Minor: 1},
	"thor": {Major: 11},
	"orin": {Major: 8, Minor: 7},
}

// sameMemory is how far the memory that a driver reports may be from the catalogue's for
// the two to be one GPU: it moves with driver and ECC by a few percent.
const sameMemory = 16 // one part in

// modelOf is the GPU behind a product's label. memory is what the driver reports of it, 0
// if that is not told: it decides between models of one name, and stands above the
// catalogue's. A product that the catalogue lacks is a model all the same if its memory
// and compute capability are told; nil if neither is the case.
func modelOf(product string, memory topology.Bytes, compute topology.ComputeCapability) *topology.Model {
	known := catalogue.Default().ModelsOfProduct(product)
	for _, model := range known {
		if memory == 0 && len(known) == 1 {
			return model
		}
		if gap := memory - model.Memory; memory > 0 && max(gap, -gap) <= model.Memory/sameMemory {
			return withMemory(model, memory)
		}
	}
	unified, inHost := hostMemoryCompute(product)
	switch {
	case memory == 0 && inHost:
		return &topology.Model{Name: product, Product: strings.ReplaceAll(product, "-", " "), Compute: unified}
	case len(known) > 0 && memory > 0: // a part of the product, such as a virtual GPU
		part := *known[0]
		part.Memory, part.Reserved = memory, 0
		return &part
	case product != "" && memory > 0 && compute != (topology.ComputeCapability{}):
		name := strings.ReplaceAll(product, "-", " ")
		return &topology.Model{Name: name, Product: name, Memory: memory, Compute: compute}
	}
	return nil
}

// hostMemoryCompute is the compute capability of a GPU that works in the host's memory,
// false for all others.
func hostMemoryCompute(product string) (topology.ComputeCapability, bool) {
	for name, compute := range hostMemoryModels {
		if topology.SameProduct(product, name) {
			return compute, true
		}
	}
	return topology.ComputeCapability{}, false
}

// withMemory is the model with the memory that a driver reports, if that is less.
func withMemory(model *topology.Model, memory topology.Bytes) *topology.Model {
	if memory >= model.Memory {
		return model
	}
	less := *model
	less.Memory = memory
	return &less
}
