package deviceplacement

import (
	"context"
	"slices"
	"strings"

	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// tooSmall says why the pod's model server could not run on device i, "" if it may.
// share is the memory that the pod asks for of a shared GPU.
func (p *pool) tooSmall(server *modelmemory.Server, i int, share topology.Bytes) string {
	if server == nil {
		return ""
	}
	offer := &p.gpus.inventory.Devices[i]
	model := p.gpus.inventory.Node.GPUs[offer.GPU].Model
	device := modelmemory.Device{GPU: p.usable(model)}
	switch offer.Form {
	case placement.MIG:
		device.GPU = memory.MIGSlice(model, resourceslices.ProfileName(p.driver, &p.devices[i]), offer.Memory)
	case placement.Share:
		device.Share = share
	}
	return server.Refuses(device)
}

// usable is what CUDA sees of a whole GPU. Our driver publishes that, NVIDIA's the
// total that NVML reports.
func (p *pool) usable(model *topology.Model) memory.GPU {
	if p.driver == deviceapi.NVIDIADriver {
		return memory.WholeGPU(model)
	}
	return memory.GPU{Name: model.Product, Total: model.Memory, Compute: model.Compute}
}

// shareOf is the memory that a request takes of device i if it is shared.
func (p *pool) shareOf(way *alternative, i int) topology.Bytes {
	for name, amount := range way.capacity {
		capacity, found := p.capacityOf(&p.devices[i], name)
		if found && strings.TrimPrefix(string(name), p.driver+"/") == deviceapi.Memory {
			return topology.Bytes(consumed(capacity, amount))
		}
	}
	return 0
}

// showLargeEnough fills the placeholders with the devices on which the pod's model
// server may run, and those in use, whose counters must stay accounted for. It
// reports whether there are any.
func (p *pool) showLargeEnough(server *modelmemory.Server, inUse []placement.DeviceAllocation) bool {
	if server == nil {
		p.showAll()
		return true
	}
	var large []int
	for i := range p.devices {
		if p.tooSmall(server, i, 0) == "" {
			large = append(large, i)
		}
	}
	p.showOnly(large, inUse)
	return len(large) > 0
}

// whyTooSmall says why no device that a request of the pod matches is large enough
// for its model server, for the largest of them; "" if one is, or if that is not
// what is in the way.
func (p *pool) whyTooSmall(ctx context.Context, expressions *dracel.Cache, a *ask) string {
	if a.server == nil {
		return ""
	}
	for i := range a.requests {
		because, largest := "", topology.Bytes(-1)
		for j := range a.requests[i].alternatives {
			way := &a.requests[i].alternatives[j]
			matched := p.match(ctx, expressions, way.selectors)
			for d := range p.devices {
				if !matched.devices.Has(d) {
					continue
				}
				refused := p.tooSmall(a.server, d, p.shareOf(way, d))
				if refused == "" {
					because, largest = "", 1<<62
				} else if offer := &p.gpus.inventory.Devices[d]; offer.Memory > largest {
					because, largest = refused, offer.Memory
				}
			}
		}
		if because != "" {
			return strings.TrimSpace(because)
		}
	}
	return ""
}

// tooSmallEverywhere reports whether no make of node has a device large enough for the
// pod's model server.
func (p *Plugin) tooSmallEverywhere(ctx context.Context, makes []*pool, a *ask) bool {
	return !slices.ContainsFunc(makes, func(pool *pool) bool { return pool.whyTooSmall(ctx, p.expressions, a) == "" })
}
