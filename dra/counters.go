package dra

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/published"
)

// engine is one kind of media engine and the counter that stands for it.
type engine struct {
	counter string
	count   func(mig.Media) int64
}

var engines = []engine{
	{published.DecoderCounter, func(m mig.Media) int64 { return m.Decoders }},
	{published.EncoderCounter, func(m mig.Media) int64 { return m.Encoders }},
	{published.JPEGCounter, func(m mig.Media) int64 { return m.JPEG }},
	{published.OFACounter, func(m mig.Media) int64 { return m.OFA }},
}

// binding returns the engines that can run out before the memory slices do:
// those of which some profile smaller than the GPU takes all that there are. On
// H100 that is the OFA engine alone, which 1g+me takes; on A100 and A30 the JPEG
// engine, which goes with it, as well; on RTX PRO 6000 every kind, because of
// the +me.all profiles. Compute slices, SMs and copy engines never bind once
// memory slices are disjoint, so they are capacities and not counters.
func binding(table *mig.Table) []engine {
	var result []engine
	for _, engine := range engines {
		total := engine.count(table.Media)
		for _, profile := range table.Profiles {
			if profile.MemorySlices < table.MemorySlices && total > 0 && engine.count(profile.Media) == total {
				result = append(result, engine)
				break
			}
		}
	}
	return result
}

// counterSet is what one GPU has to give. With MIG it is one counter of value 1
// for each memory slice, and the binding media engines; without, one counter
// for the GPU as a whole.
func counterSet(gpu GPU) resourceapi.CounterSet {
	counters := map[string]resourceapi.Counter{}
	if gpu.MIG == nil {
		counters[published.WholeCounter] = counter(1)
		return resourceapi.CounterSet{Name: published.CounterSet(gpu.Index), Counters: counters}
	}
	for slice := range gpu.MIG.MemorySlices {
		counters[published.SliceCounter(slice)] = counter(1)
	}
	for _, engine := range binding(gpu.MIG) {
		counters[engine.counter] = counter(engine.count(gpu.MIG.Media))
	}
	return resourceapi.CounterSet{Name: published.CounterSet(gpu.Index), Counters: counters}
}

// consumeAll takes everything that the GPU has: the whole GPU does, and so does
// sharing its memory, which MIG instances would otherwise cut.
func consumeAll(gpu GPU) []resourceapi.DeviceCounterConsumption {
	set := counterSet(gpu)
	return []resourceapi.DeviceCounterConsumption{{CounterSet: set.Name, Counters: set.Counters}}
}

// consumePlacement takes what one MIG instance does.
func consumePlacement(gpu GPU, profile *mig.Profile, placement mig.Placement) []resourceapi.DeviceCounterConsumption {
	counters := map[string]resourceapi.Counter{}
	for slice := placement.Start; slice < placement.Start+placement.Size; slice++ {
		counters[published.SliceCounter(slice)] = counter(1)
	}
	for _, engine := range binding(gpu.MIG) {
		if count := engine.count(profile.Media); count > 0 {
			counters[engine.counter] = counter(count)
		}
	}
	return []resourceapi.DeviceCounterConsumption{{CounterSet: published.CounterSet(gpu.Index), Counters: counters}}
}

func counter(value int64) resourceapi.Counter {
	return resourceapi.Counter{Value: *resource.NewQuantity(value, resource.DecimalSI)}
}
