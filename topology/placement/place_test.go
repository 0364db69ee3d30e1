package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// GPU instance profile ids of the 7-slice family.
const (
	profile1g mig.ProfileID = 19
	profile2g mig.ProfileID = 14
	profile3g mig.ProfileID = 9
	profile4g mig.ProfileID = 5
)

func gpusOf(inv *Inventory, v Verdict) []int {
	var gpus []int
	for _, grant := range v.Devices {
		gpus = append(gpus, inv.Devices[grant.Device].GPU)
	}
	return gpus
}

func TestPlaceWholeGPUs(t *testing.T) {
	for name, tc := range map[string]struct {
		machine string
		busy    []int
		count   int
		want    []int
		// The rings are the catalogue's link tables times the lane rate.
		wantBandwidth int64
	}{
		"one GPU goes beside a lost partner": {machine: "8xA100-pcie-oddpairs", busy: []int{5}, count: 1, want: []int{4}},
		"a pair is an NVLink pair": {
			machine: "8xA100-pcie-oddpairs", count: 2, want: []int{0, 2}, wantBandwidth: 300, // 12 lanes of 25 GB/s
		},
		"a broken pair is left alone": {machine: "azure-nc96ads-a100", busy: []int{0}, count: 2, want: []int{2, 3}, wantBandwidth: 300},
		"double links first on a DGX-1": {
			machine: "dgx1-v100", count: 2, want: []int{1, 2}, wantBandwidth: 50, // NV2
		},
		"half of an NVSwitch machine is one socket": {machine: "dgx-h100", busy: []int{1}, count: 4, want: []int{4, 5, 6, 7}, wantBandwidth: 450},
		"an island stays together": {machine: "2xNVL4-h200", busy: []int{0}, count: 4, want: []int{4, 5, 6, 7},
			wantBandwidth: 450},
		"one socket without NVLink": {machine: "8xL40S-2socket-node", busy: []int{3}, count: 4,
			want: []int{4, 5, 6, 7}, wantBandwidth: 18},
	} {
		t.Run(name, func(t *testing.T) {
			inv := inventoryOf(t, tc.machine)
			s := NewGPUStates(inv)
			for _, gpu := range tc.busy {
				s[gpu].Whole = true
			}
			verdict := Place(inv, s, wholeGPUs(inv, tc.count), KeepPlaceable{})
			if verdict.Outcome != Fits {
				t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Fits)
			}
			if diff := cmp.Diff(tc.want, gpusOf(inv, verdict)); diff != "" {
				t.Errorf("GPUs (-want +got):\n%s", diff)
			}
			if verdict.Rating.Bandwidth != tc.wantBandwidth {
				t.Fatalf("verdict.Rating.Bandwidth = %v, want %v", verdict.Rating.Bandwidth, tc.wantBandwidth)
			}
		})
	}
}

// First fit puts 1g at 0, where it blocks 4g and 7g; 3g at 0 strands a compute
// slice. Keeping the most placeable puts both at the other end.
func TestPlaceSlicesKeepsLargeProfilesPlaceable(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	for name, tc := range map[string]struct {
		held []mig.Placement
		id   mig.ProfileID
		want mig.Placement
	}{
		"1g on an empty GPU":    {id: profile1g, want: mig.Placement{Start: 6, Size: 1}},
		"3g on an empty GPU":    {id: profile3g, want: mig.Placement{Start: 4, Size: 4}},
		"1g beside 1g":          {held: []mig.Placement{{Start: 6, Size: 1}}, id: profile1g, want: mig.Placement{Start: 5, Size: 1}},
		"2g beside 3g at 4":     {held: []mig.Placement{{Start: 4, Size: 4}}, id: profile2g, want: mig.Placement{Start: 2, Size: 2}},
		"4g takes what is left": {held: []mig.Placement{{Start: 4, Size: 4}}, id: profile4g, want: mig.Placement{Start: 0, Size: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewGPUStates(inv)
			for _, placement := range tc.held {
				s[2].MIG.Slices |= placement.Slices()
			}
			verdict := Place(inv, s, slicesOf(inv, tc.id, 1), KeepPlaceable{})
			if verdict.Outcome != Fits {
				t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Fits)
			}
			device := inv.Devices[verdict.Devices[0].Device]
			if got, want := device.Placement.String(), tc.want.String(); got != want {
				t.Fatalf("device.Placement.String() = %q, want %q", got, want)
			}
			if len(tc.held) > 0 {
				if device.GPU != 2 {
					t.Fatalf("a GPU that is split already comes first: device.GPU = %v, want %v", device.GPU, 2)
				}
			}
		})
	}
}

