package prepare

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/configapi"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// NodeInventory is what there is to prepare.
type NodeInventory struct {
	// Pool is the name of the node's pool, which is that of the node.
	Pool string
	// Devices are those of the node at present, by name.
	Devices map[string]dra.Device
}

// PlanClaim says what is to be done for a claim: the record as it is saved before
// anything is done. It fails if the allocation asks for what this node does not have.
func PlanClaim(claim *resourceapi.ResourceClaim, inventory NodeInventory) (checkpoint.Claim, error) {
	record := checkpoint.Claim{
		UID: claim.UID, Namespace: claim.Namespace, Name: claim.Name, State: checkpoint.StatePrepareStarted,
	}
	if claim.Status.Allocation == nil {
		return record, fmt.Errorf("claim %s: it is not allocated", record)
	}
	var errs []error
	for i := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[i]
		if result.Driver != deviceapi.Driver {
			continue
		}
		device, err := planDevice(result, claim.Status.Allocation.Devices.Config, inventory)
		if err != nil {
			errs = append(errs, fmt.Errorf("claim %s, request %s, device %s: %w", record, result.Request, result.Device, err))
			continue
		}
		record.Devices = append(record.Devices, device)
	}
	if len(errs) == 0 && len(record.Devices) == 0 {
		return record, fmt.Errorf("claim %s: its allocation has no device of driver %s", record, deviceapi.Driver)
	}
	if len(errs) == 0 {
		var devices []configapi.RequestDevice
		for _, device := range record.Devices {
			devices = append(devices, configapi.RequestDevice{Request: device.Request, Form: device.Form})
		}
		if err := configapi.FindUnusedConfig(claim.Status.Allocation.Devices.Config, deviceapi.Driver, devices); err != nil {
			return record, fmt.Errorf("claim %s: %w", record, err)
		}
	}
	return record, errors.Join(errs...)
}

func planDevice(
	result *resourceapi.DeviceRequestAllocationResult, configs []resourceapi.DeviceAllocationConfiguration, inventory NodeInventory,
) (checkpoint.Device, error) {
	if result.Pool != inventory.Pool {
		return checkpoint.Device{}, fmt.Errorf("it was allocated from pool %q, and the pool of this node is %q: "+
			"delete the pod, so that its claim is allocated where it runs", result.Pool, inventory.Pool)
	}
	device, found := inventory.Devices[result.Device]
	if !found {
		return checkpoint.Device{}, missingDevice(result.Device, inventory.Devices)
	}
	record := checkpoint.NewDevice(device)
	record.Request = result.Request
	record.ShareID = string(ptr.Deref(result.ShareID, ""))
	if ptr.Deref(result.AdminAccess, false) {
		record.Admin = true
		return record, nil
	}
	record.MIGMode = "off"
	if device.Form == dra.FormMIG {
		record.MIGMode = "on"
	}
	if device.Form == dra.FormShare {
		bytes, err := shareBytes(result, device)
		if err != nil {
			return record, err
		}
		record.Bytes = bytes
	}
	config, err := configapi.ResolveConfig(configs, deviceapi.Driver, result.Request, device.Form)
	if err != nil {
		return record, err
	}
	return record, applyConfig(&record, device, config)
}

// shareBytes is how much of a shared GPU's memory was allocated: all if the allocation
// does not say.
func shareBytes(result *resourceapi.DeviceRequestAllocationResult, device dra.Device) (topology.Bytes, error) {
	for _, name := range []resourceapi.QualifiedName{deviceapi.Memory, deviceapi.Driver + "/" + deviceapi.Memory} {
		quantity, found := result.ConsumedCapacity[name]
		if !found {
			continue
		}
		bytes := topology.Bytes(quantity.Value())
		if bytes < topology.MiB || bytes > device.Memory {
			return 0, fmt.Errorf("%s of memory were allocated, and a share has from 1MiB to the %s of the GPU: "+
				"delete the pod, so that its claim is allocated anew", bytes.ExactText(), device.Memory.ExactText())
		}
		return bytes, nil
	}
	return device.Memory, nil
}

// applyConfig adds to the record what the config says, and what follows from the share.
func applyConfig(record *checkpoint.Device, device dra.Device, config configapi.Config) error {
	limits, err := config.LimitsOf(record.Bytes, device.Memory)
	if err != nil {
		return err
	}
	switch {
	case config.Strategy == configapi.MPS:
		record.MPS = &checkpoint.MPSLimits{ActiveThreads: int(limits.ActiveThreadPercentage), PinnedBytes: limits.Memory}
	case config.Interval != hardware.DefaultTimeSlice:
		record.TimeSlice = &config.Interval
	}
	return nil
}

// missingDevice says why a node does not have a device that was allocated.
func missingDevice(name string, devices map[string]dra.Device) error {
	index, found := indexOf(name)
	if !found {
		return errors.New("this driver has no devices of such names: another version of it may have; " +
			"delete the pod, so that its claim is allocated anew")
	}
	for _, device := range devices {
		if device.GPU.Index == index {
			return fmt.Errorf("GPU %d (%s) is on this node, but does not offer this device at present: its MIG mode may have changed, "+
				"or a MIG instance that no claim has is in the way; delete the pod, so that its claim is allocated anew", index, device.GPU.UUID)
		}
	}
	return fmt.Errorf("GPU %d is no longer on this node: it was removed, is reserved for others, or does not answer; "+
		"delete the pod, so that its claim is allocated anew", index)
}

// indexOf is the index of the GPU in a device's name.
func indexOf(name string) (int64, bool) {
	rest, found := strings.CutPrefix(name, "gpu-")
	digits, _, _ := strings.Cut(rest, "-")
	index, err := strconv.ParseUint(digits, 10, 31)
	return int64(index), found && err == nil
}
