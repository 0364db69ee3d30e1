package dra

import (
	"cmp"
	"slices"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/structured"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Pool is a resource pool: all that one driver publishes for one node, or for several, in
// the order in which in-tree allocation tries them.
type Pool struct {
	*resourceslices.Pool
	ids []structured.DeviceID

	// unmanaged says that the pool reaches the in-tree code as it is: its devices are known,
	// and not chosen.
	unmanaged bool

	// kind is the pool's make, and matches what selectors find that read which of that make
	// it is.
	kind    *poolMake
	matches matchCache

	// gpus is nil if no device is a GPU that is understood.
	gpus *gpuPool

	// placeholder is what the in-tree allocator sees.
	placeholder poolPlaceholder
}

// newPool reads a pool.
func newPool(published *resourceslices.Pool, known *inventoryCache, makes *makeIndex) *Pool {
	p := &Pool{Pool: published, unmanaged: published.Allocatable() != nil}
	for i := range p.Devices {
		p.ids = append(p.ids, structured.MakeDeviceID(p.Driver, p.PoolKey.Pool, p.Devices[i].Name))
	}
	if !p.unmanaged {
		p.placeholder = newPlaceholder(published)
		p.gpus = readGPUs(p, known)
	}
	p.kind = makes.makeOf(p)
	return p
}

// readGPUs reads the GPUs of a pool's devices; nil if there are none, so that the pool
// passes through unchanged.
func readGPUs(p *Pool, known *inventoryCache) *gpuPool {
	if p.Driver != deviceapi.Driver && p.Driver != deviceapi.NVIDIADriver {
		return nil
	}
	reading, err := resourceslices.ReadPool(p.Driver, p.Devices)
	if err != nil {
		return nil
	}
	inventory, err := known.inventoryOf(reading)
	if err != nil || inventory == nil {
		return nil
	}
	gpus := &gpuPool{inventory: inventory, published: reading.Published, byName: make(map[string]int, len(reading.Published))}
	for i, at := range reading.Published {
		gpus.byName[p.Devices[at].Name] = i
	}
	for at := range p.Devices {
		if reading.Unsupported[at] != nil {
			gpus.unsupported = append(gpus.unsupported, at)
		}
	}
	gpus.identities = make([]resourceslices.GPUIdentity, len(inventory.Node.GPUs))
	for i := range inventory.Devices {
		known, said := &gpus.identities[inventory.Devices[i].GPU], p.deviceAt(gpus.published[i]).GPUIdentity()
		known.UUID, known.BusID = cmp.Or(known.UUID, said.UUID), cmp.Or(known.BusID, said.BusID)
	}
	return gpus
}

// deviceAt is device i of the pool.
func (p *Pool) deviceAt(i int) resourceslices.Device {
	return resourceslices.Device{Device: &p.Devices[i], Driver: p.Driver}
}

// sameSlices reports whether the pool was read from just these slices.
func (p *Pool) sameSlices(group []*resourceapi.ResourceSlice) bool {
	return p != nil && slices.Equal(p.Slices, group)
}

// publishedDevice is the device of the pool that device i of the inventory is.
func (p *Pool) publishedDevice(i int) resourceslices.Device {
	return p.deviceAt(p.gpus.published[i])
}

// matchCache remembers which of the devices of a pool, or of a make, satisfy a list of
// selectors. They never change, so entries stay true. Safe for
// concurrent use.
type matchCache struct {
	mutex   sync.Mutex
	entries map[string]selectorMatch
	// first is the first device of each list that was only asked whether there is one.
	first map[string]int
}
