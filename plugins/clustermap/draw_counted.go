package clustermap

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
)

// DevicePlugin is the source of GPUs that are counted.
const DevicePlugin = "device plugin"

// drawCounted draws the GPUs that a device plugin hands out. Which of them a pod has is the
// kubelet's choice and is not told; the tiles are filled in the order of the pods' names.
func drawCounted(tile *Node, node *corev1.Node, pods []*corev1.Pod) {
	plugin := deviceplugin.ReadNode(node)
	if plugin == nil {
		return
	}
	tile.Source = DevicePlugin
	for i := range plugin.Resources {
		resource := &plugin.Resources[i]
		perDevice := max(1, resource.Replicas)
		gpus := make([]GPU, (resource.Count+perDevice-1)/perDevice)
		for g := range gpus {
			product, memory := string(resource.Name), int64(resource.Device.Total)
			if resource.Model != nil {
				product = resource.Model.Product
				if memory == 0 {
					memory = int64(resource.Model.Memory)
				}
			}
			if resource.Profile != "" {
				product += " " + resource.Profile
			}
			gpus[g] = GPU{
				Index:      int64(len(tile.GPUs) + g),
				Product:    product,
				Memory:     memory,
				FreeMemory: memory,
				Healthy:    true,
				NUMA:       -1,
				Island:     -1,
			}
		}
		next := int64(0)
		for _, pod := range pods {
			for range amountOf(pod, resource.Name) {
				at := int(next / perDevice)
				next++
				if at >= len(gpus) {
					break
				}
				holder := Holder{Namespace: pod.Namespace, Pod: pod.Name, Form: FormWhole, Bytes: gpus[at].Memory}
				if perDevice > 1 {
					holder.Form, holder.Bytes = FormShare, gpus[at].Memory/perDevice
				}
				if pod.Spec.Priority != nil {
					holder.Priority = *pod.Spec.Priority
				}
				gpus[at].Holders = append(gpus[at].Holders, holder)
				gpus[at].FreeMemory = max(0, gpus[at].FreeMemory-holder.Bytes)
			}
		}
		tile.GPUs = append(tile.GPUs, gpus...)
	}
}

// amountOf is how much of a resource a pod holds; none after it has ended.
func amountOf(pod *corev1.Pod, name corev1.ResourceName) int64 {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return 0
	}
	request, err := deviceplugin.ReadPod(pod)
	if err != nil || request == nil {
		return 0
	}
	return request.Amounts[name]
}
