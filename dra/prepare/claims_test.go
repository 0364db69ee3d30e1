package prepare

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

const gpuMemory = 80 * topology.GiB

// gpuProfiles are three of a GPU with seven slices.
var gpuProfiles = []mig.Profile{
	{ID: 19, Name: "1g.10gb", Memory: 10 * topology.GiB, Placements: placements(1, 0, 1, 2, 3, 4, 5, 6)},
	{ID: 9, Name: "3g.40gb", Memory: 40 * topology.GiB, Placements: placements(4, 0, 4)},
	{ID: 0, Name: "7g.80gb", Memory: 80 * topology.GiB, Placements: placements(8, 0)},
}

func placements(size int64, starts ...int64) []mig.Placement {
	var all []mig.Placement
	for _, start := range starts {
		all = append(all, mig.Placement{Start: start, Size: size})
	}
	return all
}

// testInventory are the devices of GPUs in all forms.
func testInventory(gpus int) NodeInventory {
	inventory := NodeInventory{Pool: "node-1", Devices: map[string]dra.Device{}}
	add := func(device dra.Device) { inventory.Devices[device.Name()] = device }
	for i := range gpus {
		gpu := dra.GPUIdentity{UUID: gpuUUID(i), BusID: fmt.Sprintf("0000:%02x:00.0", i+1), Index: int64(i), Minor: int64(i)}
		add(dra.Device{Form: dra.FormGPU, GPU: gpu, Memory: gpuMemory})
		add(dra.Device{Form: dra.FormShare, GPU: gpu, Memory: gpuMemory})
		for p := range gpuProfiles {
			for _, placement := range gpuProfiles[p].Placements {
				add(dra.Device{Form: dra.FormMIG, GPU: gpu, Profile: &gpuProfiles[p], Placement: placement, Memory: gpuProfiles[p].Memory})
			}
		}
	}
	return inventory
}

// allocated is one result of an allocation.
func allocated(device string) resourceapi.DeviceRequestAllocationResult {
	return resourceapi.DeviceRequestAllocationResult{Request: "r", Driver: deviceapi.Driver, Pool: "node-1", Device: device}
}

func withAdmin(result resourceapi.DeviceRequestAllocationResult) resourceapi.DeviceRequestAllocationResult {
	result.AdminAccess = ptr.To(true)
	return result
}

func withMemory(result resourceapi.DeviceRequestAllocationResult, bytes topology.Bytes) resourceapi.DeviceRequestAllocationResult {
	result.ShareID = ptr.To(types.UID("share-" + bytes.ExactText()))
	result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{
		deviceapi.Memory: *resource.NewQuantity(int64(bytes), resource.BinarySI),
	}
	return result
}

func newClaim(name string, results ...resourceapi.DeviceRequestAllocationResult) *resourceapi.ResourceClaim {
	return &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID("uid-" + name)},
		Status: resourceapi.ResourceClaimStatus{
			Allocation: &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{Results: results}},
		},
	}
}

// testConfig is what a config says.
type testConfig struct {
	MPS           bool
	ActiveThreads int
	Interval      hardware.TimeSlice
}

// rawConfig is the config in the kind that is for a device.
func (c testConfig) rawConfig(device string) []byte {
	fields, interval := map[string]any{}, []string{"Default", "Short", "Medium", "Long"}[c.Interval]
	mps := map[string]any{}
	if c.ActiveThreads > 0 {
		mps["defaultActiveThreadPercentage"] = c.ActiveThreads
	}
	sharing := map[string]any{"strategy": "MPS", "mps": mps}
	switch isShare := strings.HasSuffix(device, "-share"); {
	case isShare && c.MPS:
		fields = mps
		fields["kind"], fields["strategy"] = "ShareConfig", "MPS"
	case isShare:
		fields["kind"], fields["interval"] = "ShareConfig", interval
	case strings.Contains(device, "-mig-") && !c.MPS:
		fields["kind"] = "MigConfig"
	case strings.Contains(device, "-mig-"):
		fields["kind"], fields["sharing"] = "MigConfig", sharing
	case c.MPS:
		fields["kind"], fields["sharing"] = "GpuConfig", sharing
	default:
		fields["kind"] = "GpuConfig"
		fields["sharing"] = map[string]any{"strategy": "TimeSlicing", "timeSlicing": map[string]any{"interval": interval}}
	}
	fields["apiVersion"] = "gpu.ashlar.dev/v1alpha1"
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return raw
}

// withConfig adds a config for all devices, which are of one form.
func withConfig(claim *resourceapi.ResourceClaim, config testConfig) *resourceapi.ResourceClaim {
	devices := &claim.Status.Allocation.Devices
	devices.Config = append(devices.Config, resourceapi.DeviceAllocationConfiguration{
		Source: resourceapi.AllocationConfigSourceClaim,
		DeviceConfiguration: resourceapi.DeviceConfiguration{
			Opaque: &resourceapi.OpaqueDeviceConfiguration{
				Driver: deviceapi.Driver, Parameters: runtime.RawExtension{Raw: config.rawConfig(devices.Results[0].Device)},
			},
		},
	})
	return claim
}

// testDriver is a driver's process on a node.
type testDriver struct {
	*Manager
	node  *fakeNode
	store *checkpoint.Store
	path  string
}

