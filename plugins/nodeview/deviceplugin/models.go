package deviceplugin

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
)

// unlabelledRest says that a node hands out more devices than its labels describe, in a
// sentence's end; "" if the labels may be of all of them. GPU feature discovery counts the
// GPUs of each model by itself, and where a node has several models the labels of one of
// them are left (newGPULabelers of NVIDIA/k8s-device-plugin): product, memory and count
// are that model's, and nothing tells the others'. Devices that are unhealthy are counted
// there too, so that what the node has is compared and not what it can allocate.
func (r *Resource) unlabelledRest(node *v1.Node, prefix, product string) string {
	labelled := positiveLabel(node, prefix+countSuffix)
	if product == "" || labelled == 0 {
		return ""
	}
	had, replicas := r.hadOn(node), max(1, r.Replicas)
	if had <= labelled*replicas {
		return ""
	}
	each := ""
	if replicas > 1 {
		each = fmt.Sprintf(" of %d replicas each", replicas)
	}
	return fmt.Sprintf("the label %s counts %d %s%s, the node has %d %s, and nothing tells what the others are",
		prefix+countSuffix, labelled, product, each, had, r.Name)
}

// hadOn is how many of the resource a node has, those that its device plugin reports
// unhealthy included.
func (r *Resource) hadOn(node *v1.Node) int64 {
	capacity := node.Status.Capacity[r.Name]
	return max(r.Count, capacity.Value())
}
