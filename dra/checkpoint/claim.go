package checkpoint

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// ClaimState says how far a claim is.
type ClaimState string

// The states of a claim. In all but StateLapsed it holds its devices.
const (
	// StatePrepareStarted: any part of what the record says may have been done.
	StatePrepareStarted ClaimState = "PrepareStarted"
	// StatePrepareCompleted: all of it was done.
	StatePrepareCompleted ClaimState = "PrepareCompleted"
	// StateUnprepareStarted: any part of it may have been undone.
	StateUnprepareStarted ClaimState = "UnprepareStarted"
	// StateLapsed: nothing of it is left, as after a reboot. The claim has to be
	// prepared anew, and until then holds nothing.
	StateLapsed ClaimState = "Lapsed"
)

// Claim is what is known of one claim.
type Claim struct {
	UID       types.UID  `json:"uid"`
	Namespace string     `json:"namespace"`
	Name      string     `json:"name"`
	State     ClaimState `json:"state"`
	// Devices are in the order of the allocation's results.
	Devices []Device `json:"devices"`

	unknown unknownFields
}

// Device is one device of a claim, with everything that is done for it.
type Device struct {
	// Name and Request are those of the allocation's result, ShareID too.
	Name    string `json:"name"`
	Request string `json:"request"`
	ShareID string `json:"shareID,omitempty"`
	// Admin is whether the request has admin access: it holds nothing, and nothing of
	// the hardware is changed for it.
	Admin bool           `json:"admin,omitempty"`
	Form  dra.DeviceForm `json:"form"`

	GPU   string `json:"gpu"` // UUID
	BusID string `json:"busID,omitempty"`
	Index int64  `json:"index"`
	Minor int64  `json:"minor"`

	// ProfileID, Profile and the placement are those of a MIG instance.
	ProfileID      mig.ProfileID `json:"profileID,omitempty"`
	Profile        string        `json:"profile,omitempty"`
	PlacementStart int64         `json:"placementStart,omitempty"`
	PlacementSize  int64         `json:"placementSize,omitempty"`
	// Bytes is the memory of the device, and of a share the part that the claim has.
	Bytes topology.Bytes `json:"bytes"`
	// Instance is nil until it is created.
	Instance *Instance `json:"instance,omitempty"`

	// MIGMode is the mode that the GPU must be in, "on" or "off"; "" if any will do.
	MIGMode string `json:"migMode,omitempty"`
	// TimeSlice is set where the claim sets the GPU's interval.
	TimeSlice *hardware.TimeSlice `json:"timeSlice,omitempty"`
	// MPS is set where an MPS control daemon serves the device.
	MPS *MPSLimits `json:"mps,omitempty"`

	// CDI are the qualified names by which the runtime finds the device.
	CDI []string `json:"cdi,omitempty"`

	unknown unknownFields
}

// Instance is a MIG instance as NVML knows it; see hardware.Instance.
type Instance struct {
	ID           uint32 `json:"id"`
	ComputeID    uint32 `json:"computeID"`
	UUID         string `json:"uuid"`
	Minor        int64  `json:"minor,omitempty"`
	ComputeMinor int64  `json:"computeMinor,omitempty"`

	unknown unknownFields
}

// MPSLimits are what a client of an MPS daemon may use. Zero is no limit.
type MPSLimits struct {
	// ActiveThreads is in percent of the multiprocessors.
	ActiveThreads int `json:"activeThreads,omitempty"`
	// PinnedBytes is the limit of device memory.
	PinnedBytes topology.Bytes `json:"pinnedBytes,omitempty"`

	unknown unknownFields
}

// String names the claim in messages: namespace/name (uid).
func (c Claim) String() string { return fmt.Sprintf("%s/%s (%s)", c.Namespace, c.Name, c.UID) }

// HoldsDevices reports whether others must keep off the claim's devices.
func (c Claim) HoldsDevices() bool { return c.State != StateLapsed }

// GPUs are the UUIDs of the GPUs of the claim, sorted, each once.
func (c Claim) GPUs() []string {
	var gpus []string
	for _, device := range c.Devices {
		gpus = append(gpus, device.GPU)
	}
	slices.Sort(gpus)
	return slices.Compact(gpus)
}

// CloneRecord is a copy that shares nothing that can be changed.
func (c Claim) CloneRecord() Claim {
	c.Devices = slices.Clone(c.Devices)
	for i := range c.Devices {
		device := &c.Devices[i]
		device.CDI = slices.Clone(device.CDI)
		if device.Instance != nil {
			device.Instance = new(*device.Instance)
		}
		if device.TimeSlice != nil {
			device.TimeSlice = new(*device.TimeSlice)
		}
		if device.MPS != nil {
			device.MPS = new(*device.MPS)
		}
	}
	return c
}

// NewDevice is the record of a device of which nothing is known but what it is.
func NewDevice(device dra.Device) Device {
	record := Device{
		Name: device.Name(), Form: device.Form,
		GPU: device.GPU.UUID, BusID: device.GPU.BusID, Index: device.GPU.Index, Minor: device.GPU.Minor,
		Bytes: device.Memory,
	}
	if device.Profile != nil {
		record.ProfileID, record.Profile = device.Profile.ID, device.Profile.Name
		record.PlacementStart, record.PlacementSize = device.Placement.Start, device.Placement.Size
	}
	return record
}

// Placement is where the MIG instance lies.
func (d Device) Placement() mig.Placement {
	return mig.Placement{Start: d.PlacementStart, Size: d.PlacementSize}
}

// ExcludesDevice reports whether the two cannot be held by different claims.
func (d Device) ExcludesDevice(other Device) bool {
	return !d.Admin && !other.Admin && d.extent().Excludes(other.extent())
}

// extent is as much of dra.Device as says what of the GPU the device takes.
func (d Device) extent() dra.Device {
	return dra.Device{Form: d.Form, GPU: dra.GPUIdentity{UUID: d.GPU}, Placement: d.Placement()}
}

// TakesInstance reports whether a MIG instance is the one that was or is to be created
// for the device: it lies at its placement with its profile, and is not known to be
// another by its UUID.
func (d Device) TakesInstance(instance hardware.Instance) bool {
	return d.Form == dra.FormMIG && !d.Admin && instance.GPU == d.GPU && instance.Profile == d.ProfileID &&
		instance.Placement == d.Placement() &&
		(d.Instance == nil || d.Instance.UUID == "" || instance.UUID == "" || d.Instance.UUID == instance.UUID)
}