func newTestDriver(t *testing.T, gpus int) *testDriver {
	t.Helper()
	node, err := newFakeNode("", gpus)
	if err != nil {
		t.Fatal(err)
	}
	d := &testDriver{node: node, path: filepath.Join(memoryDirectory(t), "checkpoint")}
	d.startAgain(t, "boot-1")
	return d
}

// startAgain starts the process anew on the node as it is. It returns the checkpoint's damage.
func (d *testDriver) startAgain(t *testing.T, boot string) *checkpoint.Damage {
	t.Helper()
	store, damage, err := checkpoint.OpenStore(checkpoint.StoreOptions{Path: d.path, BootID: boot})
	if err != nil {
		t.Fatal(err)
	}
	d.store = store
	d.Manager = newTestManager(d.node, store, nil)
	if err := d.Recover(quietContext(t)); err != nil {
		t.Fatalf("Recover: %v", err)
	}
	return damage
}

func newTestManager(node *fakeNode, store *checkpoint.Store, between func(string)) *Manager {
	inventory := testInventory(len(node.state.GPUs))
	return NewManager(ManagerOptions{
		Store: store, Reader: node, Writer: node, CDI: node, MPS: node, Between: between,
		Clock: testingclock.NewFakePassiveClock(time.Unix(0, 0)), Inventory: func() NodeInventory { return inventory },
	})
}

func (d *testDriver) prepareClaims(t *testing.T, claims ...*resourceapi.ResourceClaim) {
	t.Helper()
	for _, claim := range claims {
		if _, err := d.Prepare(quietContext(t), claim); err != nil {
			t.Fatalf("Prepare: %v", err)
		}
	}
}

// checkEmpty fails if anything of a claim is left.
func (d *testDriver) checkEmpty(t *testing.T) {
	t.Helper()
	for _, problem := range leftoversOf(d.node.state, d.store.PreparedClaims()) {
		t.Error(problem)
	}
	if claims := d.store.PreparedClaims(); len(claims) > 0 {
		t.Errorf("claims that are left: %v", claims)
	}
}

// leftoversOf compares a node with the claims that are ready on it, in plain words of the
// hardware: it shares no code with what is tested.
func leftoversOf(state nodeState, claims []checkpoint.Claim) []string {
	var problems []string
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	type sliceOf struct {
		gpu   string
		slice int64
	}
	owners := map[sliceOf]string{}
	shares, mps, slicing, daemons := map[string]topology.Bytes{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	instances := map[string]bool{}
	for _, claim := range claims {
		if claim.State == checkpoint.StateLapsed {
			continue
		}
		if claim.State != checkpoint.StatePrepareCompleted {
			report("claim %s is %s", claim, claim.State)
		}
		if len(state.Specs[claim.UID]) != len(claim.Devices) {
			report("claim %s has CDI devices %v", claim, state.Specs[claim.UID])
		}
		for _, device := range claim.Devices {
			if device.Admin {
				continue
			}
			owner, from, to := claim.Name, int64(0), int64(8)
			switch device.Form {
			case dra.FormShare:
				owner = "shares"
				shares[device.GPU] += device.Bytes
				mps[device.GPU] = mps[device.GPU] || device.MPS != nil
			case dra.FormMIG:
				owner, from, to = device.Name, device.PlacementStart, device.PlacementStart+device.PlacementSize
				instances[device.Instance.UUID] = true
				daemons[device.Instance.UUID] = device.MPS != nil
			case dra.FormGPU:
				mps[device.GPU] = device.MPS != nil
			}
			slicing[device.GPU] = slicing[device.GPU] || device.TimeSlice != nil
			for slice := from; slice < to; slice++ {
				key := sliceOf{device.GPU, slice}
				if other, taken := owners[key]; taken && (other != owner || owner != "shares") {
					report("slice %d of %s is used by %s and %s", slice, device.GPU, other, owner)
				}
				owners[key] = owner
			}
		}
	}
	for uuid, gpu := range state.GPUs {
		if shares[uuid] > gpuMemory {
			report("%s: shares of %s", uuid, shares[uuid])
		}
		if gpu.Exclusive != mps[uuid] || state.Daemons[uuid] != mps[uuid] {
			report("%s: exclusive %v, daemon %v, want %v", uuid, gpu.Exclusive, state.Daemons[uuid], mps[uuid])
		}
		if (gpu.TimeSlice != 0) != slicing[uuid] {
			report("%s: time slice %d, want one: %v", uuid, gpu.TimeSlice, slicing[uuid])
		}
		for _, instance := range gpu.Instances {
			if instance.UUID == "MIG-foreign" {
				continue
			}
			if !instances[instance.UUID] {
				report("%s: instance %d (%q) at %s is leaked", uuid, instance.ID, instance.UUID, instance.Placement)
			}
			if state.Daemons[instance.UUID] != daemons[instance.UUID] {
				report("%s: instance %s has daemon %v", uuid, instance.UUID, state.Daemons[instance.UUID])
			}
			delete(instances, instance.UUID)
			delete(daemons, instance.UUID)
		}
	}
	for uuid := range instances {
		report("instance %q of a claim is gone", uuid)
	}
	held := map[types.UID]bool{}
	for _, claim := range claims {
		held[claim.UID] = claim.State == checkpoint.StatePrepareCompleted
	}
	for uid := range state.Specs {
		if !held[uid] {
			report("the CDI spec of %s has no claim", uid)
		}
	}
	return problems
}
