package dra

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"
)

// addExtendedResources turns plain resources such as nvidia.com/gpu into requests
// for the device classes that stand behind them.
func (r *PodRequest) addExtendedResources(pod *v1.Pod, resolver fwk.DeviceClassResolver) {
	for i := range pod.Spec.InitContainers {
		for name, quantity := range pod.Spec.InitContainers[i].Resources.Requests {
			if !quantity.IsZero() && util.IsDRAExtendedResourceName(name) && resolver.GetDeviceClass(name) != nil {
				r.unsupportedReason = "extended resources of init containers"
			}
		}
	}
	for i := range pod.Spec.Containers {
		for name, quantity := range pod.Spec.Containers[i].Resources.Requests {
			if quantity.IsZero() || !util.IsDRAExtendedResourceName(name) {
				continue
			}
			class := resolver.GetDeviceClass(name)
			if class == nil {
				continue
			}
			sub := subRequest{name: string(name), class: class.Name, count: quantity.Value()}
			if sub.count > maxDevices {
				sub.unsupportedReason = fmt.Sprintf("%d of %s", sub.count, name)
			}
			for _, selector := range class.Spec.Selectors {
				if selector.CEL != nil {
					sub.selectors = append(sub.selectors, selector.CEL.Expression)
				}
			}
			sub.ofClass = len(sub.selectors)
			r.requests = append(r.requests, deviceRequest{claim: -1, name: string(name), resource: name, alternatives: []subRequest{sub}})
		}
	}
}
