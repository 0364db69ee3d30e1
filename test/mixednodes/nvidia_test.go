package mixednodes

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// How NVIDIA's driver offers a node's GPUs.
const (
	wholeGPUs     = "whole"
	withTaint     = "whole-tainted" // the first GPU is taken out by a taint
	besideVFIO    = "whole-vfio"    // the first GPU is bound to VFIO
	staticMIG     = "static-mig"    // some GPUs were cut beforehand
	dynamicMIG    = "dynamic-mig"   // GPUs are cut on demand
	memoryShares  = "shares"        // several claims may have one GPU
	nvidiaDriver  = "gpu.nvidia.com"
	driverVersion = "580.95.5"
)

// nvidiaForms are taken in turn.
var nvidiaForms = []string{wholeGPUs, staticMIG, dynamicMIG, memoryShares, dynamicMIG, withTaint, memoryShares, besideVFIO, wholeGPUs}

// sharesOfEach is the driver's --consumable-shares.
const sharesOfEach = 4

// Limits of one slice.
const (
	maxDevices = resourceapi.ResourceSliceMaxDevicesWithAdvancedFeatures
	maxSets    = resourceapi.ResourceSliceMaxCounterSets
)

// nvidiaClasses are the classes that the driver's chart installs.
func nvidiaClasses() []*resourceapi.DeviceClass {
	class := func(name, kind, extended string) *resourceapi.DeviceClass {
		c := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
		c.Spec.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
			Expression: fmt.Sprintf("device.driver == '%s' && device.attributes['%s'].type == '%s'", nvidiaDriver, nvidiaDriver, kind),
		}}}
		if extended != "" {
			c.Spec.ExtendedResourceName = &extended
		}
		return c
	}
	return []*resourceapi.DeviceClass{
		class(nvidiaDriver, "gpu", gpuResource), class("mig."+nvidiaDriver, "mig", ""), class("vfio."+nvidiaDriver, "vfio", ""),
	}
}

