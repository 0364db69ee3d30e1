package gpuchain

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// pluginGPUs is how many GPUs or parts of them a node's device plugin offers.
func pluginGPUs(list corev1.ResourceList) int64 {
	var sum int64
	for name, quantity := range list {
		if deviceapi.IsGPUResource(string(name)) {
			sum += max(0, quantity.Value())
		}
	}
	return sum
}

// publishedPool is what one GPU driver publishes for one node.
type publishedPool struct {
	driver     string
	name       string
	generation int64
	slices     int64 // that were read
	wanted     int64 // that the pool has
	devices    int
	untainted  int
	taint      string // the key of a taint, the least of those that keep pods out
}

func (p *publishedPool) isComplete() bool { return p.slices >= p.wanted }

func (p *publishedPool) isOffered() bool { return p.isComplete() && p.untainted > 0 }

// publishedPools are the GPU drivers' pools by node. elsewhere reports that a GPU driver
// publishes devices for other nodes than one by name: they may be anywhere.
func publishedPools(list []*resourceapi.ResourceSlice) (byNode map[string][]*publishedPool, elsewhere []string) {
	byNode = map[string][]*publishedPool{}
	for _, slice := range list {
		if slice == nil || !slices.Contains(gpuDrivers, slice.Spec.Driver) {
			continue
		}
		if slice.Spec.NodeName == nil || *slice.Spec.NodeName == "" {
			if len(slice.Spec.Devices) > 0 && !slices.Contains(elsewhere, slice.Spec.Driver) {
				elsewhere = append(elsewhere, slice.Spec.Driver)
			}
			continue
		}
		name := *slice.Spec.NodeName
		i := slices.IndexFunc(byNode[name], func(p *publishedPool) bool {
			return p.driver == slice.Spec.Driver && p.name == slice.Spec.Pool.Name
		})
		if i < 0 {
			i = len(byNode[name])
			byNode[name] = append(byNode[name], &publishedPool{
				driver: slice.Spec.Driver, name: slice.Spec.Pool.Name, generation: slice.Spec.Pool.Generation,
			})
		}
		pool := byNode[name][i]
		if slice.Spec.Pool.Generation < pool.generation {
			continue
		}
		if slice.Spec.Pool.Generation > pool.generation {
			*pool = publishedPool{driver: pool.driver, name: pool.name, generation: slice.Spec.Pool.Generation}
		}
		pool.slices++
		pool.wanted = slice.Spec.Pool.ResourceSliceCount
		for i := range slice.Spec.Devices {
			pool.addDevice(&slice.Spec.Devices[i])
		}
	}
	return byNode, elsewhere
}

func (p *publishedPool) addDevice(device *resourceapi.Device) {
	p.devices++
	for _, taint := range device.Taints {
		if taint.Effect == resourceapi.DeviceTaintEffectNoSchedule || taint.Effect == resourceapi.DeviceTaintEffectNoExecute {
			if p.taint == "" || taint.Key < p.taint {
				p.taint = taint.Key
			}
			return
		}
	}
	p.untainted++
}
