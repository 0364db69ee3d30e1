package resourceslices

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// addNICs adds the network adapters that are nearest to some GPU. Only how near an adapter is
// to those GPUs is published; any other counts as far from it, so that the nearest adapter
// of each GPU is right. sources[i] is what describes GPU i.
func addNICs(node *topology.Node, sources []Device) {
	addresses := []string{} // of node.NICs
	for gpu, source := range sources {
		address := source.textAttribute(deviceapi.NICPCIBusID)
		link, err := topology.ParseLink(source.textAttribute(deviceapi.NICLink))
		if address == "" || err != nil || link.Kind == topology.Self || link.Kind == topology.NVLink {
			continue
		}
		at := slices.Index(addresses, address)
		if at < 0 {
			at = len(addresses)
			addresses = append(addresses, address)
			nic := topology.NIC{
				Name: source.textAttribute(deviceapi.NIC), NUMA: topology.NoNUMA, Links: make([]topology.Link, len(node.GPUs)),
			}
			for i := range nic.Links {
				nic.Links[i] = topology.Link{Kind: topology.SYS}
			}
			if numa, found := source.intAttribute(deviceapi.NICNUMANode); found {
				nic.NUMA = numa
			}
			node.NICs = append(node.NICs, nic)
		}
		node.NICs[at].Links[gpu] = link
	}
}
