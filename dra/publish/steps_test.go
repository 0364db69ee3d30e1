package publish_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated/simulatedtest"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

var _ publish.ResourceSink = (*kubeletplugin.Helper)(nil)

// poolObserver is what a scheduler sees of the slices, one change after the other.
type poolObserver struct {
	events watch.Interface
	slices map[string]*resourceapi.ResourceSlice
}

func observePool(t *testing.T, client kubernetes.Interface) *poolObserver {
	t.Helper()
	o := &poolObserver{slices: map[string]*resourceapi.ResourceSlice{}}
	var err error
	if o.events, err = client.ResourceV1().ResourceSlices().Watch(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	list, err := client.ResourceV1().ResourceSlices().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		o.slices[list.Items[i].Name] = &list.Items[i]
	}
	t.Cleanup(o.events.Stop)
	return o
}

// devices are those of all objects, and those that can be allocated: the newest generation's,
// if all its slices are there.
func (o *poolObserver) devices() (held, allocatable map[string]resourceapi.Device, generation int64) {
	held, allocatable = map[string]resourceapi.Device{}, map[string]resourceapi.Device{}
	for _, slice := range o.slices {
		generation = max(generation, slice.Spec.Pool.Generation)
	}
	count, want := int64(0), int64(0)
	for _, slice := range o.slices {
		newest := slice.Spec.Pool.Generation == generation
		if newest {
			count, want = count+1, slice.Spec.Pool.ResourceSliceCount
		}
		for _, device := range slice.Spec.Devices {
			held[device.Name] = device
			if newest {
				allocatable[device.Name] = device
			}
		}
	}
	if count != want {
		clear(allocatable)
	}
	return held, allocatable, generation
}

// namedDevices are the devices of resources by name.
func namedDevices(resources resourceslice.DriverResources) map[string]resourceapi.Device {
	named := map[string]resourceapi.Device{}
	for _, slice := range resources.Pools["node-0"].Slices {
		for _, device := range slice.Devices {
			named[device.Name] = device
		}
	}
	return named
}

// While updates are published, no device that stays is missing for a moment, and as few
// slices are written as there are changes in. What can be changed slice by slice leaves all
// devices allocatable throughout.
func TestUpdateKeepsDevices(t *testing.T) {
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	node := simulatedtest.ReadNode(t, machine)
	all := node.ListDevices(discovery.DeviceOptions{})
	without := func(gone func(dra.Device) bool) []dra.Device { return slices.DeleteFunc(slices.Clone(all), gone) }
	tainted := func(which func(dra.Device) bool) publish.TaintSource {
		return func(d dra.Device) []resourceapi.DeviceTaint {
			if !which(d) {
				return nil
			}
			return []resourceapi.DeviceTaint{{Key: "gpu.ashlar.dev/ill", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
		}
	}
	everywhere := func(dra.Device) bool { return true }
	onGPU := func(index int64) func(dra.Device) bool {
		return func(d dra.Device) bool { return d.GPU.Index == index }
	}
	usedInSlices := func(d dra.Device) bool { return d.GPU.Index == 3 && d.Form != dra.FormMIG }
	first := func(d dra.Device) bool { return d.Name() == all[0].Name() }
	before := publish.DriverResources("node-0", node, all, nil)
	deviceSlices := len(before.Pools["node-0"].Slices) - 1 // one has the counter sets
	for name, tc := range map[string]struct {
		after  resourceslice.DriverResources
		writes int
		bumped bool
	}{
		"one device tainted":    {after: publish.DriverResources("node-0", node, all, tainted(first)), writes: 1},
		"one GPU tainted":       {after: publish.DriverResources("node-0", node, all, tainted(onGPU(5))), writes: 1},
		"all devices tainted":   {after: publish.DriverResources("node-0", node, all, tainted(everywhere)), writes: deviceSlices},
		"one device withdrawn":  {after: publish.DriverResources("node-0", node, without(first), nil), writes: 1},
		"a GPU used in slices":  {after: publish.DriverResources("node-0", node, without(usedInSlices), nil), writes: 1},
		"one GPU withdrawn":     {after: publish.DriverResources("node-0", node, without(onGPU(0)), nil), writes: deviceSlices + 1, bumped: true},
		"nothing":               {after: publish.DriverResources("node-0", node, all, nil)},
		"withdrawn and tainted": {after: publish.DriverResources("node-0", node, without(first), tainted(onGPU(7))), writes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			client := newClient("")
			publication, sink, err := startPublication(ctx, t, client, before)
			if err != nil {
				t.Fatal(err)
			}
			defer sink.Stop()
			defer publication.Stop()
			observer := observePool(t, client)
			untouched := namedDevices(before)
			wanted := namedDevices(tc.after)
			maps.DeleteFunc(untouched, func(name string, _ resourceapi.Device) bool { _, stays := wanted[name]; return !stays })
			_, _, generation := observer.devices()
			publication.Update(tc.after)
			writes := 0
			for {
				held, allocatable, now := observer.devices()
				for name := range untouched {
					if _, found := held[name]; !found {
						t.Fatalf("%s is missing after %d writes", name, writes)
					}
					if _, found := allocatable[name]; !found && !tc.bumped {
						t.Fatalf("%s cannot be allocated after %d writes", name, writes)
					}
				}
				if (now != generation) && !tc.bumped {
					t.Fatalf("the pool's generation went from %d to %d", generation, now)
				}
				if len(allocatable) == len(wanted) && resourceslice.DevicesDeepEqual(sortDevices(allocatable), sortDevices(wanted)) {
					break
				}
				select {
				case event := <-observer.events.ResultChan():
					slice := event.Object.(*resourceapi.ResourceSlice)
					// The watch begins with what there is; and the fake's objects have no versions, by
					// which the controller would see that it wrote something already.
					known := observer.slices[slice.Name]
					if known != nil && event.Type != watch.Deleted && equality.Semantic.DeepEqual(known.Spec, slice.Spec) {
						continue
					}
					if observer.slices[slice.Name] = slice; event.Type == watch.Deleted {
						delete(observer.slices, slice.Name)
					}
					writes++
				case <-ctx.Done():
					t.Fatalf("not published after %d writes", writes)
				}
			}
			if writes != tc.writes {
				t.Errorf("%d writes, want %d", writes, tc.writes)
			}
		})
	}
}

func sortDevices(named map[string]resourceapi.Device) []resourceapi.Device {
	devices := make([]resourceapi.Device, 0, len(named))
	for _, name := range slices.Sorted(maps.Keys(named)) {
		devices = append(devices, named[name])
	}
	return devices
}

// An API server that does not know a field never shows what was asked for; updates get
// through all the same.
func TestUpdateWithoutAnswer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := newClient("")
	before := resourcesOf(t, "dgx-h100")
	publication, sink, err := startPublication(ctx, t, client, before)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Stop()
	defer publication.Stop()
	dropTaints(client)
	after := *before.DeepCopy()
	for i := range after.Pools["node-0"].Slices {
		for j := range after.Pools["node-0"].Slices[i].Devices {
			device := &after.Pools["node-0"].Slices[i].Devices[j]
			device.Taints = []resourceapi.DeviceTaint{{Key: "gpu.ashlar.dev/ill", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
			delete(device.Attributes, "brand")
		}
	}
	publication.Update(after)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		list, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, slice := range list.Items {
			for _, device := range slice.Spec.Devices {
				if _, found := device.Attributes["brand"]; found {
					left++
				}
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d devices are as before", left)
		}
	}
}
