package prepare

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

// ConflictError is a device that cannot be prepared since a claim has what it needs, as
// when two schedulers allocated it at the same time.
type ConflictError struct {
	// Claim and Device are those that were to be prepared, Holder and Held those that
	// are in the way.
	Claim, Holder checkpoint.Claim
	Device, Held  checkpoint.Device
	// Reason is why the two exclude each other.
	Reason string
}

// Error names both claims and devices.
func (e *ConflictError) Error() string {
	if e.Claim.UID == e.Holder.UID {
		return fmt.Sprintf("claim %s: device %s of request %s and device %s of request %s cannot be used together: %s",
			e.Claim, e.Device.Name, e.Device.Request, e.Held.Name, e.Held.Request, e.Reason)
	}
	return fmt.Sprintf("claim %s, request %s, device %s: claim %s has device %s of GPU %s: %s; delete the pod of one of the two claims",
		e.Claim, e.Device.Request, e.Device.Name, e.Holder, e.Held.Name, e.Held.GPU, e.Reason)
}

// findConflict looks for what a claim cannot have beside others, or beside itself.
// memory is that of a GPU, by UUID, of which there can be shares.
func findConflict(claim checkpoint.Claim, others []checkpoint.Claim, memory map[string]topology.Bytes) error {
	for i, device := range claim.Devices {
		if device.Admin {
			continue
		}
		shared := device.Bytes
		check := func(holder checkpoint.Claim, held checkpoint.Device) error {
			if held.Admin || held.GPU != device.GPU {
				return nil
			}
			reason := conflictReason(device, held)
			if reason == "" && device.Form == dra.FormShare {
				shared += held.Bytes
				if limit, known := memory[device.GPU]; known && shared > limit {
					reason = fmt.Sprintf("with the other shares of it, %s of its %s were allocated", shared.ExactText(), limit.ExactText())
				}
			}
			if reason == "" {
				return nil
			}
			return &ConflictError{Claim: claim, Holder: holder, Device: device, Held: held, Reason: reason}
		}
		for _, other := range others {
			if other.UID == claim.UID || !other.HoldsDevices() {
				continue
			}
			for _, held := range other.Devices {
				if err := check(other, held); err != nil {
					return err
				}
			}
		}
		for _, held := range claim.Devices[:i] {
			if err := check(claim, held); err != nil {
				return err
			}
		}
	}
	return nil
}

// conflictReason says why two devices of one GPU exclude each other, "" if they do not.
func conflictReason(device, held checkpoint.Device) string {
	switch {
	case device.ExcludesDevice(held) && device.Form == dra.FormMIG && held.Form == dra.FormMIG:
		return fmt.Sprintf("memory slices %s and %s overlap", device.Placement(), held.Placement())
	case device.ExcludesDevice(held):
		return "one claim at a time can have it"
	case device.Form != dra.FormShare || held.Form != dra.FormShare:
		return ""
	case device.MPS != nil && held.MPS == nil:
		return "one shares it by MPS and the other by time-slicing, and a GPU does one of them"
	case device.MPS == nil && held.MPS != nil:
		return "one shares it by time-slicing and the other by MPS, and a GPU does one of them"
	case intervalOf(device) != intervalOf(held):
		return "their intervals of time-slicing differ, and a GPU has one for all"
	}
	return ""
}

func intervalOf(device checkpoint.Device) hardware.TimeSlice {
	if device.TimeSlice == nil {
		return hardware.DefaultTimeSlice
	}
	return *device.TimeSlice
}
