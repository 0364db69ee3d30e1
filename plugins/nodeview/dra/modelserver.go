package dra

import (
	"context"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// tooSmall says why the pod's model server could not run on device i of the inventory,
// "" if it may. share is the memory that the pod asks for of a shared GPU or MIG device, 0 for
// all of it.
func (p *Pool) tooSmall(server *modelmemory.Server, i int, share topology.Bytes) string {
	if server == nil {
		return ""
	}
	device := &p.gpus.inventory.Devices[i]
	model := p.gpus.inventory.Node.GPUs[device.GPU].Model
	candidate := modelmemory.Device{GPU: p.usableMemory(model)}
	switch device.Form {
	case placement.MIG:
		profile := resourceslices.ProfileName(p.Driver, p.publishedDevice(i).Device)
		candidate.GPU = memory.MIGSlice(model, profile, device.Memory)
		if share < device.Memory {
			candidate.Share = share
		}
	case placement.Share:
		candidate.Share = share
	}
	return server.Refuses(candidate)
}

// usableMemory is what CUDA sees of a whole GPU. Our driver publishes that, NVIDIA's the
// total that NVML reports.
func (p *Pool) usableMemory(model *topology.Model) memory.GPU {
	if p.Driver == deviceapi.NVIDIADriver {
		return memory.WholeGPU(model)
	}
	return memory.GPU{Name: model.Product, Total: model.Memory, Compute: model.Compute}
}

// shareLimit is the memory that a sub-request gets of device i of the inventory if that
// is shared, 0 for all of it.
func (p *Pool) shareLimit(sub *subRequest, i int) topology.Bytes {
	if !isShareable(p.publishedDevice(i).Device) {
		return 0
	}
	return sub.shareOf(p.publishedDevice(i)).memoryLimit()
}

// largeEnough lists the devices of the pool on which the pod's model server may run.
// Whether it may run on one that is not understood is not known: those are among them.
func (p *Pool) largeEnough(server *modelmemory.Server) (all []int, understood bool) {
	for i, at := range p.gpus.published {
		if p.tooSmall(server, i, 0) == "" {
			all, understood = append(all, at), true
		}
	}
	return append(all, p.gpus.unsupported...), understood
}

// whyTooSmall says why no device that a request of the pod matches is large enough
// for its model server, for the largest of them; "" if one is, or if that is not
// what is in the way.
func (p *Pool) whyTooSmall(ctx context.Context, expressions *expressionCache, pod *PodRequest) string {
	if pod.server == nil {
		return ""
	}
	for i := range pod.requests {
		because, largest := "", topology.Bytes(-1)
		for j := range pod.requests[i].alternatives {
			sub := &pod.requests[i].alternatives[j]
			matched := p.matchSelectors(ctx, expressions, sub.selectors)
			for d, at := range p.gpus.published {
				if !matched.devices.Has(at) {
					continue
				}
				refused := p.tooSmall(pod.server, d, p.shareLimit(sub, d))
				if refused == "" {
					because, largest = "", 1<<62
				} else if device := &p.gpus.inventory.Devices[d]; device.Memory > largest {
					because, largest = refused, device.Memory
				}
			}
		}
		if because != "" {
			return strings.TrimSpace(because)
		}
	}
	return ""
}
