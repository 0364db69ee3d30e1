package dra

import (
	"hash/maphash"
	"maps"
	"strconv"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// identityAttributes tell devices of one make from each other, by the names that Ashlar's
// and NVIDIA's drivers give them, without their domain. Two nodes of one machine differ in
// nothing else.
var identityAttributes = map[string]bool{
	deviceapi.UUID: true, deviceapi.ParentUUID: true, deviceapi.NICPCIBusID: true, unqualified(deviceapi.PCIBusID): true,
	"serial": true, "serialNumber": true, "minor": true,
}

// unqualified is an attribute's name without its domain.
func unqualified(name resourceapi.QualifiedName) string {
	_, after, qualified := strings.Cut(string(name), "/")
	if !qualified {
		return string(name)
	}
	return after
}

// poolMake is all pools whose devices differ in nothing but their identity: what holds of
// the devices of one holds of those of the others, unless it reads which device it is.
type poolMake struct {
	// number tells makes apart for as long as the source.
	number int32
	// inventory is what all of them hand out, nil if no GPUs.
	inventory *placement.Inventory
	matches   matchCache
}

// makeKey is what a make is known by.
type makeKey struct {
	inventory *placement.Inventory
	devices   uint64
}

// makeIndex knows the makes of pools. Numbers are not used again.
type makeIndex struct {
	seed  maphash.Seed
	byKey map[makeKey]*poolMake
	next  int32
}

// makeOf finds the make of a pool.
func (x *makeIndex) makeOf(p *Pool) *poolMake {
	if x.byKey == nil {
		x.seed, x.byKey = maphash.MakeSeed(), map[makeKey]*poolMake{}
	}
	key := makeKey{devices: x.hashDevices(p)}
	if p.gpus != nil {
		key.inventory = p.gpus.inventory
	}
	known := x.byKey[key]
	if known == nil {
		known = &poolMake{number: x.next, inventory: key.inventory}
		x.next++
		x.byKey[key] = known
	}
	return known
}

// forgetUnused drops makes of which there is no pool any more.
func (x *makeIndex) forgetUnused(pools map[resourceslices.PoolKey]*Pool) {
	used := make(map[*poolMake]bool)
	for _, p := range pools {
		used[p.kind] = true
	}
	maps.DeleteFunc(x.byKey, func(_ makeKey, known *poolMake) bool { return !used[known] })
}

// hashDevices is a hash of all that is published of a pool's devices but their identity. Which
// devices have an identity in common is part of it: MIG devices of one GPU.
func (x *makeIndex) hashDevices(p *Pool) uint64 {
	var hash maphash.Hash
	hash.SetSeed(x.seed)
	_, _ = hash.WriteString(p.Driver) // never fails
	var buffer []byte
	write := func(size int, marshal func([]byte) (int, error)) {
		if cap(buffer) < size {
			buffer = make([]byte, size)
		}
		if written, err := marshal(buffer[:size]); err == nil {
			_, _ = hash.Write(buffer[size-written : size])
		}
		_ = hash.WriteByte(0)
	}
	identities := map[resourceapi.QualifiedName]map[string]int{}
	for i := range p.Devices {
		device := withoutIdentity(&p.Devices[i], identities)
		write(device.Size(), device.MarshalToSizedBuffer)
	}
	for i := range p.Counters {
		write(p.Counters[i].Size(), p.Counters[i].MarshalToSizedBuffer)
	}
	return hash.Sum64()
}

// withoutIdentity is a device with numbers in place of what tells it from others of its make:
// the same number wherever an attribute had the same value before. Since when a taint is
// there tells nothing of what the device is.
func withoutIdentity(device *resourceapi.Device, identities map[resourceapi.QualifiedName]map[string]int) *resourceapi.Device {
	plain := *device
	for name := range device.Attributes {
		if identityAttributes[unqualified(name)] {
			plain.Attributes = maps.Clone(device.Attributes)
			break
		}
	}
	for name, value := range plain.Attributes {
		if !identityAttributes[unqualified(name)] || value.StringValue == nil {
			continue
		}
		if identities[name] == nil {
			identities[name] = map[string]int{}
		}
		number, known := identities[name][*value.StringValue]
		if !known {
			number = len(identities[name])
			identities[name][*value.StringValue] = number
		}
		text := strconv.Itoa(number)
		plain.Attributes[name] = resourceapi.DeviceAttribute{StringValue: &text}
	}
	plain.Taints = make([]resourceapi.DeviceTaint, len(device.Taints))
	for i, taint := range device.Taints {
		taint.TimeAdded = nil
		plain.Taints[i] = taint
	}
	return &plain
}
