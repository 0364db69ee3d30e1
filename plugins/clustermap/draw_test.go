package clustermap

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// migDevice is a MIG device of an A30 of 24GiB: 1g.6gb has 5,952MiB and one of four memory slices.
func migDevice(gpu, profile, start, size int64, name string) resourceapi.Device {
	counters := map[string]resourceapi.Counter{}
	for slice := range size {
		counters[fmt.Sprintf("memory-slice-%d", start+slice)] = resourceapi.Counter{Value: resource.MustParse("1")}
	}
	return resourceapi.Device{
		Name: fmt.Sprintf("gpu-%d-mig-%s-%d-%d-%d", gpu, name, profile, start, size),
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"type": {StringValue: ptr.To("mig")}, "profile": {StringValue: &name}, "productName": {StringValue: ptr.To("NVIDIA A30")},
			deviceapi.ParentIndex: {IntValue: &gpu}, deviceapi.ProfileID: {IntValue: &profile},
			deviceapi.PlacementStart: {IntValue: &start}, deviceapi.PlacementSize: {IntValue: &size},
		},
		Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{
			"memory": {Value: *resource.NewQuantity(size*6144<<20, resource.BinarySI)},
		},
		ConsumesCounters: []resourceapi.DeviceCounterConsumption{{CounterSet: fmt.Sprintf("gpu-%d", gpu), Counters: counters}},
	}
}

// a30Devices are a whole GPU, four slices of a quarter and two halves of each GPU.
func a30Devices(node string, gpus int64) []resourceapi.Device {
	var devices []resourceapi.Device
	for gpu := range gpus {
		devices = append(devices, resourceapi.Device{
			Name: fmt.Sprintf("gpu-%d", gpu),
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				"type": {StringValue: ptr.To("gpu")}, "productName": {StringValue: ptr.To("NVIDIA A30")}, deviceapi.Index: {IntValue: &gpu},
				"uuid": {StringValue: ptr.To(fmt.Sprintf("GPU-%s-%d", node, gpu))},
			},
			Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{"memory": {Value: resource.MustParse("24Gi")}},
		})
		for start := range int64(4) {
			devices = append(devices, migDevice(gpu, 14, start, 1, "1g.6gb"))
		}
		for start := int64(0); start < 4; start += 2 {
			devices = append(devices, migDevice(gpu, 5, start, 2, "2g.12gb"))
		}
	}
	return devices
}

// a30Cluster has so many nodes of four A30, of which some publish what is not in order.
func a30Cluster(random *rand.Rand, nodes int) *dryrun.ClusterObjects {
	o := &dryrun.ClusterObjects{}
	for n := range nodes {
		name := fmt.Sprintf("node-%02d", n)
		o.Nodes = append(o.Nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
		devices := a30Devices(name, 4)
		switch random.Intn(6) {
		case 0:
			devices[random.Intn(len(devices))].Taints = []resourceapi.DeviceTaint{{Key: "x", Effect: resourceapi.DeviceTaintEffectNoExecute}}
		case 1:
			devices[random.Intn(len(devices))].Attributes["type"] = resourceapi.DeviceAttribute{}
		case 2:
			devices[random.Intn(len(devices))].Attributes[deviceapi.ParentIndex] = resourceapi.DeviceAttribute{IntValue: ptr.To[int64](-7)}
		}
		o.Slices = append(o.Slices, &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourceapi.ResourceSliceSpec{
			Driver: deviceapi.Driver, NodeName: &name, Pool: resourceapi.ResourcePool{Name: name, ResourceSliceCount: 1}, Devices: devices,
		}})
		for k := range random.Intn(6) {
			claim := heldClaim(fmt.Sprintf("%s-%d", name, k), name, devices[random.Intn(len(devices))].Name, "gone")
			o.Claims = append(o.Claims, claim)
		}
	}
	return o
}