// 24 processes of 2000 MiB do not fit a GPU of 46,068 MiB, whatever the sum of
// their requests looks like in gigabytes (github.com/kai-scheduler/KAI-Scheduler
// issue 416).
func TestSharesAreCountedInBytes(t *testing.T) {
	inv := inventoryOf(t, "8xL40S-2socket-node")
	s := NewGPUStates(inv)
	for gpu := 1; gpu < len(s); gpu++ {
		s[gpu].Whole = true
	}
	request := sharesOf(inv, 2000*topology.MiB)
	placed := 0
	for range 24 {
		verdict := Place(inv, s, request, KeepPlaceable{})
		if verdict.Outcome != Fits {
			if verdict.Reasons[0].Code != MemoryShort {
				t.Fatalf("verdict.Reasons[0].Code = %q, want %q", verdict.Reasons[0].Code, MemoryShort)
			}
			break
		}
		if err := inv.TakeDevice(s, verdict.Devices[0].Device, verdict.Devices[0].ShareSize); err != nil {
			t.Fatal(err)
		}
		placed++
	}
	usable := inv.Node.GPUs[0].Model.Usable()
	if got, want := placed, int(usable/(2000*topology.MiB)); got != want {
		t.Fatalf("placed = %v, want %v", got, want)
	}
	if placed >= 24 {
		t.Fatalf("placed = %v, want less than %v", placed, 24)
	}
}

// A share joins the fullest GPU that has room, not the emptiest.
func TestSharesGather(t *testing.T) {
	inv := inventoryOf(t, "8xL40S-2socket-node")
	s := NewGPUStates(inv)
	s[3] = GPUState{Shared: 10 * topology.GiB, Sharers: 1}
	s[5] = GPUState{Shared: 30 * topology.GiB, Sharers: 2}
	request := sharesOf(inv, 8*topology.GiB)
	if diff := cmp.Diff([]int{5}, gpusOf(inv, Place(inv, s, request, KeepPlaceable{}))); diff != "" {
		t.Fatalf("gpusOf(inv, Place(inv, s, request, KeepPlaceable{})) (-want +got):\n%s", diff)
	}
	request.Parts[0].Bytes = 20 * topology.GiB
	if diff := cmp.Diff([]int{3}, gpusOf(inv, Place(inv, s, request, KeepPlaceable{}))); diff != "" {
		t.Fatalf("gpusOf(inv, Place(inv, s, request, KeepPlaceable{})) (-want +got):\n%s", diff)
	}
}

// Parts that contend are solved together: the part that could take anything must
// not take the only GPU that the other accepts.
func TestPartsAreSolvedTogether(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	anything := inv.SelectDevices(func(o *Device) bool { return o.Form == Whole })
	only := inv.SelectDevices(func(o *Device) bool { return o.Form == Whole && o.GPU == 0 })
	request := &Request{Parts: []Part{{Name: "any", Count: 3, Accepts: anything}, {Name: "only", Count: 1, Accepts: only}}}
	verdict := Place(inv, NewGPUStates(inv), request, KeepPlaceable{})
	if verdict.Outcome != Fits {
		t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Fits)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 0}, gpusOf(inv, verdict)); diff != "" {
		t.Fatalf("gpusOf(inv, verdict) (-want +got):\n%s", diff)
	}

	request.Parts[0].Count = 4
	verdict = Place(inv, NewGPUStates(inv), request, KeepPlaceable{})
	if verdict.Outcome != Refused {
		t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Refused)
	}
	if verdict.Reasons[0].Code != Together {
		t.Fatalf("verdict.Reasons[0].Code = %q, want %q", verdict.Reasons[0].Code, Together)
	}
}

