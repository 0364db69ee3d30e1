package publish

import (
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// mediaEngine is one kind of media engine and the counter that stands for it.
type mediaEngine struct {
	counter string
	count   func(mig.Media) int64
}

var engines = []mediaEngine{
	{deviceapi.DecoderCounter, func(m mig.Media) int64 { return m.Decoders }},
	{deviceapi.EncoderCounter, func(m mig.Media) int64 { return m.Encoders }},
	{deviceapi.JPEGCounter, func(m mig.Media) int64 { return m.JPEG }},
	{deviceapi.OFACounter, func(m mig.Media) int64 { return m.OFA }},
}

// scarceEngines returns the engines that can run out before the memory slices do. The
// others, compute slices and SMs are capacities and not counters.
func scarceEngines(table *mig.Table) []mediaEngine {
	media := table.ScarceMedia()
	return slices.DeleteFunc(slices.Clone(engines), func(e mediaEngine) bool { return e.count(media) == 0 })
}

// counterSet is what one GPU has to give. With MIG it is one counter of value 1
// for each memory slice, and the scarce media engines; without, one counter
// for the GPU as a whole.
func counterSet(gpu *discovery.GPU) resourceapi.CounterSet {
	counters := map[string]resourceapi.Counter{}
	if gpu.Table == nil {
		counters[deviceapi.WholeCounter] = counterOf(1)
		return resourceapi.CounterSet{Name: deviceapi.CounterSet(gpu.Index), Counters: counters}
	}
	for slice := range gpu.Table.MemorySlices {
		counters[deviceapi.SliceCounter(slice)] = counterOf(1)
	}
	for _, engine := range scarceEngines(gpu.Table) {
		counters[engine.counter] = counterOf(engine.count(gpu.Table.Media))
	}
	return resourceapi.CounterSet{Name: deviceapi.CounterSet(gpu.Index), Counters: counters}
}

// consumeAll takes everything that the GPU has: the whole GPU does, and so does
// sharing its memory, which MIG instances would otherwise cut.
func consumeAll(gpu *discovery.GPU) []resourceapi.DeviceCounterConsumption {
	set := counterSet(gpu)
	return []resourceapi.DeviceCounterConsumption{{CounterSet: set.Name, Counters: set.Counters}}
}

// consumePlacement takes what one MIG instance does.
func consumePlacement(gpu *discovery.GPU, profile *mig.Profile, placement mig.Placement) []resourceapi.DeviceCounterConsumption {
	counters := map[string]resourceapi.Counter{}
	for slice := placement.Start; slice < placement.Start+placement.Size; slice++ {
		counters[deviceapi.SliceCounter(slice)] = counterOf(1)
	}
	for _, engine := range scarceEngines(gpu.Table) {
		if count := engine.count(profile.Media); count > 0 {
			counters[engine.counter] = counterOf(count)
		}
	}
	return []resourceapi.DeviceCounterConsumption{{CounterSet: deviceapi.CounterSet(gpu.Index), Counters: counters}}
}

func counterOf(value int64) resourceapi.Counter {
	return resourceapi.Counter{Value: *resource.NewQuantity(value, resource.DecimalSI)}
}
