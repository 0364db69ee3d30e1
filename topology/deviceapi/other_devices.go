package deviceapi

import (
	"slices"
	"strings"
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

// OtherFamily is what a resource is, if it is an accelerator of another maker than NVIDIA; "" if not.
func OtherFamily(resource string) string {
	lower := strings.ToLower(resource)
	for _, family := range deviceFamilies {
		if strings.HasPrefix(lower, family.prefix) {
			return family.name
		}
	}
	if IsAnyGPUResource(resource) && !IsGPUResource(resource) {
		return "GPUs of another maker"
	}
	return ""
}

// buildWords are words in the names of images of a server that is built for something else than NVIDIA's
// GPUs.
var buildWords = []struct{ word, name string }{
	{
		"rocm",
		"AMD GPUs",
	},
	{"hpu", "Gaudi accelerators"},
	{"gaudi", "Gaudi accelerators"},
	{"xpu", "Intel GPUs"},
	{"neuron", "AWS Neuron devices"},
	{"neuronx", "AWS Neuron devices"},
	{"tpu", "TPUs"},
	{"ascend", "Ascend NPUs"},
	{"cpu", "CPUs"},
}

// BuiltFor is what an image's name says that it is built for, if that is not NVIDIA's GPUs; "" if it does not say so.
func BuiltFor(image string) string {
	words := strings.FieldsFunc(strings.ToLower(image), func(r rune) bool { return strings.ContainsRune("/-_.:@", r) })
	for _, build := range buildWords {
		if slices.Contains(words, build.word) {
			return build.name
		}
	}
	return ""
}
