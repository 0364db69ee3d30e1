package modelmemory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// deviceFamilies are accelerators that are none of NVIDIA's, by how the names of their resources begin.
var deviceFamilies = []struct{ prefix, name string }{
	{"google.com/tpu", "TPUs"}, {"cloud-tpus.google.com/", "TPUs"}, {"amd.com/gpu", "AMD GPUs"}, {"amd.com/", "AMD GPUs"},
	{"habana.ai/", "Gaudi accelerators"}, {"gpu.intel.com/", "Intel GPUs"}, {"aws.amazon.com/neuron", "AWS Neuron devices"},
	{"huawei.com/ascend", "Ascend NPUs"}, {"huawei.com/npu", "Ascend NPUs"}, {"cambricon.com/", "Cambricon MLUs"},
	{"hygon.com/dcu", "Hygon DCUs"}, {"metax-tech.com/", "MetaX GPUs"}, {"mthreads.com/", "Moore Threads GPUs"},
	{"iluvatar.ai/", "Iluvatar GPUs"}, {"ibm.com/spyre", "Spyre accelerators"}, {"qualcomm.com/qaic", "Qualcomm accelerators"},
	{"furiosa.ai/", "Furiosa NPUs"}, {"rebellions.ai/", "Rebellions NPUs"}, {"tenstorrent.com/", "Tenstorrent accelerators"},
	{"enflame.com/", "Enflame GCUs"}, {"kunlunxin.com/", "Kunlunxin XPUs"}, {"birentech.com/", "Biren GPUs"},
}

// otherFamily is what a resource is, if it is an accelerator of another maker than NVIDIA; "" if not.
func otherFamily(resource string) string {
	lower := strings.ToLower(resource)
	for _, family := range deviceFamilies {
		if strings.HasPrefix(lower, family.prefix) {
			return family.name
		}
	}
	if deviceapi.IsAnyGPUResource(resource) && !deviceapi.IsGPUResource(resource) {
		return "GPUs of another maker"
	}
	return ""
}

// buildWords are words in the names of images of a server that is built for something else than NVIDIA's
// GPUs.
var buildWords = []struct{ word, name string }{
	{"rocm", "AMD GPUs"}, {"hpu", "Gaudi accelerators"}, {"gaudi", "Gaudi accelerators"}, {"xpu", "Intel GPUs"}, {"neuron", "AWS Neuron devices"},
	{"neuronx", "AWS Neuron devices"}, {"tpu", "TPUs"}, {"ascend", "Ascend NPUs"}, {"cpu", "CPUs"},
}

// OtherDevices says of a pod that asks for accelerators of another maker, and for no GPU of NVIDIA's, that they
// are not accounted for; "" for other pods.
func OtherDevices(spec *v1.PodSpec) string {
	amounts := map[string]int64{}
	for i := range spec.Containers {
		for name, quantity := range spec.Containers[i].Resources.Limits {
			switch {
			case deviceapi.IsGPUResource(string(name)):
				return ""
			case otherFamily(string(name)) != "":
				amounts[string(name)] += quantity.Value()
			}
		}
	}
	if len(amounts) == 0 {
		return ""
	}
	name := slices.Min(slices.Collect(maps.Keys(amounts)))
	return fmt.Sprintf("asks for %d %s (%s), whose memory is not accounted for here: Ashlar knows NVIDIA's GPUs; to plan for those, ask for %s",
		amounts[name], name, otherFamily(name), deviceapi.GPUResource)
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
		asks = asks || otherFamily(string(name)) != ""
	}
	if asks {
		return "", false
	}
	if name := builtFor(c.Image); name != "" {
		return fmt.Sprintf("container %s runs %s on %s, by the name of its image, and asks for no GPU: it takes no GPU memory; "+
			"an image for CUDA and %s would", c.Name, reading.Server, name, deviceapi.GPUResource), true
	}
	count := max(1, reading.Launch.TensorParallel) * max(1, reading.Launch.PipelineParallel) * max(1, reading.Launch.DataParallel)
	return fmt.Sprintf("container %s starts %s and asks for no GPU, so that it gets none: ask for %s: %d", c.Name, reading.Server,
		deviceapi.GPUResource, count), false
}

// builtFor is what an image's name says that it is built for, if that is not NVIDIA's GPUs; "" if it does not say so.
func builtFor(image string) string {
	words := strings.FieldsFunc(strings.ToLower(image), func(r rune) bool { return strings.ContainsRune("/-_.:@", r) })
	for _, build := range buildWords {
		if slices.Contains(words, build.word) {
			return build.name
		}
	}
	return ""
}

// needsGPU reports whether an engine runs on nothing but GPUs unless it is built for something else.
func needsGPU(engine memory.Engine) bool { return engine != "" && engine != memory.Plain }
