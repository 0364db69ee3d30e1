package soak

import (
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Device classes of manifests/driver.
const (
	wholeClass = "gpu.ashlar.dev"
	migClass   = "mig.gpu.ashlar.dev"
	shareClass = "share.gpu.ashlar.dev"
)

// deviceForm is one way to ask for devices: by a claim, by amounts, or not at all.
type deviceForm struct {
	name   string
	weight int
	// draw makes the claim's specification, nil without one, and the amounts.
	draw func(*rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList)
	// args are those of a model server, if the pod is one.
	args []string
}

var deviceForms = []deviceForm{
	{name: "whole GPUs", weight: 26, draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		return claimFor(asking("gpu", wholeClass, pick[int64](random, 1, 1, 1, 1, 2, 2, 3, 4, 8))), nil
	}},
	{name: "MIG slices", weight: 20, draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		profile := pick(random, "1g.10gb", "1g.10gb", "2g.20gb", "3g.40gb", "1g.6gb", "2g.12gb", "4g.40gb", "7g.80gb")
		return claimFor(ofProfile(asking("slice", migClass, pick[int64](random, 1, 1, 1, 2)), profile)), nil
	}},
	{name: "shares", weight: 18, draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		return claimFor(ofMemory(asking("share", shareClass, 1), pick[topology.Bytes](random, 2, 4, 8, 12, 20, 40)*topology.GiB)), nil
	}},
	{name: "first available", weight: 6, draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		either := resourceapi.DeviceRequest{Name: "gpu"}
		for i, class := range [][]string{{migClass, wholeClass}, {wholeClass, shareClass}}[random.Intn(2)] {
			either.FirstAvailable = append(either.FirstAvailable, resourceapi.DeviceSubRequest{
				Name: fmt.Sprintf("choice-%d", i), DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
			})
		}
		return claimFor(either), nil
	}},
	{name: "several requests", weight: 6, draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		if random.Intn(2) == 0 {
			return claimFor(asking("gpu", wholeClass, 1), asking("slice", migClass, 1)), nil
		}
		return matching(deviceapi.NUMANode, claimFor(asking("first", wholeClass, 1), asking("second", wholeClass, 1))), nil
	}},
	{name: "beside an adapter", weight: 5, draw: func(*rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		return matching(deviceapi.PCIeRoot, claimFor(asking("gpu", wholeClass, 1), asking("nic", nicClass, 1))), nil
	}},
	{name: "extended resources", weight: 10, draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
		name := pick(random, corev1.ResourceName("nvidia.com/gpu"), "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/mig-2g.12gb")
		return nil, corev1.ResourceList{name: *resource.NewQuantity(pick[int64](random, 1, 1, 2), resource.DecimalSI)}
	}},
	{name: "model servers", weight: 8, args: []string{"--model=Qwen/Qwen3-0.6B", "--max-model-len=4096"},
		draw: func(random *rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) {
			if random.Intn(2) == 0 {
				return claimFor(asking("gpu", wholeClass, 1)), nil
			}
			return claimFor(ofProfile(asking("slice", migClass, 1), pick(random, "1g.10gb", "2g.20gb"))), nil
		}},
	{name: "no GPU", weight: 8, draw: func(*rand.Rand) (*resourceapi.DeviceClaim, corev1.ResourceList) { return nil, nil }},
}

func pick[T any](random *rand.Rand, of ...T) T { return of[random.Intn(len(of))] }

func drawForm(random *rand.Rand) *deviceForm {
	total := 0
	for i := range deviceForms {
		total += deviceForms[i].weight
	}
	at := random.Intn(total)
	for i := range deviceForms {
		if at -= deviceForms[i].weight; at < 0 {
			return &deviceForms[i]
		}
	}
	panic("weights do not add up")
}

func claimFor(requests ...resourceapi.DeviceRequest) *resourceapi.DeviceClaim {
	return &resourceapi.DeviceClaim{Requests: requests}
}

func asking(name, class string, count int64) resourceapi.DeviceRequest {
	return resourceapi.DeviceRequest{Name: name, Exactly: &resourceapi.ExactDeviceRequest{
		DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: count,
	}}
}

func ofProfile(request resourceapi.DeviceRequest, profile string) resourceapi.DeviceRequest {
	request.Exactly.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
		Expression: fmt.Sprintf("device.attributes[%q].profile == %q", deviceapi.Driver, profile),
	}}}
	return request
}

func ofMemory(request resourceapi.DeviceRequest, memory topology.Bytes) resourceapi.DeviceRequest {
	request.Exactly.Capacity = &resourceapi.CapacityRequirements{Requests: map[resourceapi.QualifiedName]resource.Quantity{
		deviceapi.Memory: *resource.NewQuantity(int64(memory), resource.BinarySI),
	}}
	return request
}

func matching(attribute resourceapi.FullyQualifiedName, claim *resourceapi.DeviceClaim) *resourceapi.DeviceClaim {
	claim.Constraints = []resourceapi.DeviceConstraint{{MatchAttribute: &attribute}}
	return claim
}
