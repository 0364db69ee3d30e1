package deviceplacement

import (
	"maps"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// nodeForecast is the forecast for the nodes that a source knows. It learns for as long
// as the scheduler runs, and before from the pods that are bound when it begins. The
// scheduling cycle asks it, and binding cycles teach it.
type nodeForecast struct {
	mutex  sync.Mutex
	demand *forecast.DemandForecast
	// generation is that of the source whose nodes it has.
	generation int64
	// counted is that of the source of device plugins' nodes.
	counted int64
	// observed are pods that it learned from lately: one whose binding failed comes again,
	// and still is one pod.
	observed recentPods
	// recall teaches it the pods that are bound; recalled says that it has begun to.
	recall   func()
	recalled bool
}

func newNodeForecast() *nodeForecast {
	return &nodeForecast{demand: forecast.NewDemandForecast()}
}

// beginRecall reports, once, that the pods that are bound are to be recalled.
func (f *nodeForecast) beginRecall() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	begins := !f.recalled
	f.recalled = true
	return begins
}

// observePod notes what a pod takes, once. It reports whether that was new.
func (f *nodeForecast) observePod(pod *v1.Pod, inventory *placement.Inventory, devices []placement.DeviceAllocation) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if !f.observed.rememberPod(pod.UID) {
		return false
	}
	f.demand.ObservePod(cpuOf(pod), inventory, devices)
	return true
}

// measureDrift compares what is expected with the pods that came; false if nothing is.
func (f *nodeForecast) measureDrift() (forecast.DemandDrift, bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.demand.MeasureDrift()
}

// costOn is what it takes from the pods to come to give a pod that asks for so many
// milli-CPU devices of a node on which gpus are held; see forecast.DemandForecast.OpportunityCost.
func (f *nodeForecast) costOn(node fwk.NodeInfo, gpus placement.GPUStates, cpu int64, devices []placement.DeviceAllocation) int64 {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	cpuLeft := node.GetAllocatable().GetMilliCPU() - node.GetRequested().GetMilliCPU()
	return f.demand.OpportunityCost(node.Node().Name, cpuLeft, gpus, cpu, devices)
}

// updateNodes takes the nodes that there are now.
func (f *nodeForecast) updateNodes(source *dra.Source, plugins *deviceplugin.Source) error {
	if f.recall != nil {
		f.recall()
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	counted := plugins.Generation()
	if f.generation == source.Generation() && f.counted == counted {
		return nil
	}
	others := plugins.ListInventories()
	var nodes []forecast.Node
	for _, name := range source.NodeNames() {
		if inventory := source.Inventory(name); inventory != nil {
			nodes = append(nodes, forecast.Node{Name: name, Inventory: inventory})
			delete(others, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		nodes = append(nodes, forecast.Node{Name: name, Inventory: others[name]})
	}
	if !slices.Equal(nodes, f.demand.Nodes()) {
		if err := f.demand.SetNodes(nodes); err != nil {
			return err
		}
	}
	f.generation, f.counted = source.Generation(), counted
	return nil
}

// cpuOf is the milli-CPU that a pod asks for.
func cpuOf(pod *v1.Pod) int64 {
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{})
	return requests.Cpu().MilliValue()
}
