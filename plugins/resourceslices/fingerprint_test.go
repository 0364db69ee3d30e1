package resourceslices

import (
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Whatever an API server lets drivers publish of a device tells makes apart, but for what says which device it is.
// A field that a later API adds fails here until it does.
func TestFingerprintReadsAll(t *testing.T) {
	hash := newHashes()
	plain := hash(nvidiaGPU(0, "pci0", 0))
	for name, change := range everyChange() {
		if got := hash(changed(nvidiaGPU(0, "pci0", 0), change)); (got == plain) != strings.HasPrefix(name, "same:") {
			t.Errorf("%s: the device is of the same make: %v", name, got == plain)
		}
	}
}

// newHashes hashes pools of one device with the same seed.
func newHashes() func(...resourceapi.Device) uint64 {
	var readings Readings
	return func(devices ...resourceapi.Device) uint64 {
		return readings.borrowHasher().hashPool(deviceapi.NVIDIADriver, devices, nil)
	}
}

// Which devices have an identity in common is part of a make, in whatever order maps are read.
func TestFingerprintOfIdentities(t *testing.T) {
	hash := newHashes()
	pool := func(uuid, parent, serial string) uint64 {
		gpu := changed(nvidiaGPU(0, "pci0", 0), func(d *resourceapi.Device) {
			d.Attributes["uuid"], d.Attributes["serial"] = textAttribute(uuid), textAttribute(serial)
			d.Attributes["resource.kubernetes.io/pciBusID"] = textAttribute("bus " + uuid)
		})
		slice := changed(nvidiaSlice(0, 1), func(d *resourceapi.Device) { d.Attributes["parentUUID"] = textAttribute(parent) })
		return hash(gpu, slice)
	}
	want := pool("GPU-a", "GPU-a", "1")
	for range 50 {
		if pool("GPU-b", "GPU-b", "2") != want {
			t.Fatal("two nodes of one make differ")
		}
	}
	another := pool("GPU-b", "GPU-a", "1")
	for name, pair := range map[string][2]uint64{
		"a slice of another GPU":           {want, another},
		"a slice whose GPU is in capitals": {want, pool("GPU-a", "GPU-A", "1")},
		"the same letters or others":       {another, pool("GPU-a", "GPU-A", "1")},
		"no UUID":                          {another, pool("", "GPU-a", "1")},
		"no parent":                        {another, pool("GPU-a", "", "1")},
	} {
		if pair[0] == pair[1] {
			t.Errorf("%s: taken for the same make", name)
		}
	}
}

// everyChange are changes to all that a device may have.
func everyChange() map[string]func(*resourceapi.Device) {
	attribute := func(value resourceapi.DeviceAttribute) func(*resourceapi.Device) {
		return func(d *resourceapi.Device) { d.Attributes["new"] = value }
	}
	one := resource.MustParse("1")
	changes := map[string]func(*resourceapi.Device){
		"name":               func(d *resourceapi.Device) { d.Name = "other" },
		"an int":             attribute(resourceapi.DeviceAttribute{IntValue: ptr.To[int64](1)}),
		"a bool":             attribute(resourceapi.DeviceAttribute{BoolValue: ptr.To(false)}),
		"a text":             attribute(textAttribute("")),
		"a version":          attribute(resourceapi.DeviceAttribute{VersionValue: ptr.To("1.0.0")}),
		"ints":               attribute(resourceapi.DeviceAttribute{IntValues: []int64{1}}),
		"bools":              attribute(resourceapi.DeviceAttribute{BoolValues: []bool{true}}),
		"texts":              attribute(resourceapi.DeviceAttribute{StringValues: []string{"x"}}),
		"versions":           attribute(resourceapi.DeviceAttribute{VersionValues: []string{"1.0.0"}}),
		"a type":             func(d *resourceapi.Device) { d.Attributes["type"] = textAttribute("mig") },
		"less":               func(d *resourceapi.Device) { delete(d.Attributes, "architecture") },
		"memory":             func(d *resourceapi.Device) { d.Capacity = memoryOf("41Gi") },
		"more than an int64": func(d *resourceapi.Device) { d.Capacity = memoryOf("9000000000G") },
		"another capacity":   func(d *resourceapi.Device) { d.Capacity["x"] = resourceapi.DeviceCapacity{Value: one} },
		"a request policy": func(d *resourceapi.Device) {
			capacity := d.Capacity["memory"]
			capacity.RequestPolicy = &resourceapi.CapacityRequestPolicy{Default: &one}
			d.Capacity["memory"] = capacity
		},
		"counters": func(d *resourceapi.Device) {
			counters := map[string]resourceapi.Counter{"y": {Value: one}}
			d.ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: "x", Counters: counters}}
		},
		"node name":          func(d *resourceapi.Device) { d.NodeName = ptr.To("x") },
		"all nodes":          func(d *resourceapi.Device) { d.AllNodes = ptr.To(true) },
		"binds":              func(d *resourceapi.Device) { d.BindsToNode = ptr.To(true) },
		"binding":            func(d *resourceapi.Device) { d.BindingConditions = []string{"x"} },
		"binding failure":    func(d *resourceapi.Device) { d.BindingFailureConditions = []string{"x"} },
		"shared":             func(d *resourceapi.Device) { d.AllowMultipleAllocations = ptr.To(true) },
		"a taint":            func(d *resourceapi.Device) { d.Taints = []resourceapi.DeviceTaint{{Key: "x", Effect: "NoSchedule"}} },
		"same: another UUID": func(d *resourceapi.Device) { d.Attributes["uuid"] = textAttribute("GPU-other") },
	}
	return changes
}

// Since when a taint is there tells nothing of what a device is.
func TestFingerprintForgetsTaintTimes(t *testing.T) {
	hash := newHashes()
	tainted := func(at int64) uint64 {
		return hash(changed(nvidiaGPU(0, "", 0), func(d *resourceapi.Device) {
			time := metav1.Unix(at, 0)
			d.Taints = []resourceapi.DeviceTaint{{Key: "x", Effect: "NoSchedule", TimeAdded: &time}}
		}))
	}
	if tainted(1) != tainted(2) {
		t.Error("two taints of different times make two makes")
	}
}
