package placement

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/google/go-cmp/cmp"
)

func TestSuggestsTheSmallestChange(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	s := wholeHeld(inv, 0, 2)
	changes := SuggestChanges(&s, wholeGPUs(inv, 3), KeepPlaceable{})
	if diff := cmp.Diff([]Suggestion{
		{Kind: FewerGPUs, Part: 0, Count: 2},
		{Kind: FreeGPUs, Part: -1, GPUs: 1 << 0, Holders: []HolderID{"0"}},
	}, changes); diff != "" {
		t.Fatalf("changes (-want +got):\n%s", diff)
	}
	if got := changes[0].String(); got != "2 GPUs fit" {
		t.Fatalf("changes[0].String() = %q, want %q", got, "2 GPUs fit")
	}
	if got := changes[1].String(); got != "it fits once GPU 0 is free" {
		t.Fatalf("changes[1].String() = %q, want %q", got, "it fits once GPU 0 is free")
	}
}

// Every suggested change is applied, and then the request fits.
func TestSuggestedChangesFit(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	seen := map[SuggestionKind]int{}
	for n := range 3_000 {
		inv := inventoryOf(t, machines[n%len(machines)])
		nodeState := randomNodeState(inv, random)
		s := nodeState.GPUs()
		var request *Request
		switch random.Intn(3) {
		case 0:
			request = wholeGPUs(inv, 1+random.Intn(8))
		case 1:
			request = slicesOf(inv, []mig.ProfileID{0, 5, 9, 14}[random.Intn(4)], 1+random.Intn(3))
		case 2:
			bytes := topology.Bytes(random.Int63n(150)) * topology.GiB
			request = &Request{Parts: []Part{{Count: 1, Bytes: bytes, Accepts: inv.SelectDevices(func(o *Device) bool { return o.Form == Share })}}}
		}
		if Place(inv, s, request, KeepPlaceable{}).Outcome == Fits {
			continue
		}
		for _, change := range SuggestChanges(&nodeState, request, KeepPlaceable{}) {
			seen[change.Kind]++
			changed, state := request, slices.Clone(s)
			if change.Part >= 0 {
				part := request.Parts[change.Part]
				switch change.Kind {
				case SmallerShare:
					part.Bytes = change.Bytes
				case FewerGPUs:
					part.Count = change.Count
				case OtherModel:
					part.Accepts = inv.SelectDevices(func(o *Device) bool { return o.Form != MIG && change.GPUs.Has(o.GPU) })
				case OtherProfile:
					part.Accepts = inv.SelectDevices(func(o *Device) bool { return o.Form == MIG && o.Profile == inv.Devices[change.Device].Profile })
				}
				changed = &Request{Parts: []Part{part}}
			}
			// Re-slicing is applied in full by TestSuggestsReslicing; without the instances the
			// request must fit all the more.
			for rest := change.GPUs; (change.Kind == FreeGPUs || change.Kind == Reslice) && rest != 0; rest &= rest - 1 {
				state[rest.lowestGPU()] = GPUState{}
			}
			if got := Place(inv, state, changed, KeepPlaceable{}).Outcome; got != Fits {
				t.Fatalf("%+v: Place(inv, state, changed, KeepPlaceable{}).Outcome = %v, want %v", change, got, Fits)
			}
		}
	}
	for _, kind := range []SuggestionKind{SmallerShare, OtherProfile, FewerGPUs, FreeGPUs} {
		if seen[kind] <= 20 {
			t.Fatalf("%s was hardly tried: seen[kind] = %v, want more than %v", kind, seen[kind], 20)
		}
	}
}

