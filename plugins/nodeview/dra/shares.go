package dra

import (
	"context"
	"fmt"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Devices that several claims may have are shared by their memory, which package placement
// knows, and by whatever else their driver counts: NVIDIA's hands out a number of shares
// with --consumable-shares=4. A device of which that is used up is full for a pod.

// usedUp is the capacity other than memory of which too little is left of device i of the
// inventory for every request that accepts it; "" if it may serve one, or nobody has it.
func (v *View) usedUp(ctx context.Context, i int) resourceapi.QualifiedName {
	at := v.pool.gpus.published[i]
	consumed, shared := v.cycle.state.AggregatedCapacity[v.pool.deviceNames()[at]]
	if !shared || v.pool.gpus.inventory.Devices[i].Form != placement.Share {
		return ""
	}
	d, driver := &v.pool.Devices[at], v.pool.Driver
	lacking := resourceapi.QualifiedName("")
	serves := v.cycle.request.anyAlternative(func(sub *subRequest) bool {
		if sub.adminAccess || !v.pool.acceptsDevice(ctx, v.cycle.source, sub, at) {
			return false
		}
		name := sub.lackingCapacity(d, driver, consumed, func(name resourceapi.QualifiedName) bool { return !isMemory(driver, name) })
		if name != "" {
			lacking = name
		}
		return name == ""
	})
	if serves {
		return ""
	}
	return lacking
}

// fillUsedUp takes the memory that is left of GPUs of which something else is used up.
func (v *View) fillUsedUp(gpus placement.GPUStates, fill func(device placement.DeviceAllocation)) {
	for _, held := range v.cycle.allocated.ofPool(v.pool).devices {
		device := &v.pool.gpus.inventory.Devices[held.Device]
		rest := device.Memory - gpus[device.GPU].Shared
		if rest > 0 && v.usedUp(context.Background(), held.Device) != "" {
			fill(placement.DeviceAllocation{Device: held.Device, ShareSize: placement.ShareSize{Bytes: rest}})
		}
	}
}

// WhyUsedUp says that what GPUs are shared by is used up on the node, other than memory:
// "node(s) have no GPU with shares left (8 of 8 are taken)"; "" if that is not in the way.
func (v *View) WhyUsedUp(ctx context.Context) string {
	var name resourceapi.QualifiedName
	var taken, all resource.Quantity
	for i := range v.pool.gpus.inventory.Devices {
		device := v.pool.publishedDevice(i)
		lacking := v.usedUp(ctx, i)
		if lacking == "" {
			continue
		}
		name = lacking
		consumed := v.cycle.state.AggregatedCapacity[v.pool.deviceNames()[v.pool.gpus.published[i]]]
		if used, found := resourceslices.FindQualified(consumed, v.pool.Driver, name); found {
			taken.Add(*used)
		}
		capacity, _ := device.FindCapacity(name)
		all.Add(capacity.Value)
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf("node(s) have no GPU with %s left (%s of %s are taken)", name, taken.String(), all.String())
}

// sharedFurther reports whether a MIG device that somebody has could serve a request of the
// pod too, which package placement does not know.
func (v *View) sharedFurther(ctx context.Context) bool {
	for i := range v.pool.gpus.inventory.Devices {
		at := v.pool.gpus.published[i]
		consumed, shared := v.cycle.state.AggregatedCapacity[v.pool.deviceNames()[at]]
		if !shared || v.pool.gpus.inventory.Devices[i].Form != placement.MIG {
			continue
		}
		if v.cycle.request.anyAlternative(func(sub *subRequest) bool {
			return !sub.adminAccess && v.pool.acceptsDevice(ctx, v.cycle.source, sub, at) &&
				v.pool.tooSmall(v.cycle.request.server, i, v.pool.shareLimit(sub, i)) == "" &&
				sub.capacityLeft(&v.pool.Devices[at], v.pool.Driver, consumed)
		}) {
			return true
		}
	}
	return false
}
