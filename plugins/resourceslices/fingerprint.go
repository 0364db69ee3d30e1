package resourceslices

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// identityAttributes tell devices of one make from each other, by the names that Ashlar's
// and NVIDIA's drivers give them, without their domain. Two nodes of one machine differ in
// nothing else.
var identityAttributes = map[string]bool{
	deviceapi.UUID: true, deviceapi.ParentUUID: true, deviceapi.NICPCIBusID: true, unqualified(deviceapi.PCIBusID): true,
	"serial": true, "serialNumber": true, "minor": true,
}

// IsIdentity reports whether an attribute tells devices of one make from each other. Its name is without
// a domain.
func IsIdentity(name string) bool { return identityAttributes[name] }

// unqualified is an attribute's name without its domain.
func unqualified(name resourceapi.QualifiedName) string {
	_, after, qualified := strings.Cut(string(name), "/")
	if !qualified {
		return string(name)
	}
	return after
}

// deviceHasher hashes what is published of devices but which devices they are. Numbers stand in
// place of what tells devices of one make apart, the same number wherever a value was before, in
// capitals or not: which devices have an identity in common is part of what they are, as of MIG
// devices of one GPU. Since when a taint is there tells nothing of that. Hashes of one seed can be
// compared; they are 64 bits of a keyed hash, so that nobody can publish two pools that are taken
// for one on purpose.
type deviceHasher struct {
	seed maphash.Seed
	// keys are secrets drawn from the seed, for what is hashed without maphash.
	keys [2]uint64
	// names remembers attributes by name: their hash, and whether they tell devices apart.
	names map[resourceapi.QualifiedName]hashedName
	// identities numbers values by their hash in small letters, spellings those in other letters than
	// the first.
	identities map[uint64]identityNumber
	spellings  map[uint64]uint64
	// bareSize is the size of a device without anything in it.
	bareSize int
	buffer   []byte
	own      []ownIdentity // of the device that is hashed
}

// ownIdentity is what an attribute says of which device this is.
type ownIdentity struct {
	name  resourceapi.QualifiedName
	value string
}

type hashedName struct {
	hash     uint64
	identity bool
}

type identityNumber struct{ number, spelling uint64 }

func newDeviceHasher(seed maphash.Seed) *deviceHasher {
	return &deviceHasher{
		seed: seed, keys: [2]uint64{maphash.String(seed, "first"), maphash.String(seed, "second")},
		names:      map[resourceapi.QualifiedName]hashedName{},
		identities: map[uint64]identityNumber{}, spellings: map[uint64]uint64{},
		bareSize: (&resourceapi.Device{}).Size(),
	}
}

// hashPool is the hash of a pool's devices and counters. It starts numbering anew.
func (f *deviceHasher) hashPool(driver string, devices []resourceapi.Device, counters []resourceapi.CounterSet) uint64 {
	clear(f.identities)
	clear(f.spellings)
	clear(f.names) // they are of strings that would otherwise be kept
	h := f.mixHashes(f.hashText(driver), uint64(len(devices)))
	for i := range devices {
		h = f.mixHashes(h, f.hashDevice(&devices[i]))
	}
	h = f.mixHashes(h, uint64(len(counters)))
	for i := range counters {
		h = f.mixHashes(h, f.mixHashes(f.hashText(counters[i].Name), f.hashCounters(counters[i].Counters)))
	}
	return h
}

// hashAddresses is the hash of where devices are on the PCI bus.
func (f *deviceHasher) hashAddresses(driver string, devices []resourceapi.Device) uint64 {
	h := uint64(len(devices))
	for i := range devices {
		h = f.mixHashes(h, f.hashText(normalBusID(Device{Device: &devices[i], Driver: driver}.textAttribute(deviceapi.PCIBusID))))
	}
	return h
}

