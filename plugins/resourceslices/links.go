package resourceslices

import (
	"github.com/ashlar-dev/ashlar/topology"
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
// nodes allow to say. It never assumes NVLink.
func assumedLink(a, b *topology.GPU) topology.Link {
	switch {
	case a.PCIeRoot != "" && a.PCIeRoot == b.PCIeRoot:
		return topology.Link{Kind: topology.PHB}
	case a.NUMA != topology.NoNUMA && a.NUMA == b.NUMA:
		return topology.Link{Kind: topology.NODE}
	}
	return topology.Link{Kind: topology.SYS}
}
