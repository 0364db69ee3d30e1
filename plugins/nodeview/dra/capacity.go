package dra

import (
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// maxAmount is the largest capacity that a request may ask for: an exbibyte, far
// beyond any device. Rounding larger amounts up overflows, here and in the in-tree
// code, which would then book a negative amount.
const maxAmount = int64(1) << 60

// consumedAmount is what a request for amount takes of a shareable capacity: at least
// the minimum, rounded up to whole steps from there (resource.k8s.io/v1,
// CapacityRequestPolicyRange).
func consumedAmount(capacity resourceapi.DeviceCapacity, amount int64) int64 {
	policy := capacity.RequestPolicy
	if policy == nil || policy.ValidRange == nil || policy.ValidRange.Min == nil {
		return amount
	}
	least := policy.ValidRange.Min.Value()
	if amount <= least {
		return least
	}
	step := int64(0)
	if policy.ValidRange.Step != nil {
		step = min(policy.ValidRange.Step.Value(), maxAmount)
	}
	if step < 1 {
		return amount
	}
	over := (amount - least) % step
	if over == 0 {
		return amount
	}
	return amount - over + step // cannot overflow: amounts are at most maxAmount
}

// unaskedAmount is what a request takes of a shareable capacity that it does not
// mention: the driver's default, or all of it.
func unaskedAmount(capacity resourceapi.DeviceCapacity) int64 {
	if policy := capacity.RequestPolicy; policy != nil && policy.Default != nil {
		return policy.Default.Value()
	}
	return capacity.Value.Value()
}

// capacityLeft reports whether a device has what a sub-request takes of its capacities beside
// what others consume. It only refuses what the in-tree code refuses: what an amount is
// rounded to beyond whole steps is left to that.
func (s *subRequest) capacityLeft(d *resourceapi.Device, driver string, consumed structured.ConsumedCapacity) bool {
	return s.lackingCapacity(d, driver, consumed, func(resourceapi.QualifiedName) bool { return true }) == ""
}

// lackingCapacity is the first by name of a device's capacities, among those that count, of
// which too little is left for a sub-request; "" if there is none.
func (s *subRequest) lackingCapacity(
	d *resourceapi.Device, driver string, consumed structured.ConsumedCapacity, counts func(resourceapi.QualifiedName) bool,
) resourceapi.QualifiedName {
	for name := range s.capacity {
		if _, found := resourceslices.FindQualified(d.Capacity, driver, name); !found {
			return name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Capacity)) {
		capacity := d.Capacity[name]
		if !counts(name) {
			continue
		}
		amount := unaskedAmount(capacity)
		if asked, found := resourceslices.FindQualified(s.capacity, driver, name); found {
			amount = consumedAmount(capacity, asked)
		}
		total := *resource.NewQuantity(amount, resource.DecimalSI)
		if used := consumed[name]; used != nil {
			total.Add(*used)
		}
		if total.Cmp(wholeAmount(capacity.Value)) > 0 {
			return name
		}
	}
	return ""
}

// wholeAmount is a quantity rounded up to a whole number, as Quantity.Value does.
func wholeAmount(quantity resource.Quantity) resource.Quantity {
	return *resource.NewQuantity(quantity.Value(), resource.DecimalSI)
}

// memoryShare is what a sub-request takes of a shared device's memory.
type memoryShare struct {
	// bytes is the amount; whole says that it is all that the device has.
	bytes int64
	whole bool
}

// shareOf reads what the sub-request takes of a shared device's memory, asked for or not.
func (s *subRequest) shareOf(d resourceslices.Device) memoryShare {
	memory, _ := d.FindCapacity(deviceapi.Memory)
	for name, amount := range s.capacity {
		if isMemory(d.Driver, name) {
			return memoryShare{bytes: consumedAmount(memory, amount)}
		}
	}
	amount := unaskedAmount(memory)
	return memoryShare{bytes: amount, whole: amount == memory.Value.Value()}
}

// bookedBytes is the size of the share in the ledger, 0 for all of the device. One without
// any memory, which a driver may hand out, counts as one byte: it keeps the GPU from
// being given away whole.
func (m memoryShare) bookedBytes() topology.Bytes {
	if m.whole {
		return 0
	}
	return topology.Bytes(max(1, m.bytes))
}

// memoryLimit is how much of the device's memory its holder may use, 0 for all of it. A driver
// that hands out shares without memory does not limit what their holders use.
func (m memoryShare) memoryLimit() topology.Bytes {
	if m.whole {
		return 0
	}
	return topology.Bytes(m.bytes)
}

// isMemory reports whether a request means memory by a capacity's name.
func isMemory(driver string, name resourceapi.QualifiedName) bool {
	_, found := resourceslices.FindQualified(map[resourceapi.QualifiedName]bool{deviceapi.Memory: true}, driver, name)
	return found
}

// toleratesTaints reports whether the device's taints permit a new allocation.
func toleratesTaints(d *resourceapi.Device, tolerations []resourceapi.DeviceToleration) bool {
	for _, taint := range d.Taints {
		if taint.Effect != resourceapi.DeviceTaintEffectNoSchedule && taint.Effect != resourceapi.DeviceTaintEffectNoExecute {
			continue // as the in-tree code ignores effects that it does not know
		}
		if !slices.ContainsFunc(tolerations, func(t resourceapi.DeviceToleration) bool { return resourceclaim.ToleratesTaint(t, taint) }) {
			return false
		}
	}
	return true
}
