package resourceslices

import (
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Device is a published device. Drivers write attributes and capacities of their own
// domain with or without it.
type Device struct {
	*resourceapi.Device
	Driver string
}

// FindQualified looks a name up among a driver's attributes, capacities or consumed
// amounts. "memory" and "<driver>/memory" are one name, whichever of them is published
// and whichever is asked for.
func FindQualified[V any](values map[resourceapi.QualifiedName]V, driver string, name resourceapi.QualifiedName) (V, bool) {
	if value, found := values[name]; found {
		return value, true
	}
	domain, short, qualified := strings.Cut(string(name), "/")
	switch {
	case !qualified:
		name = resourceapi.QualifiedName(driver + "/" + string(name))
	case domain == driver:
		name = resourceapi.QualifiedName(short)
	}
	value, found := values[name]
	return value, found
}

// FindAttribute looks an attribute up by its name.
func (d Device) FindAttribute(name resourceapi.QualifiedName) (resourceapi.DeviceAttribute, bool) {
	return FindQualified(d.Attributes, d.Driver, name)
}

// FindCapacity looks a capacity up by its name.
func (d Device) FindCapacity(name resourceapi.QualifiedName) (resourceapi.DeviceCapacity, bool) {
	return FindQualified(d.Capacity, d.Driver, name)
}

// ConsumedAmount is what an allocation takes of a shared device's capacity.
func ConsumedAmount(result *resourceapi.DeviceRequestAllocationResult, name resourceapi.QualifiedName) (resource.Quantity, bool) {
	return FindQualified(result.ConsumedCapacity, result.Driver, name)
}

// textAttribute is "" for an attribute that is missing or not a single string.
func (d Device) textAttribute(name resourceapi.QualifiedName) string {
	if value, found := d.FindAttribute(name); found && value.StringValue != nil {
		return *value.StringValue
	}
	return ""
}

// intAttribute is false for an attribute that is missing or not a single integer.
func (d Device) intAttribute(name resourceapi.QualifiedName) (int64, bool) {
	if value, found := d.FindAttribute(name); found && value.IntValue != nil {
		return *value.IntValue, true
	}
	return 0, false
}

// capacityAmount is 0 for a capacity that is missing.
func (d Device) capacityAmount(name resourceapi.QualifiedName) int64 {
	capacity, _ := d.FindCapacity(name)
	return capacity.Value.Value()
}

// isShareable reports whether several claims may be allocated the device at once.
func (d Device) isShareable() bool {
	return d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations
}