func TestAlike(t *testing.T) {
	inv := inventoryOf(t, "8xA100-pcie-oddpairs")
	numa := make([]int64, len(inv.Devices))
	for i, device := range inv.Devices {
		numa[i] = inv.Node.GPUs[device.GPU].NUMA
	}
	s := NewGPUStates(inv)
	s[0].Whole, s[5].Whole = true, true
	request := wholeGPUs(inv, 3)
	request.Constraints = []Constraint{{Parts: []int{0}, Values: numa}}
	verdict := Place(inv, s, request, KeepPlaceable{})
	if verdict.Outcome != Fits {
		t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Fits)
	}
	for _, gpu := range gpusOf(inv, verdict) {
		if got, want := inv.Node.GPUs[gpu].NUMA, inv.Node.GPUs[gpusOf(inv, verdict)[0]].NUMA; got != want {
			t.Fatalf("inv.Node.GPUs[gpu].NUMA = %v, want %v", got, want)
		}
	}
	request.Parts[0].Count = 4
	verdict = Place(inv, s, request, KeepPlaceable{})
	if verdict.Outcome != Refused {
		t.Fatalf("each NUMA node has three GPUs left: verdict.Outcome = %v, want %v", verdict.Outcome, Refused)
	}
	if verdict.Reasons[0].Code != Unlike {
		t.Fatalf("verdict.Reasons[0].Code = %q, want %q", verdict.Reasons[0].Code, Unlike)
	}

	request = wholeGPUs(inv, 2)
	request.Constraints = []Constraint{{Parts: []int{0}, Values: numa, Distinct: true}}
	gpus := gpusOf(inv, Place(inv, s, request, KeepPlaceable{}))
	if inv.Node.GPUs[gpus[1]].NUMA == inv.Node.GPUs[gpus[0]].NUMA {
		t.Fatalf("inv.Node.GPUs[gpus[1]].NUMA = %v, want anything else", inv.Node.GPUs[gpus[1]].NUMA)
	}
}

// A hostile request costs a bounded search, and says that it was cut short.
func TestSearchIsBounded(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	values := make([]int64, len(inv.Devices))
	for i := range values {
		values[i] = int64(i)
	}
	ones := inv.SelectDevices(func(o *Device) bool { return o.Form == MIG && o.Profile == profile1g })
	request := &Request{}
	for range 12 {
		request.Parts = append(request.Parts, Part{Count: 2, Accepts: ones})
		request.Constraints = append(request.Constraints, Constraint{Parts: []int{len(request.Parts) - 1}, Values: values})
	}
	if got := Place(inv, NewGPUStates(inv), request, KeepPlaceable{}).Outcome; got == Fits {
		t.Fatalf("Place(inv, NewGPUStates(inv), request, KeepPlaceable{}).Outcome = %v, want anything else", got)
	}
}

// Without peer-to-peer a GPU on the same switch is no better than one across the
// sockets, and nothing is gained by paying for it.
func TestP2PStatusIsRespected(t *testing.T) {
	inv := inventoryOf(t, "8xrtx4090-pix-quads")
	if inv.Node.GPUs[0].Model.P2P {
		t.Fatal("inv.Node.GPUs[0].Model.P2P is true")
	}
	if got, want := inv.RingBandwidth(1<<0|1<<4), inv.RingBandwidth(1<<0|1<<1); got != want {
		t.Fatalf("inv.RingBandwidth(1<<0 | 1<<4) = %v, want %v", got, want)
	}
}

// What a part needs is a requirement: it is refused rather than served worse.
func TestNeeds(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	pairs := inventoryOf(t, "azure-nc96ads-a100")
	for name, tc := range map[string]struct {
		inv   *Inventory
		count int
		needs TopologyRequirements
		want  Outcome
	}{
		"bandwidth that the fabric has":      {inv, 4, TopologyRequirements{GBps: 450}, Fits},
		"more than it has":                   {inv, 4, TopologyRequirements{GBps: 451}, Refused},
		"a pair has NVLink":                  {pairs, 2, TopologyRequirements{GBps: 300}, Fits},
		"four do not":                        {pairs, 4, TopologyRequirements{GBps: 25}, Refused},
		"one GPU needs no link":              {pairs, 1, TopologyRequirements{GBps: 300}, Fits},
		"half a machine is on one NUMA node": {inv, 4, TopologyRequirements{NUMANodes: 1}, Fits},
		"five GPUs are not":                  {inv, 5, TopologyRequirements{NUMANodes: 1}, Refused},
		"five on two":                        {inv, 5, TopologyRequirements{NUMANodes: 2}, Fits},
		"every GPU has a near NIC":           {inv, 8, TopologyRequirements{NIC: topology.PXB}, Fits},
		"no NIC is known":                    {pairs, 1, TopologyRequirements{NIC: topology.PXB}, Refused},
	} {
		t.Run(name, func(t *testing.T) {
			request := wholeGPUs(tc.inv, tc.count)
			request.Parts[0].Needs = tc.needs
			verdict := Place(tc.inv, NewGPUStates(tc.inv), request, KeepPlaceable{})
			if verdict.Outcome != tc.want {
				t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, tc.want)
			}
			if tc.want == Refused {
				if verdict.Reasons[0].Code != Unlike {
					t.Fatalf("verdict.Reasons[0].Code = %q, want %q", verdict.Reasons[0].Code, Unlike)
				}
			}
		})
	}
	// A MIG instance has no links at all: never combined with a need for them.
	request := slicesOf(inv, profile1g, 1)
	request.Parts[0].Needs.GBps = 1
	if got := Place(inv, NewGPUStates(inv), request, KeepPlaceable{}).Outcome; got != Refused {
		t.Fatalf("Place(inv, NewGPUStates(inv), request, KeepPlaceable{}).Outcome = %v, want %v", got, Refused)
	}
}

