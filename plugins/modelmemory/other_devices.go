package modelmemory

import (
	"fmt"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// OtherDevices says of a pod that asks for accelerators of another maker, and for no GPU of NVIDIA's, that they
// are not accounted for; "" for other pods.
func OtherDevices(spec *v1.PodSpec) string {
	amounts := map[string]int64{}
	for i := range spec.Containers {
		for name, quantity := range spec.Containers[i].Resources.Limits {
			switch {
			case deviceapi.IsGPUResource(string(name)):
				return ""
			case deviceapi.OtherFamily(string(name)) != "":
				amounts[string(name)] += quantity.Value()
			}
		}
	}
	if len(amounts) == 0 {
		return ""
	}
	name := slices.Min(slices.Collect(maps.Keys(amounts)))
	return fmt.Sprintf(
		"asks for %d %s (%s), whose memory is not accounted for here: Ashlar knows NVIDIA's GPUs; to plan for those, ask for %s",
		amounts[name],
		name,
		deviceapi.OtherFamily(name),
		deviceapi.GPUResource,
	)
}

// NoDevices says of a pod's model server that it is built for something else than NVIDIA's GPUs, or that its
// container asks for no GPU, which it then does not get; "" if neither is so. built is set for the former.
func NoDevices(spec *v1.PodSpec, reading *launch.Reading) (doubt string, built bool) {
	at := slices.IndexFunc(spec.Containers, func(c v1.Container) bool { return c.Name == reading.Container })
	if at < 0 || !reading.IsServer() {
		return "", false
	}
	c := &spec.Containers[at]
	asks := CountGPUs(c) > 0 || len(c.Resources.Claims) > 0 || len(spec.ResourceClaims) > 0
	for name := range c.Resources.Limits {
		asks = asks || deviceapi.OtherFamily(string(name)) != ""
	}
	if asks {
		return "", false
	}
	if name := deviceapi.BuiltFor(c.Image); name != "" {
		return fmt.Sprintf("container %s runs %s on %s, by the name of its image, and asks for no GPU: it takes no GPU memory; "+
			"an image for CUDA and %s would", c.Name, reading.Server, name, deviceapi.GPUResource), true
	}
	count := max(1, reading.Launch.TensorParallel) * max(1, reading.Launch.PipelineParallel) * max(1, reading.Launch.DataParallel)
	return fmt.Sprintf("container %s starts %s and asks for no GPU, so that it gets none: ask for %s: %d", c.Name, reading.Server,
		deviceapi.GPUResource, count), false
}

// needsGPU reports whether an engine runs on nothing but GPUs unless it is built for something else.
func needsGPU(engine memory.Engine) bool { return engine != "" && engine != memory.Plain }
