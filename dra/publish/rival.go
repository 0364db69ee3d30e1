package publish

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceslice"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// findRival says who else hands out GPUs of a node, in one clause, "" if nobody does.
// published are slices of NVIDIA's driver; own are the identities of the GPUs that would be
// published otherwise.
func findRival(node *corev1.Node, published []*resourceapi.ResourceSlice, own map[string]bool) string {
	if plugin := pluginResources(node); plugin != "" {
		return fmt.Sprintf("node %s has %s from a device plugin", node.Name, plugin)
	}
	same, unknown := 0, 0
	for _, slice := range published {
		if slice.Spec.NodeName == nil || *slice.Spec.NodeName != node.Name || slice.Spec.Driver != deviceapi.NVIDIADriver {
			continue
		}
		for i := range slice.Spec.Devices {
			ids := deviceIdentities(slice.Spec.Devices[i].Attributes)
			switch {
			case len(ids) == 0:
				unknown++
			case containsAny(own, ids):
				same++
			}
		}
	}
	switch {
	case same > 0:
		return fmt.Sprintf("%s publishes the same GPUs of node %s (%d device(s) with their UUID or PCI address)",
			deviceapi.NVIDIADriver, node.Name, same)
	case unknown > 0:
		return fmt.Sprintf("%s publishes %d device(s) of node %s without UUID and PCI address, which may be the same GPUs",
			deviceapi.NVIDIADriver, unknown, node.Name)
	}
	return ""
}

// pluginResources are the GPUs that NVIDIA's device plugin hands out on a node, "" if none.
// When the plugin goes, the kubelet first takes them from allocatable and some minutes
// later from capacity: a plugin that restarts keeps its GPUs.
func pluginResources(node *corev1.Node) string {
	var found []string
	for _, list := range []corev1.ResourceList{node.Status.Allocatable, node.Status.Capacity} {
		for name, quantity := range list {
			if deviceapi.IsGPUResource(string(name)) && quantity.Sign() > 0 {
				found = append(found, fmt.Sprintf("%s %s", quantity.String(), name))
			}
		}
		if len(found) > 0 {
			break
		}
	}
	slices.Sort(found)
	const most = 3
	if more := len(found) - most; more > 0 {
		found = append(found[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(found, ", ")
}

// gpuIdentities are the UUIDs and PCI addresses of the GPUs in resources.
func gpuIdentities(resources resourceslice.DriverResources) map[string]bool {
	found := map[string]bool{}
	for _, pool := range resources.Pools {
		for _, slice := range pool.Slices {
			for i := range slice.Devices {
				for _, id := range deviceIdentities(slice.Devices[i].Attributes) {
					found[id] = true
				}
			}
		}
	}
	return found
}

// deviceIdentities are what tells which GPU a device is on, whichever driver wrote it.
func deviceIdentities(attributes map[resourceapi.QualifiedName]resourceapi.DeviceAttribute) []string {
	var found []string
	for name, attribute := range attributes {
		_, bare, qualified := strings.Cut(string(name), "/")
		if !qualified {
			bare = string(name)
		}
		if attribute.StringValue != nil && *attribute.StringValue != "" &&
			(bare == deviceapi.UUID || bare == deviceapi.ParentUUID || string(name) == deviceapi.PCIBusID) {
			found = append(found, strings.ToLower(*attribute.StringValue))
		}
	}
	return found
}

func containsAny(set map[string]bool, texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return set[text] })
}
