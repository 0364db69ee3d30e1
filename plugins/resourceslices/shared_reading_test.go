package resourceslices

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// smallPool is what a node may publish: GPUs, MIG devices that name theirs by UUID alone, and others.
func smallPool(driver string) []resourceapi.Device {
	devices := []resourceapi.Device{
		nvidiaGPU(0, "pci0", 0), nvidiaGPU(1, "pci1", 0), nvidiaSlice(0, 2), shareableGPU(2), sliceMadeBefore(3, 5), vfioDevice(0),
		changed(nvidiaSlice(1, 3), func(d *resourceapi.Device) {
			d.Name = "slice"
			d.Attributes["profileID"] = resourceapi.DeviceAttribute{IntValue: ptr.To[int64](19)}
			d.Attributes["placementStart"] = resourceapi.DeviceAttribute{IntValue: ptr.To[int64](3)}
		}),
	}
	for i := range devices[:2] {
		devices[i].Attributes["resource.kubernetes.io/pciBusID"] = textAttribute(fmt.Sprintf("0000:%02d:00.0", i+1))
		devices[i].Attributes[deviceapi.NICPCIBusID] = textAttribute("0000:77:00.0")
		devices[i].Attributes[deviceapi.NICLink] = textAttribute("PIX")
	}
	if driver == deviceapi.Driver {
		for i := range devices[:2] {
			devices[i].Attributes[deviceapi.Index] = resourceapi.DeviceAttribute{IntValue: ptr.To(int64(i))}
		}
	}
	return devices
}

// changePool makes another pool of one: most often of the same make, and now and then of one that nobody meant
// to publish.
func changePool(random *rand.Rand, devices []resourceapi.Device) []resourceapi.Device {
	names := []resourceapi.QualifiedName{
		"uuid", "parentUUID", "type", "productName", "profile", "profileID", "resource.kubernetes.io/pciBusID", "numaNode", "serial",
		"resource.kubernetes.io/numaNode", deviceapi.NICPCIBusID, deviceapi.NICLink, "minor", deviceapi.Index, deviceapi.ParentIndex,
		deviceapi.NVLinkClique, deviceapi.Links, "gpu.nvidia.com/uuid",
	}
	texts := []string{"", "GPU-aa-0", "gpu-AA-0", "GPU-aa-1", "0000:01:00.0", "00000000:01:00.0", "gpu", "mig", "ü", "Ü", "PIX", "x"}
	own := random.Intn(3)
	other := make([]resourceapi.Device, len(devices))
	for i := range devices {
		other[i] = *devices[i].DeepCopy()
		for _, name := range []resourceapi.QualifiedName{"uuid", "parentUUID"} {
			if value := other[i].Attributes[name]; value.StringValue != nil {
				other[i].Attributes[name] = textAttribute(fmt.Sprintf("%s-%d", *value.StringValue, own))
			}
		}
	}
	for range random.Intn(4) - 1 {
		i := random.Intn(len(other))
		device, name := &other[i], names[random.Intn(len(names))]
		switch random.Intn(8) {
		case 0, 1, 2, 3:
			device.Attributes[name] = textAttribute(texts[random.Intn(len(texts))])
		case 4:
			delete(device.Attributes, name)
		case 5:
			device.Attributes[name] = resourceapi.DeviceAttribute{IntValue: ptr.To(int64(random.Intn(5)) - 1)}
		case 6:
			device.Capacity = memoryOf([]string{"-1", "0", "40Gi", "9E"}[random.Intn(4)])
		case 7:
			other = append(other, *other[random.Intn(len(other))].DeepCopy())
		}
	}
	return other
}

// A reading that pools share is that of each of them by itself, whatever they publish.
func TestReadingsAgree(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	var readings Readings
	const count = 4000
	distinct := map[*PoolReading]bool{}
	for n := range count {
		driver := []string{deviceapi.Driver, deviceapi.NVIDIADriver}[random.Intn(2)]
		devices := changePool(random, smallPool(driver))
		counters := []resourceapi.CounterSet{
			{Name: "gpu-0-counter-set", Counters: map[string]resourceapi.Counter{"memory-slice-2": {}, "copy-engines": {}}},
			{Name: "gpu-1-counter-set", Counters: map[string]resourceapi.Counter{"memory-slice-3": {}, "copy-engines": {}}},
		}
		got := readings.readDevices(driver, devices, counters)
		distinct[got] = true
		want, err := ReadPool(driver, devices)
		if fmt.Sprint(err) != fmt.Sprint(got.Err) && err != nil {
			t.Fatalf("pool %d: error %v, want %v", n, got.Err, err)
		}
		if err != nil {
			continue
		}
		wantInventory, err := want.NewInventory(placement.PriorDemand())
		if (wantInventory == nil) != (got.Inventory == nil) || fmt.Sprint(err) != fmt.Sprint(got.Err) {
			t.Fatalf("pool %d: inventory %v, error %v; want %v, %v", n, got.Inventory, got.Err, wantInventory, err)
		}
		diff := cmp.Diff(*want, got.Reading, cmpopts.IgnoreFields(topology.GPU{}, "BusID"), cmpopts.EquateComparable(placement.Device{}),
			cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }))
		if diff != "" {
			t.Fatalf("pool %d (-alone +shared):\n%s", n, diff)
		}
		if want := validateDevices(devices, counters); (want == nil) != (got.Invalid == nil) {
			t.Fatalf("pool %d is invalid for %v, want %v", n, got.Invalid, want)
		}
		checkDetails(t, driver, devices, want, got)
	}
	t.Logf("%d pools, %d readings", count, len(distinct))
	if len(distinct) > count*3/4 {
		t.Errorf("%d pools have %d readings: nothing is shared", count, len(distinct))
	}
}

