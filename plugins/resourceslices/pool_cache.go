package resourceslices

import (
	"runtime"
	"slices"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
)

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
