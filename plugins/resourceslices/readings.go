package resourceslices

import (
	"cmp"
	"hash/maphash"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
)

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

func (x *Readings) borrowHasher() *deviceHasher {
	if hasher, free := x.hashers.Get().(*deviceHasher); free {
		return hasher
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if !x.seeded {
		x.seed, x.seeded = maphash.MakeSeed(), true
	}
	return newDeviceHasher(x.seed)
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

// Allocatable says why no devices can be chosen from the pool, as Pool.Allocatable does; nil if they can.
func (p *PublishedPool) Allocatable() error { return cmp.Or(p.checkSlices(), p.Reading.Invalid) }
