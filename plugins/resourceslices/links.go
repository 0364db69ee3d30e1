package resourceslices

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// linkRow is how GPU self reaches the others: the row that its device publishes, or,
// from a driver that publishes none, what is assumed.
func (d Device) linkRow(gpus []topology.GPU, self int) []topology.Link {
	if row, err := deviceapi.DecodeLinks(d.textAttribute(deviceapi.Links), len(gpus)); err == nil && row[self].Kind == topology.Self {
		return row
	}
	row := make([]topology.Link, len(gpus))
	for other := range gpus {
		row[other] = topology.Link{Kind: topology.Self}
		if other != self {
			row[other] = assumedLink(&gpus[self], &gpus[other])
		}
	}
	return row
}

// assumedLink stands in for a link that nobody published: what PCIe roots and NUMA
// nodes allow to say. It never assumes NVLink. Where neither GPU can have NVLink and both
// roots and NUMA nodes differ or are the same for certain, it is no assumption.
func assumedLink(a, b *topology.GPU) topology.Link {
	certain := lacksNVLink(a) && lacksNVLink(b) && a.NUMA != topology.NoNUMA && b.NUMA != topology.NoNUMA
	switch {
	case a.PCIeRoot != "" && a.PCIeRoot == b.PCIeRoot:
		return topology.Link{Kind: topology.PHB, Assumed: true} // there may be a switch nearer than the host bridge
	case a.NUMA != topology.NoNUMA && a.NUMA == b.NUMA:
		return topology.Link{Kind: topology.NODE, Assumed: !certain || a.PCIeRoot == "" || b.PCIeRoot == ""}
	}
	return topology.Link{Kind: topology.SYS, Assumed: !certain}
}

// lacksNVLink reports whether the GPU is of a model that is known to have no NVLink.
func lacksNVLink(gpu *topology.GPU) bool {
	model, known := catalogue.Default().ModelByProduct(gpu.Model.Product)
	return known && model.LaneGBps == 0
}

// addCatalogueLinks fills in links that nobody published from the catalogue, if product,
// number and PCI addresses of the GPUs prove what machine it is. It reports whether the addresses were
// asked.
func addCatalogueLinks(node *topology.Node) bool {
	addresses := make([]string, len(node.GPUs))
	assumed := false
	for i := range node.GPUs {
		if node.GPUs[i].Model.Product != node.GPUs[0].Model.Product {
			return false
		}
		addresses[i] = node.GPUs[i].BusID
		for _, link := range node.Links[i] {
			assumed = assumed || link.Assumed
		}
	}
	if !assumed {
		return false
	}
	machine := catalogue.Default().MachineAt(node.GPUs[0].Model.Product, addresses)
	if machine == nil {
		return true
	}
	at := map[string]int{}
	for i := range machine.Node.GPUs {
		at[machine.Node.GPUs[i].BusID] = i
	}
	for i := range node.GPUs {
		for j := range node.GPUs {
			node.Links[i][j] = machine.Node.Links[at[addresses[i]]][at[addresses[j]]]
		}
		if node.GPUs[i].Model.LaneGBps == 0 {
			model := *node.GPUs[i].Model
			model.LaneGBps = machine.Node.GPUs[0].Model.LaneGBps
			node.GPUs[i].Model = &model
		}
	}
	return true
}
