package placement

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

func TestSuggestsTheSmallestChange(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	s := wholeHeld(inv, 0, 2)
	changes := SuggestChanges(&s, wholeGPUs(inv, 3), KeepPlaceable{})
	require.Equal(t, []Suggestion{
		{Kind: FewerGPUs, Part: 0, Count: 2},
		{Kind: FreeGPUs, Part: -1, GPUs: 1 << 0, Holders: []HolderID{"0"}},
	}, changes)
	require.Equal(t, "2 GPUs fit", changes[0].String())
	require.Equal(t, "it fits once GPU 0 is free", changes[1].String())
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
			require.Equal(t, Fits, Place(inv, state, changed, KeepPlaceable{}).Outcome, "%+v", change)
		}
	}
	for _, kind := range []SuggestionKind{SmallerShare, OtherProfile, FewerGPUs, FreeGPUs} {
		require.Greater(t, seen[kind], 20, "%s was hardly tried", kind)
	}
}

// A 2g and a 1g that somebody put at 2 and 6 leave no room for 4g, although five
// compute slices are free: rearranged, the three fit.
func TestSuggestsReslicing(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	s := wholeHeld(inv, 1, 2, 3, 4, 5, 6, 7)
	var instances []DeviceAllocation
	for i, device := range inv.Devices {
		if device.GPU == 0 && (device.Profile == profile2g && device.Placement.Start == 2 || device.Profile == profile1g && device.Placement.Start == 6) && device.Form == MIG {
			instances = append(instances, DeviceAllocation{Device: i})
		}
	}
	require.Len(t, instances, 2)
	require.NoError(t, s.Allocate(Allocation{Holder: "slices", Devices: instances}))
	request := slicesOf(inv, profile4g, 1)
	require.Equal(t, Refused, Place(inv, s.GPUs(), request, KeepPlaceable{}).Outcome)
	changes := SuggestChanges(&s, request, KeepPlaceable{})
	require.Equal(t, Suggestion{Kind: Reslice, Part: -1, GPUs: 1, Holders: []HolderID{"slices"}}, changes[1])
	require.Equal(t, "it fits once the MIG instances of GPU 0 are rearranged", changes[1].String())

	// Applied: 4g at 0 and the two others beside it.
	after := NewGPUStates(inv)
	copy(after[1:], s.GPUs()[1:])
	verdict := Place(inv, after, request, KeepPlaceable{})
	require.NoError(t, inv.TakeDevice(after, verdict.Devices[0].Device, ShareSize{}))
	for _, id := range []mig.ProfileID{profile2g, profile1g} {
		verdict := Place(inv, after, slicesOf(inv, id, 1), KeepPlaceable{})
		require.Equal(t, Fits, verdict.Outcome)
		require.NoError(t, inv.TakeDevice(after, verdict.Devices[0].Device, ShareSize{}))
	}
	s.ReleaseHolder("slices")
	require.NoError(t, s.Allocate(Allocation{Holder: "slices", Pinned: true, Devices: instances}))
	for _, change := range SuggestChanges(&s, request, KeepPlaceable{}) {
		require.NotEqual(t, Reslice, change.Kind, "pinned instances stay where they are")
	}
}

// On a node of two models a request for the busy one is told of the other.
func TestSuggestsAnotherModel(t *testing.T) {
	mixed := *inventoryOf(t, "azure-nc96ads-a100").Node
	mixed.GPUs = slices.Clone(mixed.GPUs)
	mixed.GPUs[3].Model = inventoryOf(t, "4xA30-pcie").Node.GPUs[0].Model
	inv, err := NewInventory(&mixed, NodeDevices(&mixed, make([]*mig.Table, 4)), PriorDemand())
	require.NoError(t, err)
	s := wholeHeld(inv, 0, 1, 2)
	want := DeviceSelector{Forms: []Form{Whole}, Models: []string{"A100-PCIe-80GB"}}
	request := &Request{Parts: []Part{{Count: 1, Accepts: want.AcceptedDevices(inv)}}}
	require.Equal(t, Suggestion{Kind: OtherModel, Part: 0, GPUs: 1 << 3}, SuggestChanges(&s, request, KeepPlaceable{})[0])
}
