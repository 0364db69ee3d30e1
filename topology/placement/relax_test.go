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
	changes := Relax(inv, s, wholeGPUs(inv, 3), KeepPlaceable{})
	require.Equal(t, []Change{
		{Kind: FewerGPUs, Part: 0, Count: 2},
		{Kind: FreeGPUs, Part: -1, GPUs: 1 << 0},
	}, changes)
	require.Equal(t, "2 GPUs fit", changes[0].String())
	require.Equal(t, "it fits once GPUs [0] are free", changes[1].String())
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
		for _, change := range Relax(inv, s, request, KeepPlaceable{}) {
			seen[change.Kind]++
			changed, state := request, slices.Clone(s)
			if change.Part >= 0 {
				part := request.Parts[change.Part]
				switch change.Kind {
				case SmallerShare:
					part.Bytes = change.Bytes
				case FewerGPUs:
					part.Count = change.Count
				case OtherProfile:
					part.Accepts = inv.Select(func(o *Offer) bool { return o.Form == MIG && o.Profile == inv.Offers[change.Offer].Profile })
				}
				changed = &Request{Parts: []Part{part}}
			}
			for rest := change.GPUs; rest != 0; rest &= rest - 1 {
				state[rest.lowest()] = GPUState{}
			}
			require.Equal(t, Fits, Place(inv, state, changed, KeepPlaceable{}).Outcome, "%+v", change)
		}
	}
	for _, kind := range []Kind{SmallerShare, OtherProfile, FewerGPUs, FreeGPUs} {
		require.Greater(t, seen[kind], 20, "%s was hardly tried", kind)
	}
}
