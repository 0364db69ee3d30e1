package inprocess

import (
	resourceapi "k8s.io/api/resource/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// shareEqual makes the slices of a node refer to those of another for all that is equal, which
// is most of a device: 800,000 devices would take 6 GB otherwise. Nobody changes them.
func shareEqual(slices, first []*resourceapi.ResourceSlice) {
	for i := range min(len(slices), len(first)) {
		for j := range min(len(slices[i].Spec.Devices), len(first[i].Spec.Devices)) {
			shareDevice(&slices[i].Spec.Devices[j], &first[i].Spec.Devices[j])
		}
		if apiequality.Semantic.DeepEqual(slices[i].Spec.SharedCounters, first[i].Spec.SharedCounters) {
			slices[i].Spec.SharedCounters = first[i].Spec.SharedCounters
		}
	}
}

func shareDevice(device, first *resourceapi.Device) {
	if apiequality.Semantic.DeepEqual(device.Capacity, first.Capacity) {
		device.Capacity = first.Capacity
	}
	if apiequality.Semantic.DeepEqual(device.ConsumesCounters, first.ConsumesCounters) {
		device.ConsumesCounters = first.ConsumesCounters
	}
	equal := len(device.Attributes) == len(first.Attributes)
	for name, attribute := range device.Attributes {
		other, known := first.Attributes[name]
		if known && apiequality.Semantic.DeepEqual(attribute, other) {
			device.Attributes[name] = other
		} else {
			equal = false
		}
	}
	if equal {
		device.Attributes = first.Attributes
	}
}