// Where links are equal, GPUs near one another and near a NIC are preferred.
func TestNearnessIsPreferred(t *testing.T) {
	inv := inventoryOf(t, "dgx-a100")
	verdict := Place(inv, NewGPUStates(inv), wholeGPUs(inv, 2), KeepPlaceable{})
	gpus := gpusOf(inv, verdict)
	if inv.Node.GPUs[gpus[1]].NUMA != inv.Node.GPUs[gpus[0]].NUMA {
		t.Fatalf("inv.Node.GPUs[gpus[1]].NUMA = %v, want %v", inv.Node.GPUs[gpus[1]].NUMA, inv.Node.GPUs[gpus[0]].NUMA)
	}
}

// A part of the GPU's compute can be asked for beside memory: what is promised adds
// up to one GPU at most. Shares that leave it open take none.
func TestComputeIsSharedToo(t *testing.T) {
	inv := inventoryOf(t, "8xL40S-2socket-node")
	s := NewGPUStates(inv)
	for gpu := 1; gpu < len(s); gpu++ {
		s[gpu].Whole = true
	}
	shares := inv.SelectDevices(func(o *Device) bool { return o.Form == Share })
	ask := func(compute topology.MilliGPU) Verdict {
		verdict := Place(inv, s, &Request{Parts: []Part{{Count: 1, Bytes: topology.GiB, Compute: compute, Accepts: shares}}}, KeepPlaceable{})
		if verdict.Outcome == Fits {
			if err := inv.TakeDevice(s, verdict.Devices[0].Device, verdict.Devices[0].ShareSize); err != nil {
				t.Fatal(err)
			}
		}
		return verdict
	}
	if got := ask(600).Outcome; got != Fits {
		t.Fatalf("ask(600).Outcome = %v, want %v", got, Fits)
	}
	if got := ask(401).Outcome; got != Refused {
		t.Fatalf("ask(401).Outcome = %v, want %v", got, Refused)
	}
	if got := ask(0).Outcome; got != Fits {
		t.Fatalf("ask(0).Outcome = %v, want %v", got, Fits)
	}
	if got := ask(400).Outcome; got != Fits {
		t.Fatalf("ask(400).Outcome = %v, want %v", got, Fits)
	}
	if s[0].Compute != topology.WholeGPU {
		t.Fatalf("s[0].Compute = %v, want %v", s[0].Compute, topology.WholeGPU)
	}
	if got := ask(1).Outcome; got != Refused {
		t.Fatalf("ask(1).Outcome = %v, want %v", got, Refused)
	}
	if got := ask(topology.WholeGPU + 1).Outcome; got != Refused {
		t.Fatalf("ask(topology.WholeGPU + 1).Outcome = %v, want %v", got, Refused)
	}
}

// A GPU with unified memory has none to share, and is never full either: it can be
// had whole.
func TestUnifiedMemory(t *testing.T) {
	node := &topology.Node{
		GPUs:  []topology.GPU{{Model: &topology.Model{Name: "GB10"}, NUMA: topology.NoNUMA}},
		Links: [][]topology.Link{{{Kind: topology.Self}}},
	}
	inv, err := NewInventory(node, NodeDevices(node, make([]*mig.Table, 1)), PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	if got := Place(inv, NewGPUStates(inv), wholeGPUs(inv, 1), KeepPlaceable{}).Outcome; got != Fits {
		t.Fatalf("got = %v, want %v", got, Fits)
	}
	share := sharesOf(inv, topology.GiB)
	verdict := Place(inv, NewGPUStates(inv), share, KeepPlaceable{})
	if verdict.Outcome != Refused {
		t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Refused)
	}
	if diff := cmp.Diff([]Reason{{Code: MemoryShort, Want: int64(topology.GiB)}}, verdict.Reasons); diff != "" {
		t.Fatalf("verdict.Reasons (-want +got):\n%s", diff)
	}
}
