package prepare

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

var ignoreUnknown = cmpopts.IgnoreUnexported(checkpoint.Claim{}, checkpoint.Device{}, checkpoint.Instance{}, checkpoint.MPSLimits{})

func TestPlanClaim(t *testing.T) {
	gpu0 := checkpoint.Device{
		Name: "gpu-0", Request: "r", Form: dra.FormGPU, GPU: "GPU-00", BusID: "0000:01:00.0", Bytes: gpuMemory, MIGMode: "off",
	}
	share1 := checkpoint.Device{
		Name: "gpu-1-share", Request: "r", ShareID: "share-20GiB", Form: dra.FormShare, GPU: "GPU-01", BusID: "0000:02:00.0",
		Index: 1, Minor: 1, Bytes: 20 * topology.GiB, MIGMode: "off",
	}
	slice := checkpoint.Device{
		Name: "gpu-0-mig-3g40gb-9-4", Request: "r", Form: dra.FormMIG, GPU: "GPU-00", BusID: "0000:01:00.0", Bytes: 40 * topology.GiB,
		ProfileID: 9, Profile: "3g.40gb", PlacementStart: 4, PlacementSize: 4, MIGMode: "on",
	}
	with := func(device checkpoint.Device, change func(*checkpoint.Device)) checkpoint.Device {
		change(&device)
		return device
	}
	ofOther := allocated("adapter-0")
	ofOther.Driver = "nic.example.com"
	for name, tc := range map[string]struct {
		claim       *resourceapi.ResourceClaim
		wantDevices []checkpoint.Device
		wantSteps   []Step
	}{
		"a whole GPU, beside a device of another driver": {
			newClaim("c", ofOther, allocated("gpu-0")),
			[]checkpoint.Device{gpu0},
			[]Step{{StepMIGMode, 0}, {StepSpec, 0}},
		},
		"a MIG instance": {
			newClaim("c", allocated("gpu-0-mig-3g40gb-9-4")),
			[]checkpoint.Device{slice},
			[]Step{{StepMIGMode, 0}, {StepInstance, 0}, {StepSpec, 0}},
		},
		"a MIG instance whose processes share it": {
			withConfig(newClaim("c", allocated("gpu-0-mig-3g40gb-9-4")), testConfig{MPS: true, ActiveThreads: 30}),
			[]checkpoint.Device{with(slice, func(d *checkpoint.Device) { d.MPS = &checkpoint.MPSLimits{ActiveThreads: 30} })},
			[]Step{{StepMIGMode, 0}, {StepInstance, 0}, {StepMPS, 0}, {StepSpec, 0}},
		},
		"a share": {
			newClaim("c", withMemory(allocated("gpu-1-share"), 20*topology.GiB)),
			[]checkpoint.Device{share1},
			[]Step{{StepMIGMode, 0}, {StepSpec, 0}},
		},
		"a share without an amount is all": {
			newClaim("c", allocated("gpu-1-share")),
			[]checkpoint.Device{with(share1, func(d *checkpoint.Device) { d.ShareID, d.Bytes = "", gpuMemory })},
			[]Step{{StepMIGMode, 0}, {StepSpec, 0}},
		},
		"a share with an interval": {
			withConfig(newClaim("c", withMemory(allocated("gpu-1-share"), 20*topology.GiB)), testConfig{Interval: hardware.ShortTimeSlice}),
			[]checkpoint.Device{with(share1, func(d *checkpoint.Device) { d.TimeSlice = new(hardware.ShortTimeSlice) })},
			[]Step{{StepMIGMode, 0}, {StepTimeSlice, 0}, {StepSpec, 0}},
		},
		"a share of MPS has its part of the threads and its memory": {
			withConfig(newClaim("c", withMemory(allocated("gpu-1-share"), 20*topology.GiB)), testConfig{MPS: true}),
			[]checkpoint.Device{with(share1, func(d *checkpoint.Device) {
				d.MPS = &checkpoint.MPSLimits{ActiveThreads: 25, PinnedBytes: 20 * topology.GiB}
			})},
			[]Step{{StepMIGMode, 0}, {StepExclusive, 0}, {StepMPS, 0}, {StepSpec, 0}},
		},
		"two instances of one GPU, and its mode once": {
			newClaim("c", allocated("gpu-0-mig-3g40gb-9-4"), allocated("gpu-0-mig-3g40gb-9-0")),
			[]checkpoint.Device{slice, with(slice, func(d *checkpoint.Device) { d.Name, d.PlacementStart = "gpu-0-mig-3g40gb-9-0", 0 })},
			[]Step{{StepMIGMode, 0}, {StepInstance, 0}, {StepInstance, 1}, {StepSpec, 0}},
		},
		"admin access changes nothing": {
			withConfig(newClaim("c", withAdmin(allocated("gpu-0"))), testConfig{MPS: true}),
			[]checkpoint.Device{with(gpu0, func(d *checkpoint.Device) { d.Admin, d.MIGMode = true, "" })},
			[]Step{{StepSpec, 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := PlanClaim(tc.claim, testInventory(2))
			if err != nil {
				t.Fatal(err)
			}
			want := checkpoint.Claim{UID: "uid-c", Namespace: "team", Name: "c", State: checkpoint.StatePrepareStarted, Devices: tc.wantDevices}
			if diff := cmp.Diff(want, got, ignoreUnknown); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantSteps, PlanSteps(got)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanClaimRefuses(t *testing.T) {
	elsewhere := allocated("gpu-0")
	elsewhere.Pool = "node-2"
	notOurs := allocated("gpu-0")
	notOurs.Driver = "gpu.nvidia.com"
	badConfig := newClaim("c", allocated("gpu-0"))
	withConfig(badConfig, testConfig{}).Status.Allocation.Devices.Config[0].Opaque.Parameters.Raw = []byte("{")
	unallocated := newClaim("c")
	unallocated.Status.Allocation = nil
	for name, tc := range map[string]struct {
		claim *resourceapi.ResourceClaim
		want  string
	}{
		"of another node": {
			newClaim("c", elsewhere),
			`claim team/c (uid-c), request r, device gpu-0: it was allocated from pool "node-2", and the pool of this node is "node-1"`,
		},
		"of another driver": {newClaim("c", notOurs), "claim team/c (uid-c): its allocation has no device of driver gpu.ashlar.dev"},
		"not allocated":     {unallocated, "claim team/c (uid-c): it is not allocated"},
		"a removed GPU":     {newClaim("c", allocated("gpu-7")), "request r, device gpu-7: GPU 7 is no longer on this node"},
		"a removed part":    {newClaim("c", allocated("gpu-1-mig-1g12gb-19-6")), "GPU 1 (GPU-01) is on this node, but does not offer"},
		"an unknown name":   {newClaim("c", allocated("vgpu-1")), "device vgpu-1: this driver has no devices of such names"},
		"a hostile name":    {newClaim("c", allocated("gpu-99999999999999999999")), "this driver has no devices of such names"},
		"too much memory":   {newClaim("c", withMemory(allocated("gpu-0-share"), 81*topology.GiB)), "81GiB of memory were allocated"},
		"no memory":         {newClaim("c", withMemory(allocated("gpu-0-share"), 0)), "0B of memory were allocated"},
		"a bad config":      {badConfig, "claim team/c (uid-c), request r, device gpu-0: status.allocation.devices.config[0] (from the claim): opaque.parameters: it is not JSON: it ends too early"},
		"two at once":       {newClaim("c", allocated("gpu-8"), allocated("gpu-9")), "GPU 9 is no longer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := PlanClaim(tc.claim, testInventory(2))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestFindConflict(t *testing.T) {
	type results []resourceapi.DeviceRequestAllocationResult
	gpu, slice6 := allocated("gpu-0"), allocated("gpu-0-mig-1g10gb-19-6")
	share := func(gib topology.Bytes) resourceapi.DeviceRequestAllocationResult {
		return withMemory(allocated("gpu-0-share"), gib*topology.GiB)
	}
	for name, tc := range map[string]struct {
		held, asked results
		config      testConfig // of what is asked
		want        string     // "" for none
	}{
		"the same GPU":   {results{gpu}, results{gpu}, testConfig{}, "claim team/a (uid-a) has device gpu-0 of GPU GPU-00: one claim"},
		"another GPU":    {results{gpu}, results{allocated("gpu-1")}, testConfig{}, ""},
		"a slice of it":  {results{gpu}, results{slice6}, testConfig{}, "one claim at a time"},
		"share, slice":   {results{slice6}, results{share(1)}, testConfig{}, "one claim at a time"},
		"overlap":        {results{allocated("gpu-0-mig-3g40gb-9-4")}, results{slice6}, testConfig{}, "memory slices 6:1 and 4:4 overlap"},
		"side by side":   {results{allocated("gpu-0-mig-3g40gb-9-0")}, results{slice6}, testConfig{}, ""},
		"shares fit":     {results{share(50)}, results{share(30)}, testConfig{}, ""},
		"shares do not":  {results{share(50)}, results{share(31)}, testConfig{}, "81GiB of its 80GiB were allocated"},
		"MPS, slicing":   {results{share(1)}, results{share(1)}, testConfig{MPS: true}, "one shares it by MPS"},
		"intervals":      {results{share(1)}, results{share(1)}, testConfig{Interval: 2}, "intervals of time-slicing differ"},
		"admin asks":     {results{gpu}, results{withAdmin(gpu)}, testConfig{}, ""},
		"admin has":      {results{withAdmin(gpu)}, results{gpu}, testConfig{}, ""},
		"in one claim":   {nil, results{gpu, share(80)}, testConfig{}, "device gpu-0 of request r cannot be used together"},
		"adjacent":       {nil, results{slice6, allocated("gpu-0-mig-1g10gb-19-5")}, testConfig{}, ""},
		"own big shares": {nil, results{share(41), share(40)}, testConfig{}, "81GiB of its 80GiB"},
	} {
		t.Run(name, func(t *testing.T) {
			inventory := testInventory(2)
			var holders []checkpoint.Claim
			if tc.held != nil {
				holder, err := PlanClaim(newClaim("a", tc.held...), inventory)
				if err != nil {
					t.Fatal(err)
				}
				holders = append(holders, holder)
			}
			claim, err := PlanClaim(withConfig(newClaim("b", tc.asked...), tc.config), inventory)
			if err != nil {
				t.Fatal(err)
			}
			err = findConflict(claim, holders, sharedMemory(inventory))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
			if err != nil && !strings.Contains(err.Error(), "claim team/b (uid-b)") {
				t.Errorf("%q does not name the claim", err)
			}
			for i := range holders {
				holders[i].State = checkpoint.StateLapsed
			}
			if len(holders) > 0 && findConflict(claim, holders, sharedMemory(inventory)) != nil {
				t.Error("a claim that lapsed is in the way")
			}
		})
	}
}

func TestLockedKeys(t *testing.T) {
	claim := checkpoint.Claim{UID: types.UID("c"), Devices: []checkpoint.Device{{GPU: "b"}, {GPU: "a"}, {GPU: "b"}}}
	if diff := cmp.Diff([]string{"claim c", "gpu b"}, lockedKeys{"claim d", "gpu a"}.missingOf(claim)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