// A 2g and a 1g that somebody put at 2 and 6 leave no room for 4g, although five
// compute slices are free: rearranged, the three fit.
func TestSuggestsReslicing(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	s := wholeHeld(inv, 1, 2, 3, 4, 5, 6, 7)
	var instances []DeviceAllocation
	for i, device := range inv.Devices {
		if device.GPU == 0 &&
			(device.Profile == profile2g && device.Placement.Start == 2 || device.Profile == profile1g && device.Placement.Start == 6) &&
			device.Form == MIG {
			instances = append(instances, DeviceAllocation{Device: i})
		}
	}
	if len(instances) != 2 {
		t.Fatalf("len(instances) = %d, want %d: %v", len(instances), 2, instances)
	}
	if err := s.Allocate(Allocation{Holder: "slices", Devices: instances}); err != nil {
		t.Fatal(err)
	}
	request := slicesOf(inv, profile4g, 1)
	if got := Place(inv, s.GPUs(), request, KeepPlaceable{}).Outcome; got != Refused {
		t.Fatalf("Place(inv, s.GPUs(), request, KeepPlaceable{}).Outcome = %v, want %v", got, Refused)
	}
	changes := SuggestChanges(&s, request, KeepPlaceable{})
	if diff := cmp.Diff(Suggestion{Kind: Reslice, Part: -1, GPUs: 1, Holders: []HolderID{"slices"}}, changes[1]); diff != "" {
		t.Fatalf("changes[1] (-want +got):\n%s", diff)
	}
	if got := changes[1].String(); got != "it fits once the MIG instances of GPU 0 are rearranged" {
		t.Fatalf("changes[1].String() = %q, want %q", got, "it fits once the MIG instances of GPU 0 are rearranged")
	}

	// Applied: 4g at 0 and the two others beside it.
	after := NewGPUStates(inv)
	copy(after[1:], s.GPUs()[1:])
	verdict := Place(inv, after, request, KeepPlaceable{})
	if err := inv.TakeDevice(after, verdict.Devices[0].Device, ShareSize{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []mig.ProfileID{profile2g, profile1g} {
		verdict := Place(inv, after, slicesOf(inv, id, 1), KeepPlaceable{})
		if verdict.Outcome != Fits {
			t.Fatalf("verdict.Outcome = %v, want %v", verdict.Outcome, Fits)
		}
		if err := inv.TakeDevice(after, verdict.Devices[0].Device, ShareSize{}); err != nil {
			t.Fatal(err)
		}
	}
	s.ReleaseHolder("slices")
	if err := s.Allocate(Allocation{Holder: "slices", Pinned: true, Devices: instances}); err != nil {
		t.Fatal(err)
	}
	for _, change := range SuggestChanges(&s, request, KeepPlaceable{}) {
		if change.Kind == Reslice {
			t.Fatalf("pinned instances stay where they are: change.Kind = %q, want anything else", change.Kind)
		}
	}
}

// On a node of two models a request for the busy one is told of the other.
func TestSuggestsAnotherModel(t *testing.T) {
	mixed := *inventoryOf(t, "azure-nc96ads-a100").Node
	mixed.GPUs = slices.Clone(mixed.GPUs)
	mixed.GPUs[3].Model = inventoryOf(t, "4xA30-pcie").Node.GPUs[0].Model
	inv, err := NewInventory(&mixed, NodeDevices(&mixed, make([]*mig.Table, 4)), PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	s := wholeHeld(inv, 0, 1, 2)
	want := DeviceSelector{Forms: []Form{Whole}, Models: []string{"A100-PCIe-80GB"}}
	request := &Request{Parts: []Part{{Count: 1, Accepts: want.AcceptedDevices(inv)}}}
	if diff := cmp.Diff(Suggestion{Kind: OtherModel, Part: 0, GPUs: 1 << 3}, SuggestChanges(&s, request, KeepPlaceable{})[0]); diff != "" {
		t.Fatalf("SuggestChanges(&s, request, KeepPlaceable{})[0] (-want +got):\n%s", diff)
	}
}

// A slice that is too small for what is to run there makes room for the smallest that is
// large enough, or for a whole GPU, but for none that could not be used.
func TestSuggestsMoreThanWasAskedFor(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	all := func(*Device) bool { return true }
	for name, tc := range map[string]struct {
		need   topology.Bytes
		usable func(*Device) bool
		busy   []int
		want   map[SuggestionKind]string
	}{
		"twice as much": {
			need: 8 * topology.GiB, usable: all,
			want: map[SuggestionKind]string{OtherProfile: "another MIG profile fits", WholeGPU: "whole GPU 0 fits"},
		},
		"nothing but a whole GPU": {
			need: 20 * topology.GiB, usable: func(o *Device) bool { return o.Form != MIG }, busy: []int{0},
			want: map[SuggestionKind]string{WholeGPU: "whole GPU 1 fits"},
		},
		"only one GPU may be used": {
			need: 8 * topology.GiB, usable: func(o *Device) bool { return o.GPU == 3 }, busy: []int{0},
			want: map[SuggestionKind]string{OtherProfile: "another MIG profile fits", WholeGPU: "whole GPU 3 fits"},
		},
		"none": {need: 200 * topology.GiB, usable: all, want: map[SuggestionKind]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			smallest := topology.Bytes(1) << 60
			for i := range inv.Devices {
				if inv.Devices[i].Form == MIG {
					smallest = min(smallest, inv.Devices[i].Memory)
				}
			}
			s := wholeHeld(inv, tc.busy...)
			request := &Request{Parts: []Part{{
				Count:   1,
				Accepts: NewDeviceSet(len(inv.Devices)),
				Asked:   inv.SelectDevices(func(o *Device) bool { return o.Form == MIG && o.Memory == smallest }),
				Usable:  inv.SelectDevices(func(o *Device) bool { return o.Memory >= tc.need && tc.usable(o) }),
			}}}
			got := map[SuggestionKind]string{}
			for _, change := range SuggestChanges(&s, request, KeepPlaceable{}) {
				got[change.Kind] = change.String()
				if change.Kind != OtherProfile {
					continue
				}
				if device := &inv.Devices[change.Device]; device.Memory != change.Bytes || change.Bytes < tc.need || change.Bytes > 2*tc.need ||
					!tc.usable(device) || change.Wanted != smallest {
					t.Errorf("%+v is about %+v", change, *device)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// One profile may start where another with as much memory does not.
func TestSuggestsTheSameMemoryAtAnotherStart(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	s := wholeHeld(inv, 1, 2, 3, 4, 5, 6, 7)
	for i := range inv.Devices {
		if device := &inv.Devices[i]; device.GPU == 0 && device.Form == MIG && device.Profile == profile1g && device.Placement.Start == 0 {
			s.RecordAllocation(Allocation{Holder: "slice", Devices: []DeviceAllocation{{Device: i}}})
		}
	}
	change := SuggestChanges(&s, slicesOf(inv, profile4g, 1), KeepPlaceable{})[0]
	got := inv.Devices[change.Device]
	if change.Kind != OtherProfile || got.Profile == profile4g || got.Memory != change.Wanted || got.Placement.Start != 4 {
		t.Errorf("%+v, which is about %+v; want the profile that starts at 4 with as much memory", change, got)
	}
}

func TestSuggestionInWords(t *testing.T) {
	for want, change := range map[string]Suggestion{
		"a share of 10GiB fits":             {Kind: SmallerShare, Bytes: 10 * topology.GiB},
		"1 GPU fits":                        {Kind: FewerGPUs, Count: 1},
		"3 GPUs fit":                        {Kind: FewerGPUs, Count: 3},
		"1 slice fits":                      {Kind: FewerGPUs, Count: 1, Form: MIG},
		"2 shares fit":                      {Kind: FewerGPUs, Count: 2, Form: Share},
		"whole GPUs 0,2 fit":                {Kind: WholeGPU, GPUs: 5},
		"GPU 7 of another model fits":       {Kind: OtherModel, GPUs: 1 << 7},
		"it fits once GPU 3 is free":        {Kind: FreeGPUs, GPUs: 1 << 3},
		"it fits once GPUs 0-7 are free":    {Kind: FreeGPUs, GPUs: 255},
		"it fits once GPUs 0-1,15 are free": {Kind: FreeGPUs, GPUs: 1<<15 | 3},
		"it fits once the MIG instances of GPU 0 are rearranged": {Kind: Reslice, GPUs: 1},
	} {
		if got := change.String(); got != want {
			t.Errorf("%+v: got %q, want %q", change, got, want)
		}
	}
}

func TestGPURanges(t *testing.T) {
	for want, gpus := range map[string][]int{
		"GPU 2": {2}, "GPUs 0-3": {0, 1, 2, 3}, "GPUs 0,2,4-6,15": {0, 2, 4, 5, 6, 15}, "GPUs 14-15": {14, 15},
	} {
		var set GPUSet
		for _, gpu := range gpus {
			set |= 1 << gpu
		}
		if got := GPURanges(set); got != want {
			t.Errorf("%v: %q, want %q", gpus, got, want)
		}
	}
}
