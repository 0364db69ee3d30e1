package deviceplacement

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// nodeForecast is the forecast for the nodes that a source knows. It learns for as long
// as the scheduler runs.
type nodeForecast struct {
	*forecast.DemandForecast
	// generation is that of the source whose nodes it has.
	generation int64
	// observed are pods that it learned from lately: one whose binding failed comes again,
	// and still is one pod.
	observed recentPods
}

func newNodeForecast() *nodeForecast {
	return &nodeForecast{DemandForecast: forecast.NewDemandForecast()}
}

// observePod notes what a pod takes, once. It reports whether that was new.
func (f *nodeForecast) observePod(pod *v1.Pod, inventory *placement.Inventory, devices []placement.DeviceAllocation) bool {
	if !f.observed.rememberPod(pod.UID) {
		return false
	}
	f.ObservePod(cpuOf(pod), inventory, devices)
	return true
}

// updateNodes takes the nodes that there are now.
func (f *nodeForecast) updateNodes(source *dra.Source) error {
	if f.generation == source.Generation() {
		return nil
	}
	var nodes []forecast.Node
	for _, name := range source.NodeNames() {
		if inventory := source.Inventory(name); inventory != nil {
			nodes = append(nodes, forecast.Node{Name: name, Inventory: inventory})
		}
	}
	if !slices.Equal(nodes, f.Nodes()) {
		if err := f.SetNodes(nodes); err != nil {
			return err
		}
	}
	f.generation = source.Generation()
	return nil
}

// cpuOf is the milli-CPU that a pod asks for.
func cpuOf(pod *v1.Pod) int64 {
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{})
	return requests.Cpu().MilliValue()
}