func (f *deviceHasher) hashDevice(d *resourceapi.Device) uint64 {
	h := f.hashText(d.Name)
	entries := uint64(len(d.Attributes))
	f.own = f.own[:0]
	for name, value := range d.Attributes { // added up, for maps have no order
		known, seen := f.names[name]
		if !seen {
			known = hashedName{f.hashText(string(name)), identityAttributes[unqualified(name)]}
			f.names[name] = known
		}
		if known.identity && value.StringValue != nil && *value.StringValue != "" {
			f.own = append(f.own, ownIdentity{name, *value.StringValue})
			value.StringValue = nil
		}
		entries += f.mixHashes(known.hash, f.hashAttribute(&value))
	}
	h = f.mixHashes(h, entries)
	slices.SortFunc(f.own, func(a, b ownIdentity) int { return cmp.Compare(a.name, b.name) }) // numbers are in order
	for _, identity := range f.own {
		h = f.mixHashes(h, f.mixHashes(f.names[identity.name].hash, f.numberIdentity(identity.value)))
	}
	entries = uint64(len(d.Capacity))
	for name, value := range d.Capacity {
		amount := f.hashQuantity(&value.Value)
		if value.RequestPolicy != nil {
			amount = f.mixHashes(amount, f.hashMessage(value.RequestPolicy.Size(), value.RequestPolicy.MarshalToSizedBuffer))
		}
		entries += f.mixHashes(f.hashText(string(name)), amount)
	}
	h = f.mixHashes(h, entries)
	for i := range d.ConsumesCounters {
		consumed := &d.ConsumesCounters[i]
		h = f.mixHashes(h, f.mixHashes(f.hashText(consumed.CounterSet), f.hashCounters(consumed.Counters)))
	}
	rest := *d
	rest.Name, rest.Attributes, rest.Capacity, rest.ConsumesCounters = "", nil, nil, nil
	if len(rest.Taints) > 0 {
		rest.Taints = make([]resourceapi.DeviceTaint, len(d.Taints))
		for i, taint := range d.Taints {
			taint.TimeAdded = nil
			rest.Taints[i] = taint
		}
	}
	if size := rest.Size(); size != f.bareSize {
		h = f.mixHashes(h, f.hashMessage(size, rest.MarshalToSizedBuffer))
	}
	return h
}

// What a hashed value is of: the same digits may be a number or a text.
const (
	ofInt uint64 = iota + 1
	ofBool
	ofString
	ofVersion
	ofRest
)

// hashAttribute is the hash of an attribute's value.
func (f *deviceHasher) hashAttribute(a *resourceapi.DeviceAttribute) uint64 {
	h := uint64(0)
	if a.StringValue != nil {
		h = f.mixHashes(ofString, f.hashText(*a.StringValue))
	}
	if a.IntValue != nil {
		h = f.mixHashes(h, f.mixHashes(ofInt, uint64(*a.IntValue)))
	}
	if a.BoolValue != nil {
		bit := uint64(0)
		if *a.BoolValue {
			bit = 1
		}
		h = f.mixHashes(h, f.mixHashes(ofBool, bit))
	}
	if a.VersionValue != nil {
		h = f.mixHashes(h, f.mixHashes(ofVersion, f.hashText(*a.VersionValue)))
	}
	rest := *a
	rest.StringValue, rest.IntValue, rest.BoolValue, rest.VersionValue = nil, nil, nil, nil
	if size := rest.Size(); size > 0 {
		h = f.mixHashes(h, f.mixHashes(ofRest, f.hashMessage(size, rest.MarshalToSizedBuffer)))
	}
	return h
}

// numberIdentity is which of the values before it this one is, and in which spelling.
func (f *deviceHasher) numberIdentity(text string) uint64 {
	spelling := f.hashText(text)
	folded := spelling
	if strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 || 'A' <= r && r <= 'Z' }) {
		folded = f.hashText(strings.ToLower(text))
	}
	known, seen := f.identities[folded]
	if !seen {
		known = identityNumber{uint64(len(f.identities)), spelling}
		f.identities[folded] = known
	}
	if known.spelling == spelling {
		return f.mixHashes(known.number, 0)
	}
	number, seen := f.spellings[spelling]
	if !seen {
		number = uint64(len(f.spellings)) + 1
		f.spellings[spelling] = number
	}
	return f.mixHashes(known.number, number)
}

func (f *deviceHasher) hashCounters(counters map[string]resourceapi.Counter) uint64 {
	h := uint64(len(counters))
	for name, counter := range counters {
		h += f.mixHashes(f.hashText(name), f.hashQuantity(&counter.Value))
	}
	return h
}

func (f *deviceHasher) hashQuantity(q *resource.Quantity) uint64 {
	if amount, small := q.AsInt64(); small {
		return f.mixHashes(ofInt, f.mixHashes(uint64(amount), f.hashText(string(q.Format))))
	}
	return f.mixHashes(ofString, f.hashText(q.String()))
}

// hashMessage is the hash of what the API server's encoding makes of something.
func (f *deviceHasher) hashMessage(size int, marshal func([]byte) (int, error)) uint64 {
	if cap(f.buffer) < size {
		f.buffer = make([]byte, size)
	}
	written, err := marshal(f.buffer[:size])
	if err != nil {
		return 0 // in the API server's own encoding everything can be written that has been read
	}
	return maphash.Bytes(f.seed, f.buffer[size-written:size])
}

func (f *deviceHasher) hashText(text string) uint64 { return maphash.String(f.seed, text) }

// mixHashes is a hash of two hashes, in this order.
func (f *deviceHasher) mixHashes(a, b uint64) uint64 {
	high, low := bits.Mul64(a^f.keys[0], bits.RotateLeft64(b, 32)^f.keys[1])
	return high ^ low
}
