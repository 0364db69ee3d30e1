package mixednodes

import (
	"fmt"
	"math/rand"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
)

const ashlarDriver = "gpu.ashlar.dev"

// Device classes of Ashlar's driver.
const (
	ashlarMIG   = "mig.gpu.ashlar.dev"
	ashlarShare = "share.gpu.ashlar.dev"
	nvidiaMIG   = "mig.gpu.nvidia.com"
)

// gpuRequest is a way in which a pod asks for GPUs: amounts of device plugins, or a claim.
type gpuRequest struct {
	name string
	// resource and count are what is asked of device plugins.
	resource string
	count    int64
	// claim are the device requests of a claim; devices is how many they are for.
	claim   []resourceapi.DeviceRequest
	devices int64
	// divided says that the pod gets a part of a GPU.
	divided bool
	// selector chooses nodes.
	selector map[string]string
}

// gpus is how many GPUs or parts of GPUs the pod gets.
func (r *gpuRequest) gpus() int64 { return max(r.count, r.devices) }

// kindOfRequest draws one way of asking.
type kindOfRequest struct {
	weight int
	draw   func(*rand.Rand) *gpuRequest
}

// requestKinds are all ways of asking. What is asked of a device plugin goes to the nodes
// of a form mostly, as users do who know their cluster.
var requestKinds = []kindOfRequest{
	{20, func(random *rand.Rand) *gpuRequest { // anywhere, or on nodes with the device plugin
		r := counted("nvidia.com/gpu", drawCount(random))
		if random.Intn(3) > 0 {
			r.selector = map[string]string{kindLabel: pluginKind}
		}
		return r
	}},
	{16, func(random *rand.Rand) *gpuRequest { // where GPUs are shared
		r := counted("nvidia.com/gpu", []int64{1, 1, 1, 1, 1, 1, 2, 3}[random.Intn(8)])
		r.divided, r.selector = true, map[string]string{formLabel: []string{timeSliced, timeSliced, withMPS, migSingle}[random.Intn(4)]}
		return r
	}},
	{12, func(random *rand.Rand) *gpuRequest {
		r := counted("nvidia.com/gpu.shared", []int64{1, 1, 1, 1, 1, 2}[random.Intn(6)])
		r.divided = true
		return r
	}},
	{8, func(random *rand.Rand) *gpuRequest { // what device plugins and Ashlar's classes call alike
		profile := []string{"1g.10gb", "2g.20gb", "3g.40gb", "1g.6gb", "2g.12gb", "1g.5gb", "3g.20gb", "1g.20gb", "7g.80gb"}[random.Intn(9)]
		r := counted("nvidia.com/mig-"+profile, 1)
		r.divided = true
		if random.Intn(2) == 0 {
			r.selector = map[string]string{kindLabel: pluginKind}
		}
		return r
	}},
	{6, func(random *rand.Rand) *gpuRequest { // on nodes that offer GPUs twice
		r := counted("nvidia.com/gpu", 1+random.Int63n(2))
		r.selector = map[string]string{twiceMark: "true", kindLabel: []string{nvidiaKind, pluginKind}[random.Intn(2)]}
		return r
	}},
	{12, func(random *rand.Rand) *gpuRequest {
		return claimed(random, "whole", ashlarDriver, drawCount(random), "", 0)
	}},
	{7, func(random *rand.Rand) *gpuRequest {
		return claimed(random, "slice", ashlarMIG, 1, drawProfileName(random), 0)
	}},
	{11, func(random *rand.Rand) *gpuRequest {
		return claimed(random, "share", ashlarShare, 1, "", drawShare(random))
	}},
	{12, func(random *rand.Rand) *gpuRequest {
		return claimed(random, "whole", nvidiaDriver, drawCount(random), "", 0)
	}},
	{8, func(random *rand.Rand) *gpuRequest {
		return claimed(random, "slice", nvidiaMIG, 1, drawProfileName(random), 0)
	}},
	{9, func(random *rand.Rand) *gpuRequest {
		return claimed(random, "share", nvidiaDriver, 1, "", drawShare(random))
	}},
	{3, func(*rand.Rand) *gpuRequest { // of either driver
		either := resourceapi.DeviceRequest{Name: "gpu"}
		for _, class := range []string{nvidiaDriver, ashlarDriver} {
			either.FirstAvailable = append(either.FirstAvailable, resourceapi.DeviceSubRequest{
				Name: class[4:10], DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
			})
		}
		return &gpuRequest{name: "claim of either driver", claim: []resourceapi.DeviceRequest{either}, devices: 1}
	}},
	{2, func(*rand.Rand) *gpuRequest { return &gpuRequest{name: "no GPU"} }},
}

