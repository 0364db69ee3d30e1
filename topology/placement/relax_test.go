package placement

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

func TestRelaxFindsTheSmallestChange(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	s := NewState(inv)
	s[0].Whole, s[2].Whole = true, true
	changes := Relax(inv, s, nil, wholeGPUs(inv, 3), KeepPlaceable{})
	require.Equal(t, []Change{
		{Kind: FewerGPUs, Part: 0, Count: 2},
		{Kind: FreeGPUs, Part: -1, GPUs: 1 << 0},
	}, changes)
	require.Equal(t, "2 GPUs fit", changes[0].String())
	require.Equal(t, "it fits once GPU 0 is free", changes[1].String())
}

// Every suggested change is applied, and then the request fits.
func TestRelaxedRequestsFit(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	seen := map[Kind]int{}
	for n := range 3_000 {
		inv := inventoryOf(t, machines[n%len(machines)])
		s := randomState(inv, random)
		var request *Request
		switch random.Intn(3) {
		case 0:
			request = wholeGPUs(inv, 1+random.Intn(8))
		case 1:
			request = slicesOf(inv, []mig.ProfileID{0, 5, 9, 14}[random.Intn(4)], 1+random.Intn(3))
		case 2:
			bytes := topology.Bytes(random.Int63n(150)) * topology.GiB
			request = &Request{Parts: []Part{{Count: 1, Bytes: bytes, Accepts: inv.Select(func(o *Offer) bool { return o.Form == Share })}}}
		}
		if Place(inv, s, request, KeepPlaceable{}).Outcome == Fits {
			continue
		}
		for _, change := range Relax(inv, s, nil, request, KeepPlaceable{}) {
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
					part.Accepts = inv.Select(func(o *Offer) bool { return o.Form != MIG && change.GPUs.Has(o.GPU) })
				case OtherProfile:
					part.Accepts = inv.Select(func(o *Offer) bool { return o.Form == MIG && o.Profile == inv.Offers[change.Offer].Profile })
				}
				changed = &Request{Parts: []Part{part}}
			}
			for rest := change.GPUs; change.Kind == FreeGPUs && rest != 0; rest &= rest - 1 {
				state[rest.lowest()] = GPUState{}
			}
			require.Equal(t, Fits, Place(inv, state, changed, KeepPlaceable{}).Outcome, "%+v", change)
		}
	}
	for _, kind := range []Kind{SmallerShare, OtherProfile, FewerGPUs, FreeGPUs} {
		require.Greater(t, seen[kind], 20, "%s was hardly tried", kind)
	}
}

// A 2g and a 1g that somebody put at 2 and 6 leave no room for 4g, although five
// compute slices are free: rearranged, the three fit.
func TestRelaxReslices(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	s := NewState(inv)
	for gpu := 1; gpu < len(s); gpu++ {
		s[gpu].Whole = true
	}
	var held []Grant
	for i, offer := range inv.Offers {
		if offer.GPU == 0 && (offer.Profile == profile2g && offer.Placement.Start == 2 || offer.Profile == profile1g && offer.Placement.Start == 6) && offer.Form == MIG {
			require.NoError(t, inv.Take(s, i, Size{}))
			held = append(held, Grant{Offer: i})
		}
	}
	require.Len(t, held, 2)
	request := slicesOf(inv, profile4g, 1)
	require.Equal(t, Refused, Place(inv, s, request, KeepPlaceable{}).Outcome)
	changes := Relax(inv, s, held, request, KeepPlaceable{})
	require.Equal(t, Change{Kind: Reslice, Part: -1, GPUs: 1}, changes[1])
	require.Equal(t, "it fits once the MIG instances of GPU 0 are rearranged", changes[1].String())

	// Applied: 4g at 0 and the two others beside it.
	after := NewState(inv)
	copy(after[1:], s[1:])
	verdict := Place(inv, after, request, KeepPlaceable{})
	require.NoError(t, inv.Take(after, verdict.Grants[0].Offer, Size{}))
	for _, id := range []mig.ProfileID{profile2g, profile1g} {
		verdict := Place(inv, after, slicesOf(inv, id, 1), KeepPlaceable{})
		require.Equal(t, Fits, verdict.Outcome)
		require.NoError(t, inv.Take(after, verdict.Grants[0].Offer, Size{}))
	}
	for _, change := range Relax(inv, s, nil, request, KeepPlaceable{}) {
		require.NotEqual(t, Reslice, change.Kind, "without knowing the instances nothing is re-sliced")
	}
}

// On a node of two models a request for the busy one is told of the other.
func TestRelaxNamesAnotherModel(t *testing.T) {
	mixed := *inventoryOf(t, "azure-nc96ads-a100").Node
	mixed.GPUs = slices.Clone(mixed.GPUs)
	mixed.GPUs[3].Model = inventoryOf(t, "4xA30-pcie").Node.GPUs[0].Model
	inv, err := NewInventory(&mixed, Offers(&mixed, make([]*mig.Table, 4)), Prior())
	require.NoError(t, err)
	s := NewState(inv)
	s[0].Whole, s[1].Whole, s[2].Whole = true, true, true
	want := Want{Forms: []Form{Whole}, Models: []string{"A100-PCIe-80GB"}}
	request := &Request{Parts: []Part{{Count: 1, Accepts: want.Accepts(inv)}}}
	require.Equal(t, Change{Kind: OtherModel, Part: 0, GPUs: 1 << 3}, Relax(inv, s, nil, request, KeepPlaceable{})[0])
}
