package deviceplugin

import (
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// PodRequest is what a pod asks of device plugins: at least one device.
type PodRequest struct {
	// Amounts are the counts by resource, as the scheduler counts them: init containers
	// and overhead included.
	Amounts map[v1.ResourceName]int64
	// Server is the model server that the pod runs, nil if none is known.
	Server *modelmemory.Server
	// Parts are what each container asks for of a pod that runs several model servers; nil for
	// others.
	Parts []*PodRequest
	// names are those of Amounts, sorted; nil until they are first asked for.
	names []v1.ResourceName
}

// Names are the resources that the pod asks for, sorted.
func (r *PodRequest) Names() []v1.ResourceName {
	if r.names != nil {
		return r.names
	}
	return slices.Sorted(maps.Keys(r.Amounts))
}

// AsksForGPUs reports whether a pod asks for a resource that NVIDIA's device plugin hands
// out.
func AsksForGPUs(pod *v1.Pod) bool {
	asks := func(containers []v1.Container) bool {
		return slices.ContainsFunc(containers, func(c v1.Container) bool {
			for name := range c.Resources.Requests {
				if IsGPUResource(name) {
					return true
				}
			}
			return false
		})
	}
	return asks(pod.Spec.Containers) || asks(pod.Spec.InitContainers)
}

// ReadPod reads what a pod asks for; nil if that is no GPU. An error is about an
// annotation of ours that cannot be read.
func ReadPod(pod *v1.Pod) (*PodRequest, error) {
	if !AsksForGPUs(pod) {
		return nil, nil
	}
	request := &PodRequest{Amounts: map[v1.ResourceName]int64{}}
	for name, amount := range resource.PodRequests(pod, resource.PodResourcesOptions{}) {
		if count := amount.Value(); IsGPUResource(name) && count > 0 {
			request.Amounts[name] = count
		}
	}
	if len(request.Amounts) == 0 {
		return nil, nil
	}
	server, err := modelmemory.Of(pod)
	if err != nil {
		return nil, err
	}
	request.names = request.Names()
	request.Server = server
	if server == nil {
		request.Parts = readParts(pod)
	}
	return request, nil
}

// readParts reads the containers of a pod that runs several model servers, each on GPUs of its
// own.
func readParts(pod *v1.Pod) []*PodRequest {
	var parts []*PodRequest
	for _, one := range modelmemory.SeparateServers(pod) {
		part := &PodRequest{Amounts: map[v1.ResourceName]int64{}, Server: one.Server}
		for name, amount := range one.Container.Resources.Requests {
			if count := amount.Value(); IsGPUResource(name) && count > 0 {
				part.Amounts[name] = count
			}
		}
		part.names = part.Names()
		parts = append(parts, part)
	}
	return parts
}

// SplitServers is the request by the containers that run its model servers: itself unless there are
// several.
func (r *PodRequest) SplitServers() []*PodRequest {
	if r.Parts == nil {
		return []*PodRequest{r}
	}
	return r.Parts
}
