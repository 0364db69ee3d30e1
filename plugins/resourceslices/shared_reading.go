package resourceslices

import (
	"cmp"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PoolReading is what is understood of the devices of a pool. Pools whose devices differ in nothing
// but which devices they are share one, so that nothing in it may be changed, and nothing in it says
// which: neither UUIDs nor addresses.
type PoolReading struct {
	Reading
	// Err is why nothing can be said of the pool: ReadPool's error, or NewInventory's.
	Err error
	// Invalid is what makes the devices ones that in-tree allocation refuses, nil if nothing does.
	Invalid error
	// Inventory is nil if nothing is understood.
	Inventory *placement.Inventory
	// Make is equal for pools of a driver that differ in nothing but which devices they are, as long as the
	// same Readings read them.
	Make uint64
	// Profiles are the MIG profiles of Devices, "" for those that are none. OnGPU are the devices by the GPU
	// that they are on, as indexes into Devices, and GPUProfiles the profiles that each GPU may be cut into.
	Profiles    []string
	OnGPU       [][]int
	GPUProfiles [][]string
	// Indexes are the NVML indexes of the node's GPUs, and Tainted says of which of them some device that is
	// understood must not be given to anybody new.
	Indexes []int64
	Tainted []bool

	names map[string]int
	// uuidAt and busAt are where each GPU's UUID and address are read, as indexes of published devices; -1
	// if they are nowhere.
	uuidAt, busAt []int
}

// DeviceNamed is the index in Devices of the device of a name.
func (r *PoolReading) DeviceNamed(name string) (int, bool) {
	i, found := r.names[name]
	return i, found
}

// GPUIdentities are which physical GPUs those of the node are, as the pool's devices say.
func (r *PoolReading) GPUIdentities(driver string, published []resourceapi.Device) []GPUIdentity {
	identities := make([]GPUIdentity, len(r.uuidAt))
	for gpu := range identities {
		if at := r.uuidAt[gpu]; at >= 0 {
			identities[gpu].UUID = Device{Device: &published[at], Driver: driver}.GPUIdentity().UUID
		}
		if at := r.busAt[gpu]; at >= 0 {
			identities[gpu].BusID = Device{Device: &published[at], Driver: driver}.GPUIdentity().BusID
		}
	}
	return identities
}

// readShared reads a pool.
func readShared(driver string, published []resourceapi.Device, counters []resourceapi.CounterSet) (shared *PoolReading, addressed bool) {
	r := &PoolReading{Invalid: validateDevices(published, counters)}
	reader, err := newPoolReader(driver, published)
	if err != nil {
		r.Err = err
		return r, false
	}
	r.Reading = reader.Reading
	if r.Inventory, r.Err = r.NewInventory(placement.PriorDemand()); r.Node == nil {
		return r, false
	}
	for i := range r.Node.GPUs {
		r.Node.GPUs[i].BusID = "" // of one node
	}
	gpus := len(r.Node.GPUs)
	r.Indexes, r.Tainted = reader.indexes, make([]bool, gpus)
	r.OnGPU, r.GPUProfiles = make([][]int, gpus), make([][]string, gpus)
	r.uuidAt, r.busAt = make([]int, gpus), make([]int, gpus)
	for gpu := range gpus {
		r.uuidAt[gpu], r.busAt[gpu] = -1, -1
	}
	r.names, r.Profiles = make(map[string]int, len(r.Devices)), make([]string, len(r.Devices))
	for i, at := range r.Published {
		device, gpu := reader.devices[at], r.Devices[i].GPU
		r.names[device.Name] = i
		r.OnGPU[gpu] = append(r.OnGPU[gpu], i)
		if r.Devices[i].Form == placement.MIG {
			r.Profiles[i] = device.textAttribute(deviceapi.Profile)
			if !slices.Contains(r.GPUProfiles[gpu], r.Profiles[i]) {
				r.GPUProfiles[gpu] = append(r.GPUProfiles[gpu], r.Profiles[i])
			}
		}
		for _, taint := range device.Taints {
			r.Tainted[gpu] = r.Tainted[gpu] || taint.Effect != resourceapi.DeviceTaintEffectNone
		}
		said := device.GPUIdentity()
		if r.uuidAt[gpu] < 0 && said.UUID != "" {
			r.uuidAt[gpu] = at
		}
		if r.busAt[gpu] < 0 && said.BusID != "" {
			r.busAt[gpu] = at
		}
	}
	return r, reader.addressed
}

// Readings reads pools, one of each make. Safe for concurrent use. The zero value is ready.
type Readings struct {
	mutex  sync.Mutex
	seed   maphash.Seed
	seeded bool
	byKey  map[readingKey]*sharedReading
	// hashers are not in use.
	hashers sync.Pool
}

// readingKey is what pools have in common that share a reading.
type readingKey struct {
	make uint64
	// addresses is a hash of the devices' addresses, 0 where they tell nothing.
	addresses uint64
}

type sharedReading struct {
	once    sync.Once
	reading *PoolReading
	// addressed says that the addresses of GPUs told how they are linked, so that it is no reading of other
	// pools of the make. It is known after once.
	addressed bool
}

// maxReadings bounds how many makes are remembered. They are forgotten together: a cluster of more
// makes has little to share.
const maxReadings = 256

// PublishedPool is a pool with what is understood of its devices.
type PublishedPool struct {
	*Pool
	Reading *PoolReading
}

// ReadPool reads a pool from its slices, which are sorted by name.
func (x *Readings) ReadPool(key PoolKey, published []*resourceapi.ResourceSlice) *PublishedPool {
	pool := NewestGeneration(key, published)
	return &PublishedPool{Pool: pool, Reading: x.readDevices(key.Driver, pool.Devices, pool.Counters)}
}

func (x *Readings) readDevices(driver string, devices []resourceapi.Device, counters []resourceapi.CounterSet) *PoolReading {
	hasher := x.borrowHasher()
	defer x.hashers.Put(hasher)
	key := readingKey{make: hasher.hashPool(driver, devices, counters)}
	read := func(key readingKey) *sharedReading {
		shared := x.sharedAt(key)
		shared.once.Do(func() {
			shared.reading, shared.addressed = readShared(driver, devices, counters)
			shared.reading.Make = key.make
		})
		return shared
	}
	shared := read(key)
	if shared.addressed {
		key.addresses = hasher.hashAddresses(driver, devices) | 1
		shared = read(key)
	}
	return shared.reading
}

func (x *Readings) borrowHasher() *fingerprinter {
	if hasher, free := x.hashers.Get().(*fingerprinter); free {
		return hasher
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if !x.seeded {
		x.seed, x.seeded = maphash.MakeSeed(), true
	}
	return newFingerprinter(x.seed)
}

// sharedAt is the place of a reading, which may be still to be read.
func (x *Readings) sharedAt(key readingKey) *sharedReading {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	known := x.byKey[key]
	if known == nil {
		if len(x.byKey) >= maxReadings || x.byKey == nil {
			x.byKey = map[readingKey]*sharedReading{}
		}
		known = &sharedReading{}
		x.byKey[key] = known
	}
	return known
}

// PoolCache reads the pools of a cluster, and each of them once as long as its slices are the same
// objects. Safe for concurrent use. The zero value is ready.
type PoolCache struct {
	readings Readings
	mutex    sync.Mutex
	byKey    map[PoolKey]*cachedPool
}

type cachedPool struct {
	slices []*resourceapi.ResourceSlice
	once   sync.Once
	pool   *PublishedPool
}

// ReadPool reads a pool from its slices, which are sorted by name.
func (c *PoolCache) ReadPool(key PoolKey, published []*resourceapi.ResourceSlice) *PublishedPool {
	c.mutex.Lock()
	known := c.byKey[key]
	if known == nil || !slices.Equal(known.slices, published) {
		if c.byKey == nil {
			c.byKey = map[PoolKey]*cachedPool{}
		}
		known = &cachedPool{slices: published}
		c.byKey[key] = known
	}
	c.mutex.Unlock()
	known.once.Do(func() { known.pool = c.readings.ReadPool(key, published) })
	return known.pool
}

// ReadPools reads pools on all processors, and forgets those that are not among them.
func (c *PoolCache) ReadPools(groups map[PoolKey][]*resourceapi.ResourceSlice) map[PoolKey]*PublishedPool {
	c.mutex.Lock()
	for key := range c.byKey {
		if groups[key] == nil {
			delete(c.byKey, key)
		}
	}
	c.mutex.Unlock()
	keys := make([]PoolKey, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	read := make([]*PublishedPool, len(keys))
	eachInParallel(len(keys), func(i int) { read[i] = c.ReadPool(keys[i], groups[keys[i]]) })
	pools := make(map[PoolKey]*PublishedPool, len(keys))
	for i, key := range keys {
		pools[key] = read[i]
	}
	return pools
}

// eachInParallel calls do with each number below n, on all processors.
func eachInParallel(n int, do func(int)) {
	var workers sync.WaitGroup
	count := min(runtime.GOMAXPROCS(0), n)
	for worker := range count {
		workers.Go(func() {
			for i := worker; i < n; i += count {
				do(i)
			}
		})
	}
	workers.Wait()
}

// Allocatable says why no devices can be chosen from the pool, as Pool.Allocatable does; nil if they can.
func (p *PublishedPool) Allocatable() error { return cmp.Or(p.checkSlices(), p.Reading.Invalid) }
