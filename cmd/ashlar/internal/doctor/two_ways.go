package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// checkTwoWays looks for GPUs that two parties hand out: two drivers, or a driver and a device plugin.
func checkTwoWays(e *Evidence) checkOutcome {
	var o checkOutcome
	published := e.publishedGPUs()
	for _, node := range e.Nodes {
		drivers := slices.Sorted(maps.Keys(published[node.Name]))
		if plugin := deviceplugin.ReadNode(node); plugin != nil && len(drivers) > 0 {
			if f, found := besidePlugin(node, plugin, drivers, published[node.Name]); found {
				o.findings = append(o.findings, f)
			}
		}
		if len(drivers) < 2 {
			continue
		}
		both := sharedGPUs(published[node.Name][drivers[0]], published[node.Name][drivers[1]])
		if both == 0 {
			continue
		}
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("Node", "", node.Name),
			Cause:  fmt.Sprintf("%d GPUs are published by %s, so that each may be allocated twice", both, strings.Join(drivers, " and by ")),
			Remedy: fmt.Sprintf("keep one driver there: kubectl label node %s ashlar.dev/driver-", node.Name),
		})
	}
	o.well = fmt.Sprintf("no GPU of %d nodes is offered twice", len(e.Nodes))
	return o
}

// besidePlugin is the finding for a node whose device plugin and driver hand out the same GPUs, unless
// the labels prove that the node has enough for both.
func besidePlugin(
	node *corev1.Node, plugin *deviceplugin.Node, drivers []string, published map[string][]resourceslices.GPUIdentity,
) (ClusterFinding, bool) {
	gpus, offered := int64(0), int64(0)
	for _, driver := range drivers {
		gpus = max(gpus, int64(len(published[driver])))
	}
	for i := range plugin.Resources {
		offered += plugin.Resources[i].Count
	}
	if gpus == 0 || plugin.GPUs > 0 && offered+gpus <= plugin.GPUs {
		return ClusterFinding{}, false
	}
	return ClusterFinding{
		Severity: Broken, Object: objectName("Node", "", node.Name),
		Cause: fmt.Sprintf("its device plugin hands out %d of %s, and %s publishes %d GPUs: the same ones may be given out twice",
			offered, plugin.Resources[0].Name, strings.Join(drivers, " and "), gpus),
		Remedy: fmt.Sprintf("keep the driver off: kubectl label node %s ashlar.dev/driver-, or the plugin: "+
			"kubectl label node %s nvidia.com/gpu.deploy.device-plugin=false --overwrite", node.Name, node.Name),
	}, true
}

// publishedGPUs are the physical GPUs that each driver publishes, by node.
func (e *Evidence) publishedGPUs() map[string]map[string][]resourceslices.GPUIdentity {
	published := map[string]map[string][]resourceslices.GPUIdentity{}
	for key, group := range resourceslices.GroupByPool(e.Slices) {
		if key.Driver != deviceapi.Driver && key.Driver != deviceapi.NVIDIADriver {
			continue
		}
		pool := resourceslices.NewestGeneration(key, group)
		if pool.Node == "" {
			continue
		}
		if published[pool.Node] == nil {
			published[pool.Node] = map[string][]resourceslices.GPUIdentity{}
		}
		for i := range pool.Devices {
			device := resourceslices.Device{Driver: key.Driver, Device: &pool.Devices[i]}
			identity := device.GPUIdentity()
			known := published[pool.Node][key.Driver]
			if !slices.ContainsFunc(known, identity.SameGPU) && identity != (resourceslices.GPUIdentity{}) {
				published[pool.Node][key.Driver] = append(known, identity)
			}
		}
	}
	return published
}

// sharedGPUs counts the GPUs that are in both lists.
func sharedGPUs(a, b []resourceslices.GPUIdentity) int {
	count := 0
	for _, gpu := range a {
		if slices.ContainsFunc(b, gpu.SameGPU) {
			count++
		}
	}
	return count
}