// checkDetails compares what a shared reading knows beside the reading.
func checkDetails(t *testing.T, driver string, devices []resourceapi.Device, want *Reading, got *PoolReading) {
	t.Helper()
	if want.Node == nil {
		return
	}
	identities := make([]GPUIdentity, len(want.Node.GPUs))
	names := map[string]int{}
	for i, at := range want.Published {
		said, known := (Device{Device: &devices[at], Driver: driver}).GPUIdentity(), &identities[want.Devices[i].GPU]
		if known.UUID == "" {
			known.UUID = said.UUID
		}
		if known.BusID == "" {
			known.BusID = said.BusID
		}
		names[devices[at].Name] = i
		if want.Devices[i].Form == placement.MIG && got.Profiles[i] != ProfileName(driver, &devices[at]) {
			t.Errorf("device %s has profile %q, want %q", devices[at].Name, got.Profiles[i], ProfileName(driver, &devices[at]))
		}
	}
	if diff := cmp.Diff(identities, got.GPUIdentities(driver, devices)); diff != "" {
		t.Errorf("identities (-alone +shared):\n%s", diff)
	}
	for name, i := range names {
		if at, found := got.DeviceNamed(name); at != i || !found {
			t.Errorf("device %s is %d, %v; want %d", name, at, found, i)
		}
	}
}

// Where the addresses of GPUs prove what machine it is, pools at other addresses do not have its links.
func TestReadingsAtAddresses(t *testing.T) {
	machine := addressedMachine(t)
	pool := func(shift string) []resourceapi.Device {
		var devices []resourceapi.Device
		for i, gpu := range machine.Node.GPUs {
			devices = append(devices, changed(nvidiaGPU(i, "", 0), func(d *resourceapi.Device) {
				d.Attributes["productName"] = textAttribute(gpu.Model.Product)
				d.Attributes["resource.kubernetes.io/pciBusID"] = textAttribute(shift + gpu.BusID)
			}))
		}
		return devices
	}
	for name, order := range map[string][]string{"the machine first": {"", "9", ""}, "others first": {"9", "", "8"}} {
		var readings Readings
		for _, shift := range order {
			got := readings.readDevices(deviceapi.NVIDIADriver, pool(shift), nil)
			if known := !got.Node.Links[0][1].Assumed; known != (shift == "") {
				t.Errorf("%s: at addresses %s... links are known: %v", name, shift, known)
			}
		}
	}
}

// addressedMachine is one that the catalogue knows by its addresses.
func addressedMachine(t *testing.T) *topology.MachineType {
	t.Helper()
	for _, name := range catalogue.Default().Machines() {
		machine, err := catalogue.Default().Machine(name)
		if err != nil || len(machine.Node.GPUs) < 2 {
			continue
		}
		var addresses []string
		for _, gpu := range machine.Node.GPUs {
			addresses = append(addresses, gpu.BusID)
		}
		if catalogue.Default().MachineAt(machine.Node.GPUs[0].Model.Product, addresses) == machine {
			return machine
		}
	}
	t.Fatal("the catalogue knows no machine by its addresses")
	return nil
}

// A pool is read anew when its slices are other objects, and forgotten when it is gone.
func TestPoolCache(t *testing.T) {
	published := twoSlices(func(_, _ *resourceapi.ResourceSliceSpec) {})
	groups := GroupByPool(published)
	var cache PoolCache
	first := cache.ReadPools(groups)
	for key, group := range groups {
		if cache.ReadPool(key, group) != first[key] {
			t.Errorf("pool %v is read twice", key)
		}
		other := slices.Clone(group)
		other[0] = other[0].DeepCopy()
		if again := cache.ReadPool(key, other); again == first[key] || again.Reading != first[key].Reading {
			t.Errorf("pool %v: slices that changed are read as before, or those that say the same are not shared", key)
		}
	}
	cache.ReadPools(nil)
	if left := slices.Collect(maps.Keys(cache.byKey)); len(left) > 0 {
		t.Errorf("%v are kept after their slices are gone", left)
	}
}

// Makes that are more than are remembered are still told apart.
func TestReadingsAreBounded(t *testing.T) {
	var readings Readings
	for i := range 3 * maxReadings {
		device := changed(nvidiaGPU(0, "", 0), func(d *resourceapi.Device) { d.Attributes["tag"] = textAttribute(fmt.Sprint(i)) })
		if got := readings.readDevices(deviceapi.NVIDIADriver, []resourceapi.Device{device}, nil); len(got.Devices) != 1 {
			t.Fatalf("make %d: %d devices are understood, want 1", i, len(got.Devices))
		}
	}
	if len(readings.byKey) > maxReadings {
		t.Errorf("%d readings are remembered, want at most %d", len(readings.byKey), maxReadings)
	}
}
