package resourceslices

import (
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PoolReading is what is understood of the devices of a pool. Pools whose devices differ in nothing
// but which devices they are share one, so that nothing in it may be changed, and nothing in it says
// which: neither UUIDs nor addresses.
type PoolReading struct {
	Reading
	// Err is why nothing can be said of the pool: ReadPool's error, or NewInventory's.
	Err error
	// Invalid is what makes the devices ones that in-tree allocation refuses, nil if nothing does.
	Invalid error
	// Inventory is nil if nothing is understood.
	Inventory *placement.Inventory
	// Make is equal for pools of a driver that differ in nothing but which devices they are, as long as the
	// same Readings read them.
	Make uint64
	// Profiles are the MIG profiles of Devices, "" for those that are none. OnGPU are the devices by the GPU
	// that they are on, as indexes into Devices, and GPUProfiles the profiles that each GPU may be cut into.
	Profiles    []string
	OnGPU       [][]int
	GPUProfiles [][]string
	// Indexes are the NVML indexes of the node's GPUs, and Tainted says of which of them some device that is
	// understood must not be given to anybody new.
	Indexes []int64
	Tainted []bool

	names map[string]int
	// uuidAt and busAt are where each GPU's UUID and address are read, as indexes of published devices; -1
	// if they are nowhere.
	uuidAt, busAt []int
}

// DeviceNamed is the index in Devices of the device of a name.
func (r *PoolReading) DeviceNamed(name string) (int, bool) {
	i, found := r.names[name]
	return i, found
}

// GPUIdentities are which physical GPUs those of the node are, as the pool's devices say.
func (r *PoolReading) GPUIdentities(driver string, published []resourceapi.Device) []GPUIdentity {
	identities := make([]GPUIdentity, len(r.uuidAt))
	for gpu := range identities {
		if at := r.uuidAt[gpu]; at >= 0 {
			identities[gpu].UUID = Device{Device: &published[at], Driver: driver}.GPUIdentity().UUID
		}
		if at := r.busAt[gpu]; at >= 0 {
			identities[gpu].BusID = Device{Device: &published[at], Driver: driver}.GPUIdentity().BusID
		}
	}
	return identities
}

// readShared reads a pool.
func readShared(driver string, published []resourceapi.Device, counters []resourceapi.CounterSet) (shared *PoolReading, addressed bool) {
	r := &PoolReading{Invalid: validateDevices(published, counters)}
	reader, err := newPoolReader(driver, published)
	if err != nil {
		r.Err = err
		return r, false
	}
	r.Reading = reader.Reading
	if r.Inventory, r.Err = r.NewInventory(placement.PriorDemand()); r.Node == nil {
		return r, false
	}
	for i := range r.Node.GPUs {
		r.Node.GPUs[i].BusID = "" // of one node
	}
	gpus := len(r.Node.GPUs)
	r.Indexes, r.Tainted = reader.indexes, make([]bool, gpus)
	r.OnGPU, r.GPUProfiles = make([][]int, gpus), make([][]string, gpus)
	r.uuidAt, r.busAt = make([]int, gpus), make([]int, gpus)
	for gpu := range gpus {
		r.uuidAt[gpu], r.busAt[gpu] = -1, -1
	}
	r.names, r.Profiles = make(map[string]int, len(r.Devices)), make([]string, len(r.Devices))
	for i, at := range r.Published {
		device, gpu := reader.devices[at], r.Devices[i].GPU
		r.names[device.Name] = i
		r.OnGPU[gpu] = append(r.OnGPU[gpu], i)
		if r.Devices[i].Form == placement.MIG {
			r.Profiles[i] = device.textAttribute(deviceapi.Profile)
			if !slices.Contains(r.GPUProfiles[gpu], r.Profiles[i]) {
				r.GPUProfiles[gpu] = append(r.GPUProfiles[gpu], r.Profiles[i])
			}
		}
		for _, taint := range device.Taints {
			r.Tainted[gpu] = r.Tainted[gpu] || taint.Effect != resourceapi.DeviceTaintEffectNone
		}
		said := device.GPUIdentity()
		if r.uuidAt[gpu] < 0 && said.UUID != "" {
			r.uuidAt[gpu] = at
		}
		if r.busAt[gpu] < 0 && said.BusID != "" {
			r.busAt[gpu] = at
		}
	}
	return r, reader.addressed
}
