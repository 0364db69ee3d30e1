package dra

import (
	"slices"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/structured"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// Pool is a resource pool: all that one driver publishes for one node, or for several, in
// the order in which in-tree allocation tries them.
type Pool struct {
	*resourceslices.Pool
	named     sync.Once // deviceIDs
	deviceIDs []structured.DeviceID

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

// newPool takes a pool as it was read.
func newPool(published *resourceslices.PublishedPool, known *inventoryCache, makes *makeIndex) *Pool {
	p := &Pool{Pool: published.Pool, unmanaged: published.Allocatable() != nil}
	if !p.unmanaged {
		p.placeholder = newPlaceholder(published.Pool)
		p.gpus = readGPUs(published, known)
	}
	p.kind = makes.makeOf(p, published.Reading.Make)
	return p
}

// deviceNames are how the in-tree code names the devices. They are made when they are first asked for: most pools of a large
// cluster have nothing of which anybody asks.
func (p *Pool) deviceNames() []structured.DeviceID {
	p.named.Do(func() {
		p.deviceIDs = make([]structured.DeviceID, len(p.Devices))
		for i := range p.Devices {
			p.deviceIDs[i] = structured.MakeDeviceID(p.Driver, p.PoolKey.Pool, p.Devices[i].Name)
		}
	})
	return p.deviceIDs
}

// readGPUs is what is understood of a pool's devices as GPUs; nil if there are none, so that the pool
// passes through unchanged.
func readGPUs(published *resourceslices.PublishedPool, known *inventoryCache) *gpuPool {
	if !resourceslices.HasGPUs(published.Driver) {
		return nil
	}
	shared := known.gpusOf(published.Reading)
	if shared == nil {
		return nil
	}
	gpus := *shared
	gpus.identities = published.Reading.GPUIdentities(published.Driver, published.Devices)
	return &gpus
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
