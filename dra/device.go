package dra

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// GPUIdentity says which physical GPU something is on. The UUID is the key: the index is
// NVML's and may change when the driver is loaded again.
type GPUIdentity struct {
	// UUID is NVML's, for example "GPU-8f6b...".
	UUID string
	// BusID is the PCI address as sysfs writes it, "0000:1b:00.0"; "" if unknown.
	BusID string
	// Index is the NVML index, and Minor the number in /dev/nvidia<minor>.
	Index, Minor int64
}

// DeviceForm is one of the values of deviceapi.Type: a whole GPU, a MIG instance, or a
// GPU whose memory is shared.
type DeviceForm string

// The forms in which a GPU is handed out.
const (
	FormGPU   DeviceForm = deviceapi.TypeGPU
	FormMIG   DeviceForm = deviceapi.TypeMIG
	FormShare DeviceForm = deviceapi.TypeShare
)

// Device is one way to hand a GPU or a part of it out. The same value is published,
// allocated by its name, prepared, and written to the checkpoint.
type Device struct {
	Form DeviceForm
	GPU  GPUIdentity
	// Profile and Placement are those of a MIG instance; Profile is nil otherwise.
	Profile   *mig.Profile
	Placement mig.Placement
	// Memory is what processes can allocate at most: the instance's memory, or the GPU's
	// less what the driver reserves.
	Memory topology.Bytes
}

// Name is the device's name in ResourceSlices and allocations, for example "gpu-0" or
// "gpu-0-mig-1g10gb-19-6".
func (d Device) Name() string {
	switch d.Form {
	case FormMIG:
		return deviceapi.MIGDevice(d.GPU.Index, d.Profile, d.Placement.Start)
	case FormShare:
		return deviceapi.ShareDevice(d.GPU.Index)
	}
	return deviceapi.GPUDevice(d.GPU.Index)
}

// Excludes reports whether the two devices cannot be in use at the same time by different
// claims: they are on one GPU, and are neither both shares of it nor MIG instances on
// different slices.
func (d Device) Excludes(other Device) bool {
	if d.GPU.UUID != other.GPU.UUID {
		return false
	}
	switch {
	case d.Form == FormShare && other.Form == FormShare:
		return false
	case d.Form == FormMIG && other.Form == FormMIG:
		return d.Placement.Overlaps(other.Placement)
	}
	return true
}