// heldClaim has devices of a node's pool, and one pod that uses it.
func heldClaim(name, pool string, devices ...string) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	claim.Status.Allocation = &resourceapi.AllocationResult{}
	for _, device := range devices {
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results,
			resourceapi.DeviceRequestAllocationResult{Driver: deviceapi.Driver, Pool: pool, Device: device})
	}
	claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: name}}
	return claim
}

// A node is drawn as it would be if it were the only one, whatever others publish.
func TestDrawNodesAlone(t *testing.T) {
	o := a30Cluster(rand.New(rand.NewSource(1)), 60)
	drawn, err := Draw(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(drawn.Nodes) != len(o.Nodes) {
		t.Errorf("%d nodes are drawn, want %d: %q", len(drawn.Nodes), len(o.Nodes), drawn.Notes)
	}
	for i := range drawn.Nodes {
		node := o.Nodes[i]
		alone, _ := DrawNode(node, splitByNode(o)[node.Name], &resourceslices.Readings{})
		if diff := cmp.Diff(*alone, drawn.Nodes[i]); diff != "" {
			t.Errorf("node %s (-alone +among others):\n%s", node.Name, diff)
		}
	}
}

// What is stranded is what package placement calls so: free, and in none of the devices that may still be had.
func TestDrawStranded(t *testing.T) {
	const quarter = 6 << 30
	tests := map[string]struct {
		devices, held          []string
		wantFree, wantStranded int64
		wantLargest            string
	}{
		"nothing held":  {wantFree: 4 * quarter, wantLargest: "2g.12gb"},
		"one quarter":   {held: []string{"gpu-0-mig-1g.6gb-14-0-1"}, wantFree: 3 * quarter, wantLargest: "2g.12gb"},
		"whole":         {held: []string{"gpu-0"}},
		"two that meet": {held: []string{"gpu-0-mig-1g.6gb-14-1-1", "gpu-0-mig-1g.6gb-14-2-1"}, wantFree: 2 * quarter, wantLargest: "1g.6gb"},
		"halves alone": {
			devices: []string{"gpu-0", "gpu-0-mig-1g.6gb-14-1-1", "gpu-0-mig-2g.12gb-5-0-2", "gpu-0-mig-2g.12gb-5-2-2"},
			held:    []string{"gpu-0-mig-1g.6gb-14-1-1"}, wantFree: 3 * quarter, wantStranded: quarter, wantLargest: "2g.12gb",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var devices []resourceapi.Device
			for _, device := range a30Devices("node", 1) {
				if tc.devices == nil || slices.Contains(tc.devices, device.Name) {
					devices = append(devices, device)
				}
			}
			node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}
			slice := &resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
				Driver: deviceapi.Driver, NodeName: ptr.To("node"), Devices: devices,
				Pool: resourceapi.ResourcePool{Name: "node", ResourceSliceCount: 1},
			}}
			o := &dryrun.ClusterObjects{Slices: []*resourceapi.ResourceSlice{slice}}
			if len(tc.held) > 0 {
				o.Claims = append(o.Claims, heldClaim("claim", "node", tc.held...))
			}
			tile, notes := DrawNode(node, o, o.PoolCache())
			if len(notes) > 0 || len(tile.GPUs) != 1 {
				t.Fatalf("%d GPUs, %q", len(tile.GPUs), notes)
			}
			gpu := tile.GPUs[0]
			if gpu.FreeMemory != tc.wantFree || gpu.Stranded != tc.wantStranded || gpu.LargestSlice != tc.wantLargest {
				t.Errorf("%d bytes free, %d stranded, largest slice %q; want %d, %d, %q",
					gpu.FreeMemory, gpu.Stranded, gpu.LargestSlice, tc.wantFree, tc.wantStranded, tc.wantLargest)
			}
			if len(gpu.Holders) != len(tc.held) || tile.IsFree(&gpu) != (len(tc.held) == 0) {
				t.Errorf("%d holders, free: %v; want %d", len(gpu.Holders), tile.IsFree(&gpu), len(tc.held))
			}
		})
	}
}