// nvidiaSlices is what the driver publishes on a node.
func nvidiaSlices(t *testing.T, n *fleetNode, random *rand.Rand) []*resourceapi.ResourceSlice {
	t.Helper()
	var devices []resourceapi.Device
	var sets []resourceapi.CounterSet
	for gpu := range n.node.GPUs {
		d := nvidiaGPU{node: n, gpu: gpu}
		if model := n.model(); model.MIG != "" {
			table, err := catalogue.Default().MIG(model.MIG)
			if err != nil {
				t.Fatal(err)
			}
			d.table = table
		}
		switch {
		case n.form == staticMIG && (gpu == 0 || random.Intn(2) == 0):
			devices = append(devices, d.cutDevices(drawProfile(n.model(), random))...)
		case n.form == dynamicMIG:
			devices = append(devices, d.cuttableDevices()...)
			sets = append(sets, d.counterSet())
		case n.form == besideVFIO && gpu == 0:
			devices = append(devices, d.passthrough())
		default:
			whole := d.whole()
			if n.form == memoryShares {
				d.letShare(&whole)
			}
			if n.form == withTaint && gpu == 0 {
				whole.Taints = []resourceapi.DeviceTaint{{Key: nvidiaDriver + "/gpu-lost", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
			}
			devices = append(devices, whole)
		}
	}
	var list []*resourceapi.ResourceSlice
	add := func(fill func(*resourceapi.ResourceSliceSpec)) {
		s := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{GenerateName: n.name + "-" + nvidiaDriver + "-"}}
		s.Spec = resourceapi.ResourceSliceSpec{Driver: nvidiaDriver, NodeName: &n.name}
		s.Spec.Pool = resourceapi.ResourcePool{Name: n.name, Generation: 1}
		fill(&s.Spec)
		list = append(list, s)
	}
	for part := range slices.Chunk(sets, maxSets) {
		add(func(spec *resourceapi.ResourceSliceSpec) { spec.SharedCounters = part })
	}
	for part := range slices.Chunk(devices, maxDevices) {
		add(func(spec *resourceapi.ResourceSliceSpec) { spec.Devices = part })
	}
	for _, s := range list {
		s.Spec.Pool.ResourceSliceCount = int64(len(list))
	}
	return list
}

type capacities = map[resourceapi.QualifiedName]resourceapi.DeviceCapacity

// nvidiaGPU describes one GPU as the driver does.
type nvidiaGPU struct {
	node  *fleetNode
	gpu   int
	table *mig.Table
}

func (d nvidiaGPU) name() string { return fmt.Sprintf("gpu-%d", d.gpu) }

// attributes are those of every device of the GPU.
func (d nvidiaGPU) attributes(kind string) map[resourceapi.QualifiedName]resourceapi.DeviceAttribute {
	gpu := d.node.node.GPUs[d.gpu]
	a := map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{}
	for name, value := range map[string]string{
		"type": kind, "productName": gpu.Model.Product, "brand": gpu.Model.Brand, "architecture": gpu.Model.Architecture,
		"resource.kubernetes.io/pciBusID": gpu.BusID, "resource.kubernetes.io/pcieRoot": gpu.PCIeRoot,
	} {
		if value != "" {
			a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{StringValue: &value}
		}
	}
	for name, value := range map[string]string{
		"cudaComputeCapability": gpu.Model.Compute.String() + ".0", "driverVersion": driverVersion, "cudaDriverVersion": "13.0.0",
	} {
		a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{VersionValue: &value}
	}
	if gpu.NUMA != topology.NoNUMA {
		a["resource.kubernetes.io/numaNode"] = resourceapi.DeviceAttribute{IntValue: ptr.To(gpu.NUMA)}
	}
	return a
}

func (d nvidiaGPU) whole() resourceapi.Device {
	a := d.attributes("gpu")
	a["uuid"] = resourceapi.DeviceAttribute{StringValue: &d.node.uuids[d.gpu]}
	return resourceapi.Device{Name: d.name(), Attributes: a, Capacity: capacities{"memory": bytesOf(d.node.model().Memory)}}
}

// letShare lets several claims have a part of the GPU's memory each.
func (d nvidiaGPU) letShare(whole *resourceapi.Device) {
	divided := func(total, least *resource.Quantity) resourceapi.DeviceCapacity {
		return resourceapi.DeviceCapacity{Value: *total, RequestPolicy: &resourceapi.CapacityRequestPolicy{
			Default: total, ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: least, Step: least},
		}}
	}
	memory := bytesOf(d.node.model().Memory).Value
	shares := divided(resource.NewQuantity(sharesOfEach, resource.DecimalSI), resource.NewQuantity(1, resource.DecimalSI))
	shares.RequestPolicy.Default = resource.NewQuantity(1, resource.DecimalSI)
	whole.AllowMultipleAllocations = ptr.To(true)
	whole.Capacity = capacities{
		"memory": divided(&memory, resource.NewQuantity(int64(topology.MiB), resource.BinarySI)), "shares": shares,
	}
}

func (d nvidiaGPU) passthrough() resourceapi.Device {
	a := d.attributes("vfio")
	for _, name := range []resourceapi.QualifiedName{"brand", "architecture", "cudaComputeCapability", "driverVersion", "cudaDriverVersion"} {
		delete(a, name)
	}
	a["uuid"] = resourceapi.DeviceAttribute{StringValue: &d.node.uuids[d.gpu]}
	return resourceapi.Device{Name: fmt.Sprintf("gpu-vfio-%d", d.gpu), Attributes: a,
		Capacity: capacities{"addressableMemory": bytesOf(128 * topology.GiB)}}
}

// slice is a MIG device at a placement.
func (d nvidiaGPU) slice(profile *mig.Profile, at mig.Placement) resourceapi.Device {
	a := d.attributes("mig")
	a["parentUUID"] = resourceapi.DeviceAttribute{StringValue: &d.node.uuids[d.gpu]}
	a["profile"] = resourceapi.DeviceAttribute{StringValue: &profile.Name}
	label := strings.NewReplacer(".", "", "+", "-").Replace(profile.Name)
	capacity := capacities{"memory": bytesOf(profile.Memory)}
	for name, count := range d.engines(profile) {
		capacity[resourceapi.QualifiedName(capacityNames[name])] = resourceapi.DeviceCapacity{Value: countOf(count).Value}
	}
	return resourceapi.Device{Name: fmt.Sprintf("%s-mig-%s-%d-%d", d.name(), label, profile.ID, at.Start), Attributes: a, Capacity: capacity}
}

