package doubleallocation

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// pool is what is published of a pool. What is not known limits nothing.
type pool struct {
	node     string
	devices  map[string]*resourceapi.Device
	counters map[counterID]resource.Quantity
}

// counterID names a counter of a pool.
type counterID struct{ set, counter string }

// poolIndex is the index of ResourceSlices by pool.
const poolIndex = "ashlar.dev/pool"

func (id poolID) indexKey() string { return id.driver + "/" + id.pool }

// indexPools is the function of poolIndex.
func indexPools(object any) ([]string, error) {
	slice, ok := object.(*resourceapi.ResourceSlice)
	if !ok {
		return nil, nil
	}
	return []string{poolID{slice.Spec.Driver, slice.Spec.Pool.Name}.indexKey()}, nil
}

// readPool reads the newest generation of a pool from indexed slices.
func readPool(slices cache.Indexer, id poolID) (*pool, error) {
	objects, err := slices.ByIndex(poolIndex, id.indexKey())
	if err != nil {
		return nil, err
	}
	p := &pool{devices: map[string]*resourceapi.Device{}, counters: map[counterID]resource.Quantity{}}
	newest := int64(-1)
	for _, object := range objects {
		if slice, ok := object.(*resourceapi.ResourceSlice); ok {
			newest = max(newest, slice.Spec.Pool.Generation)
		}
	}
	for _, object := range objects {
		slice, ok := object.(*resourceapi.ResourceSlice)
		if !ok || slice.Spec.Pool.Generation != newest {
			continue
		}
		if node := ptr.Deref(slice.Spec.NodeName, ""); node != "" {
			p.node = node
		}
		for i := range slice.Spec.Devices {
			p.devices[slice.Spec.Devices[i].Name] = &slice.Spec.Devices[i]
		}
		for _, set := range slice.Spec.SharedCounters {
			for name, counter := range set.Counters {
				p.counters[counterID{set.Name, name}] = counter.Value
			}
		}
	}
	return p, nil
}
