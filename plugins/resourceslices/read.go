package resourceslices

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Reading is what is understood of the devices that a driver publishes for one node.
type Reading struct {
	// Node is the GPUs that the devices are or lie on, nil if none is understood.
	Node *topology.Node
	// Devices are those that are understood, in the order of their publication.
	Devices []placement.Device
	// Published[i] is the index of Devices[i] among the devices that were read.
	Published []int
	// Unsupported says of the other devices, by their index, why they are left out. The
	// errors name the device.
	Unsupported map[int]error
}

// Err joins what is left out, nil if every device was understood.
func (r *Reading) Err() error {
	var all []error
	for _, i := range slices.Sorted(maps.Keys(r.Unsupported)) {
		all = append(all, r.Unsupported[i])
	}
	return errors.Join(all...)
}

// ReadPool reads the devices of a pool, each on its own. A GPU is known from its own
// device or, where that is not published, from its MIG devices; such a GPU offers
// nothing whole. It is an error if there are more GPUs than a node can have.
func ReadPool(driver string, published []resourceapi.Device) (*Reading, error) {
	r, err := newPoolReader(driver, published)
	if err != nil {
		return nil, err
	}
	return &r.Reading, nil
}

// newPoolReader reads devices for ReadPool.
func newPoolReader(driver string, published []resourceapi.Device) (*poolReader, error) {
	r := &poolReader{
		devices: make([]Device, len(published)), index: make([]int64, len(published)),
		gpus: map[int64]topology.GPU{}, sources: map[int64]Device{}, parts: map[int64][]Device{},
		Reading: Reading{Unsupported: map[int]error{}},
	}
	for i := range published {
		r.devices[i] = Device{Device: &published[i], Driver: driver}
	}
	r.findGPUs()
	if len(r.gpus) > topology.MaxGPUs {
		return nil, fmt.Errorf("driver %s publishes %d GPUs for one node, at most %d are supported", driver, len(r.gpus), topology.MaxGPUs)
	}
	r.buildNode()
	return r, nil
}

// poolReader is the state of ReadPool.
type poolReader struct {
	Reading
	devices []Device
	// index[i] is the NVML index of device i's GPU.
	index []int64
	// gpus, sources and parts are by NVML index: the GPU, a device that describes it, and
	// its MIG devices.
	gpus    map[int64]topology.GPU
	sources map[int64]Device
	parts   map[int64][]Device
	// indexes are the NVML indexes of the node's GPUs, and addressed says that links were assumed, so that
	// the GPUs' addresses were asked what machine it is.
	indexes   []int64
	addressed bool
}

// findGPUs tells which GPUs there are and which device lies on which.
func (r *poolReader) findGPUs() {
	byUUID := gpusByUUID(r.devices)
	for i, d := range r.devices {
		// On GPU 0 for now: what is no device that can be placed describes no GPU either.
		if _, err := d.readDevice(0); err != nil {
			r.Unsupported[i] = err
			continue
		}
		index, err := d.gpuIndex(byUUID)
		if err != nil {
			r.Unsupported[i] = err
			continue
		}
		r.index[i] = index
		switch d.textAttribute(deviceapi.Type) {
		case deviceapi.TypeGPU:
			if gpu, err := d.readGPU(); err == nil {
				r.gpus[index], r.sources[index] = gpu, d
			}
		case deviceapi.TypeMIG:
			r.parts[index] = append(r.parts[index], d)
		}
	}
	// A node that publishes no whole GPUs tells of them by what can be shared.
	for i, d := range r.devices {
		index := r.index[i]
		if _, known := r.gpus[index]; known || r.Unsupported[i] != nil || d.textAttribute(deviceapi.Type) != deviceapi.TypeShare {
			continue
		}
		if gpu, err := d.readGPU(); err == nil {
			r.gpus[index], r.sources[index] = gpu, d
		}
	}
	for index, parts := range r.parts {
		if _, known := r.gpus[index]; known {
			continue
		}
		if gpu, err := readSplitGPU(parts); err == nil {
			r.gpus[index], r.sources[index] = gpu, parts[0]
		}
	}
}

// buildNode numbers the GPUs by their NVML index and puts the devices on them.
func (r *poolReader) buildNode() {
	indexes := slices.Sorted(maps.Keys(r.gpus))
	r.indexes = indexes
	if len(indexes) == 0 {
		for i := range r.devices {
			r.leaveOut(i)
		}
		return
	}
	position := make(map[int64]int, len(indexes))
	node := &topology.Node{}
	for at, index := range indexes {
		position[index] = at
		node.GPUs = append(node.GPUs, r.gpus[index])
	}
	sources := make([]Device, 0, len(indexes))
	for at, index := range indexes {
		sources = append(sources, r.sources[index])
		node.Links = append(node.Links, r.sources[index].linkRow(node.GPUs, at))
	}
	r.addressed = addCatalogueLinks(node)
	addNICs(node, sources)
	r.Node = node
	for i, d := range r.devices {
		if r.Unsupported[i] != nil {
			continue
		}
		at, known := position[r.index[i]]
		if !known {
			r.leaveOut(i)
			continue
		}
		device, err := d.readDevice(at)
		if err != nil {
			r.Unsupported[i] = err
			continue
		}
		r.Devices, r.Published = append(r.Devices, device), append(r.Published, i)
	}
}

// leaveOut is for a device that would be understood if its GPU were.
func (r *poolReader) leaveOut(i int) {
	if r.Unsupported[i] == nil {
		r.Unsupported[i] = fmt.Errorf("device %s: nothing describes its GPU", r.devices[i].Name)
	}
}

// NewInventory prepares a reading for placement; nil if nothing is understood. Where
// the MIG devices of a GPU are of a kind that placement cannot hold, they are left out
// as if they had not been understood, and the reading says so.
func (r *Reading) NewInventory(demand placement.Demand) (*placement.Inventory, error) {
	if r.Node == nil || len(r.Devices) == 0 {
		return nil, nil
	}
	inventory, err := placement.NewInventory(r.Node, r.Devices, demand)
	if err == nil {
		return inventory, nil
	}
	for gpu := range r.Node.GPUs {
		own := slices.DeleteFunc(slices.Clone(r.Devices), func(d placement.Device) bool { return d.GPU != gpu })
		if _, unsound := placement.NewInventory(r.Node, own, demand); unsound != nil {
			r.dropMIG(gpu, unsound)
		}
	}
	if len(r.Devices) == 0 {
		return nil, nil
	}
	return placement.NewInventory(r.Node, r.Devices, demand)
}

// dropMIG leaves out the MIG devices of a GPU.
func (r *Reading) dropMIG(gpu int, because error) {
	kept := 0
	for i, device := range r.Devices {
		if device.GPU == gpu && device.Form == placement.MIG {
			r.Unsupported[r.Published[i]] = because
			continue
		}
		r.Devices[kept], r.Published[kept] = device, r.Published[i]
		kept++
	}
	r.Devices, r.Published = r.Devices[:kept], r.Published[:kept]
}

// ProfileName is the MIG profile that a device was published with, "" for others.
func ProfileName(driver string, d *resourceapi.Device) string {
	return Device{Device: d, Driver: driver}.textAttribute(deviceapi.Profile)
}
