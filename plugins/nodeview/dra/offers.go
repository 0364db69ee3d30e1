package dra

import (
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ListOffers are the kinds of devices that a node publishes, on which a model server may
// be started: whole GPUs and MIG slices, each kind once.
func (s *Source) ListOffers(node string) []modelmemory.Offer {
	p := s.pools.gpuPool(node)
	if p == nil {
		return nil
	}
	var offers []modelmemory.Offer
	seen := map[string]int{} // indexes of offers
	for i := range p.gpus.inventory.Devices {
		device := &p.gpus.inventory.Devices[i]
		model := p.gpus.inventory.Node.GPUs[device.GPU].Model
		offer := modelmemory.Offer{Most: 1, Node: node}
		switch device.Form {
		case placement.Whole:
			offer.Device.GPU, offer.Request = p.usableMemory(model), p.Driver
		case placement.MIG:
			offer.Profile = resourceslices.ProfileName(p.Driver, p.publishedDevice(i).Device)
			offer.Device.GPU = memory.MIGSlice(model, offer.Profile, device.Memory)
			offer.Request = "MIG profile " + offer.Profile
		default:
			continue
		}
		at, known := seen[offer.Device.GPU.Name+"\n"+offer.Profile]
		switch {
		case !known:
			seen[offer.Device.GPU.Name+"\n"+offer.Profile] = len(offers)
			offers = append(offers, offer)
		case device.Form == placement.Whole:
			offers[at].Most++
		}
	}
	return offers
}
