package gpuchain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// takesSlicesOf reports whether the pod can get devices that a driver publishes.
func (w *chainWalk) takesSlicesOf(driver string) bool {
	if w.asked.resource == "" {
		return slices.Contains(w.asked.drivers, driver)
	}
	return slices.Contains(w.driversBehind(w.asked.resource), driver)
}

// driversBehind are the drivers whose devices a DeviceClass gives the name of an extended
// resource to.
func (w *chainWalk) driversBehind(resource string) []string {
	var drivers []string
	for _, class := range w.DeviceClasses {
		if class != nil && class.Spec.ExtendedResourceName != nil && *class.Spec.ExtendedResourceName == resource {
			drivers = append(drivers, w.driversOf(class.Name)...)
		}
	}
	return drivers
}

// offeringNodes are the nodes that offer GPUs as the pod asks for them, and those that
// offer GPUs in another way only.
func (w *chainWalk) offeringNodes() (offered, otherwise []*corev1.Node) {
	for _, node := range w.Nodes {
		if node == nil || !w.isOffering(node) {
			continue
		}
		asAsked := slices.ContainsFunc(w.pools[node.Name], func(p *publishedPool) bool { return p.isOffered() && w.takesSlicesOf(p.driver) }) ||
			w.asked.resource != "" && pluginGPUs(node.Status.Allocatable) > 0
		if asAsked {
			offered = append(offered, node)
			continue
		}
		otherwise = append(otherwise, node)
	}
	return offered, otherwise
}

// offeredOtherwise is the finding that GPUs are there and the pod asks for them by a name
// that does not reach them.
func (w *chainWalk) offeredOtherwise(nodes []*corev1.Node) Finding {
	finding := Finding{Link: LinkDeviceClass}
	ways := map[string]int{}
	for _, node := range nodes {
		finding.Nodes = append(finding.Nodes, node.Name)
		if pluginGPUs(node.Status.Allocatable) > 0 {
			ways["a device plugin"]++
		}
		for _, pool := range w.pools[node.Name] {
			if pool.isOffered() {
				ways["ResourceSlices of "+pool.driver]++
			}
		}
	}
	slices.Sort(finding.Nodes)
	var names []string
	for way := range ways {
		names = append(names, way)
	}
	slices.Sort(names)
	slices.Reverse(names) // the plugin first
	through := strings.Join(names, " and ")
	if w.asked.resource != "" {
		finding.Cause = fmt.Sprintf("%d node(s) offer GPUs through %s, and no DeviceClass with extendedResourceName %s takes them; ask by "+
			"claim, "+
			"or name the resource in a class", len(nodes), through, cutText(w.asked.resource, 60))
		finding.Command = "kubectl get deviceclasses -o custom-columns=NAME:.metadata.name,RESOURCE:.spec.extendedResourceName"
		return finding
	}
	finding.Cause = fmt.Sprintf("%d node(s) offer GPUs through %s, none through %s, which %s takes its devices from",
		len(nodes), through, strings.Join(w.asked.drivers, " or "), cutText(w.asked.class, 80))
	if ways["a device plugin"] > 0 {
		finding.Cause += "; pods reach a plugin's GPUs by nvidia.com/gpu or nvidia.com/mig-* in place of a claim"
	}
	finding.Command = "kubectl get resourceslices"
	return finding
}

// noHardware is the finding that no node shows NVIDIA hardware by its labels.
func (w *chainWalk) noHardware() Finding {
	finding := Finding{Link: LinkNFD}
	labelled := 0
	for _, node := range w.Nodes {
		if node == nil {
			continue
		}
		finding.Nodes = append(finding.Nodes, node.Name)
		if hasNFDLabels(node) {
			labelled++
		}
	}
	slices.Sort(finding.Nodes)
	count := len(finding.Nodes)
	finding.Command = "kubectl get nodes -L " + nfdPrefix + "pci-10de.present"
	switch {
	case w.wantsAshlar():
		finding.Link = LinkDRADriver
		finding.Cause = fmt.Sprintf("%d node(s) offer no GPU: Ashlar's driver, which %s is for, has published no ResourceSlice; "+
			"it runs on nodes labelled %s=true", count, cutText(w.asked.class, 80), driverNodeLabel)
		finding.Command = "kubectl get nodes -L " + driverNodeLabel
	case labelled == 0:
		finding.Cause = fmt.Sprintf("%d node(s) offer no GPU and none carries a label of node feature discovery: either it does not run, "+
			"or no node has NVIDIA hardware", count)
	default:
		finding.Cause = fmt.Sprintf("%d node(s) offer no GPU: node feature discovery labels %d of them and shows NVIDIA hardware (PCI vendor "+
			"10de) on none", count, labelled)
	}
	return finding
}