// slicesOn asks for MIG slices that device plugins of the fleet have.
func slicesOn(fleet []*fleetNode) kindOfRequest {
	var names, forms []string
	for _, n := range fleet {
		if n.plugin == nil {
			continue
		}
		for _, r := range n.plugin.resources {
			if r.profile != nil && r.name != gpuResource {
				names, forms = append(names, string(r.name)), append(forms, n.plugin.form)
			}
		}
	}
	return kindOfRequest{7, func(random *rand.Rand) *gpuRequest {
		i := random.Intn(len(names))
		r := counted(names[i], 1)
		r.divided, r.selector = true, map[string]string{formLabel: forms[i]}
		return r
	}}
}

func drawCount(random *rand.Rand) int64 {
	return []int64{1, 1, 1, 1, 1, 1, 2, 2, 4, 8}[random.Intn(10)]
}

// drawProfileName draws a MIG profile, "" for whichever.
func drawProfileName(random *rand.Rand) string {
	return []string{"", "", "1g.10gb", "1g.10gb", "2g.20gb", "3g.40gb", "1g.5gb", "1g.6gb", "1g.20gb", "4g.40gb"}[random.Intn(10)]
}

func drawShare(random *rand.Rand) topology.Bytes {
	return []topology.Bytes{2, 4, 6, 8, 12, 16, 24, 40}[random.Intn(8)] * topology.GiB
}

// counted asks for an amount of a device plugin.
func counted(name string, count int64) *gpuRequest {
	return &gpuRequest{name: name, resource: name, count: count}
}

// claimed asks for devices of a class: of a MIG profile, or with so much memory.
func claimed(random *rand.Rand, what, class string, count int64, profile string, memory topology.Bytes) *gpuRequest {
	exactly := &resourceapi.ExactDeviceRequest{
		DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: count,
	}
	if profile != "" {
		domain := ashlarDriver
		if class == nvidiaMIG {
			domain = nvidiaDriver
		}
		exactly.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
			Expression: fmt.Sprintf("device.attributes[%q].profile == %q", domain, profile),
		}}}
	}
	if memory > 0 {
		exactly.Capacity = &resourceapi.CapacityRequirements{Requests: map[resourceapi.QualifiedName]resource.Quantity{
			"memory": *resource.NewQuantity(int64(memory), resource.BinarySI),
		}}
	}
	r := &gpuRequest{name: fmt.Sprintf("%s of %s", what, class), devices: count, divided: profile != "" || memory > 0}
	r.claim = []resourceapi.DeviceRequest{{Name: "gpu", Exactly: exactly}}
	switch random.Intn(6) {
	case 0:
		r.selector = map[string]string{twiceMark: "true"}
	case 1:
		if class == nvidiaDriver && memory > 0 {
			r.selector = map[string]string{formLabel: memoryShares}
		}
	}
	return r
}

// apply puts the request into a pod, and returns the claim that it needs, if any.
func (r *gpuRequest) apply(pod *corev1.Pod) *resourceapi.ResourceClaim {
	pod.Spec.NodeSelector = r.selector
	pod.Annotations[requestAnnotation] = r.name
	c := &pod.Spec.Containers[0]
	if r.resource != "" {
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceName(r.resource): *resource.NewQuantity(r.count, resource.DecimalSI)}
	}
	if len(r.claim) == 0 {
		return nil
	}
	claim := &resourceapi.ResourceClaim{}
	claim.Name, claim.Namespace = pod.Name, pod.Namespace
	claim.Spec.Devices.Requests = slices.Clone(r.claim)
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimName: &claim.Name}}
	c.Resources.Claims = []corev1.ResourceClaim{{Name: "gpus"}}
	return claim
}