// capacityNames are the capacities by the counters that stand for the same.
var capacityNames = map[string]string{
	"multiprocessors": "multiprocessors", "copy-engines": "copyEngines", "decoders": "decoders", "encoders": "encoders",
	"jpeg-engines": "jpegEngines", "ofa-engines": "ofaEngines",
}

// engines is what an instance has beside memory.
func (d nvidiaGPU) engines(p *mig.Profile) map[string]int64 {
	return map[string]int64{
		"multiprocessors": p.SMs, "copy-engines": p.CopyEngines, "decoders": p.Media.Decoders, "encoders": p.Media.Encoders,
		"jpeg-engines": p.Media.JPEG, "ofa-engines": p.Media.OFA,
	}
}

// cutDevices are the instances of a GPU that was cut beforehand.
func (d nvidiaGPU) cutDevices(profile *mig.Profile) []resourceapi.Device {
	var list []resourceapi.Device
	for i, at := range profile.Placements {
		if int64(i) == profile.Max {
			break
		}
		made := d.slice(profile, at)
		made.Attributes["uuid"] = resourceapi.DeviceAttribute{StringValue: ptr.To(fmt.Sprintf("MIG-%s-%d", d.node.uuids[d.gpu][4:30], i))}
		for slice := at.Start; slice < at.Start+at.Size; slice++ {
			name := resourceapi.QualifiedName(fmt.Sprintf("memorySlice%d", slice))
			made.Capacity[name] = resourceapi.DeviceCapacity{Value: countOf(1).Value}
		}
		list = append(list, made)
	}
	return list
}

// cuttableDevices are the devices of a GPU that is cut on demand. One of Ampere is in MIG
// mode for good, so that it cannot be had whole.
func (d nvidiaGPU) cuttableDevices() []resourceapi.Device {
	var list []resourceapi.Device
	consume := func(device resourceapi.Device, counters map[string]resourceapi.Counter) {
		device.ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: d.counterSet().Name, Counters: counters}}
		list = append(list, device)
	}
	if d.node.model().Architecture != "Ampere" {
		consume(d.whole(), d.counterSet().Counters)
	}
	for i := range d.table.Profiles {
		profile := &d.table.Profiles[i]
		if profile.Memory == 0 {
			continue // nobody has seen what the driver says of it
		}
		for _, at := range profile.Placements {
			counters := map[string]resourceapi.Counter{"memory": {Value: bytesOf(profile.Memory).Value}}
			for name, count := range d.engines(profile) {
				counters[name] = countOf(count)
			}
			for slice := at.Start; slice < at.Start+at.Size; slice++ {
				counters[fmt.Sprintf("memory-slice-%d", slice)] = countOf(1)
			}
			consume(d.slice(profile, at), counters)
		}
	}
	return list
}

// counterSet is what the GPU has to give: what its largest instance has, and the memory
// that the GPU has whole.
func (d nvidiaGPU) counterSet() resourceapi.CounterSet {
	set := resourceapi.CounterSet{Name: d.name() + "-counter-set", Counters: map[string]resourceapi.Counter{}}
	set.Counters["memory"] = resourceapi.Counter{Value: bytesOf(d.node.model().Memory).Value}
	for i := range d.table.Profiles {
		for name, count := range d.engines(&d.table.Profiles[i]) {
			if known := set.Counters[name]; known.Value.Value() <= count {
				set.Counters[name] = countOf(count)
			}
		}
	}
	for slice := range d.table.MemorySlices {
		set.Counters[fmt.Sprintf("memory-slice-%d", slice)] = countOf(1)
	}
	return set
}

func bytesOf(b topology.Bytes) resourceapi.DeviceCapacity {
	return resourceapi.DeviceCapacity{Value: *resource.NewQuantity(int64(b), resource.BinarySI)}
}

func countOf(n int64) resourceapi.Counter {
	return resourceapi.Counter{Value: *resource.NewQuantity(n, resource.DecimalSI)}
}
