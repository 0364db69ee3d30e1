package mixednodes

import (
	"math/rand"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// How a device plugin offers a node's GPUs, with GPU feature discovery beside it unless the
// form says otherwise.
const (
	exclusive      = "exclusive"
	unlabelled     = "unlabelled"
	byInstanceType = "instance-type" // of which the cloud's label tells the GPU
	timeSliced     = "time-sliced"
	renamedSliced  = "time-sliced-renamed" // under nvidia.com/gpu.shared
	withMPS        = "mps"
	migSingle      = "mig-single"
	migMixed       = "mig-mixed"
	migShared      = "mig-mixed-time-sliced"
)

// pluginForms are taken in turn.
var pluginForms = []string{
	exclusive, timeSliced, renamedSliced, withMPS, migSingle, migMixed, exclusive, timeSliced, renamedSliced, unlabelled,
	byInstanceType, timeSliced, migShared, exclusive, withMPS, timeSliced,
}

// pluginFormsOfTwo are those of nodes whose GPUs are offered through slices, too.
var pluginFormsOfTwo = []string{exclusive, timeSliced, migMixed}

// needsMIG are the forms for which GPUs are cut, of the device plugin and of NVIDIA's driver.
var needsMIG = map[string]bool{migSingle: true, migMixed: true, migShared: true, staticMIG: true, dynamicMIG: true}

var instanceTypes = []string{"g4dn.12xlarge", "g5.12xlarge", "p3.16xlarge", "g6.xlarge", "p5.48xlarge", "a2-ultragpu-2g"}

// pluginOffer is what a device plugin offers on a node, with the node's labels.
type pluginOffer struct {
	form      string
	labels    map[string]string
	resources []pluginResource
}

// pluginResource is one resource of a device plugin.
type pluginResource struct {
	name              corev1.ResourceName
	devices, replicas int64
	mps               bool
	// profile is the MIG profile of a slice, nil for whole GPUs.
	profile *mig.Profile
	// told says that the node's labels tell what the devices are.
	told bool
}

func (o *pluginOffer) amounts() corev1.ResourceList {
	list := corev1.ResourceList{}
	for _, r := range o.resources {
		list[r.name] = *resource.NewQuantity(r.devices*r.replicas, resource.DecimalSI)
	}
	return list
}

const gpuResource = "nvidia.com/gpu"

func newPluginOffer(form string, model *topology.Model, gpus int64, random *rand.Rand) *pluginOffer {
	o := &pluginOffer{form: form, labels: map[string]string{}}
	whole := pluginResource{name: gpuResource, devices: gpus, replicas: 1, told: form != unlabelled}
	strategy := "none"
	switch form {
	case timeSliced, renamedSliced:
		strategy, whole.replicas = "time-slicing", 2+random.Int63n(7)
	case withMPS:
		strategy, whole.replicas, whole.mps = "mps", 2+random.Int63n(3), true
	}
	if form == renamedSliced {
		whole.name += ".shared"
	}
	if form == unlabelled || form == byInstanceType {
		o.resources = []pluginResource{whole}
		return o
	}
	o.describe(gpuResource, labelOf(model.Product), model.Memory, gpus, whole.replicas, strategy)
	o.labels["nvidia.com/gpu.compute.major"] = strconv.FormatInt(model.Compute.Major, 10)
	o.labels["nvidia.com/gpu.compute.minor"] = strconv.FormatInt(model.Compute.Minor, 10)
	o.labels["nvidia.com/gpu.family"] = strings.ToLower(strings.Fields(model.Architecture + " x")[0])
	o.labels["nvidia.com/mig.capable"] = strconv.FormatBool(model.MIG != "")
	o.labels["nvidia.com/mps.capable"] = strconv.FormatBool(whole.mps)
	o.labels["nvidia.com/cuda.driver-version.major"] = "580"
	if strategy != "none" && form != renamedSliced {
		o.labels["nvidia.com/gpu.product"] += "-SHARED"
	}
	switch form {
	case migSingle:
		o.cutAll(model, gpus, random)
	case migMixed, migShared:
		o.cutSome(form, model, gpus, random)
	default:
		o.resources = []pluginResource{whole}
	}
	return o
}

// describe sets the labels of a resource.
func (o *pluginOffer) describe(prefix, product string, memory topology.Bytes, count, replicas int64, strategy string) {
	for name, value := range map[string]string{
		".product": product, ".memory": strconv.FormatInt(int64(memory/topology.MiB), 10), ".count": strconv.FormatInt(count, 10),
		".replicas": strconv.FormatInt(replicas, 10), ".sharing-strategy": strategy,
	} {
		o.labels[prefix+name] = value
	}
}

// cutAll cuts every GPU into as many instances of one profile as it holds, which the
// strategy "single" offers as nvidia.com/gpu.
func (o *pluginOffer) cutAll(model *topology.Model, gpus int64, random *rand.Rand) {
	profile := drawProfile(model, random)
	o.labels["nvidia.com/mig.strategy"] = "single"
	o.describe(gpuResource, labelOf(model.Product)+"-MIG-"+profile.Name, profile.Memory, gpus*profile.Max, 1, "none")
	o.labels["nvidia.com/gpu.slices.gi"] = strconv.FormatInt(profile.ComputeSlices, 10)
	o.labels["nvidia.com/gpu.multiprocessors"] = strconv.FormatInt(profile.SMs, 10)
	o.resources = []pluginResource{{name: gpuResource, devices: gpus * profile.Max, replicas: 1, profile: profile, told: true}}
}

// cutSome cuts the first GPU, and each other one perhaps, which the strategy "mixed" offers
// under the names of their profiles.
func (o *pluginOffer) cutSome(form string, model *topology.Model, gpus int64, random *rand.Rand) {
	o.labels["nvidia.com/mig.strategy"] = "mixed"
	count := map[*mig.Profile]int64{}
	left := int64(0)
	for gpu := range gpus {
		if gpu > 0 && random.Intn(2) == 0 {
			left++
			continue
		}
		profile := drawProfile(model, random)
		count[profile] += profile.Max
	}
	o.resources = []pluginResource{{name: gpuResource, devices: left, replicas: 1, told: true}}
	for _, profile := range profilesOf(model) {
		if count[profile] == 0 {
			continue
		}
		r := pluginResource{name: corev1.ResourceName("nvidia.com/mig-" + profile.Name), devices: count[profile], replicas: 1, profile: profile,
			told: true}
		product, strategy := labelOf(model.Product)+"-MIG-"+profile.Name, "none"
		if form == migShared {
			product, strategy, r.replicas = product+"-SHARED", "time-slicing", 2
		}
		o.describe(string(r.name), product, profile.Memory, r.devices, r.replicas, strategy)
		o.resources = append(o.resources, r)
	}
}

// profilesOf are a model's MIG profiles that differ in more than media engines and whose
// memory is known.
func profilesOf(model *topology.Model) []*mig.Profile {
	table, err := catalogue.Default().MIG(model.MIG)
	if err != nil {
		panic(err)
	}
	var list []*mig.Profile
	for i := range table.Profiles {
		if profile := &table.Profiles[i]; profile.Memory > 0 && !strings.ContainsAny(profile.Name, "+-") {
			list = append(list, profile)
		}
	}
	return list
}

func drawProfile(model *topology.Model, random *rand.Rand) *mig.Profile {
	profiles := profilesOf(model)
	return profiles[random.Intn(len(profiles))]
}

// labelOf is a product as GPU feature discovery writes it.
func labelOf(product string) string { return strings.Join(strings.Fields(product), "-") }
