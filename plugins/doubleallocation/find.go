package doubleallocation

import (
	"cmp"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// DoubleAllocation is an allocation that does not fit beside older ones.
type DoubleAllocation struct {
	// Claim is who got the device later, as far as that can be told, and Rival one who had it.
	Claim, Rival types.NamespacedName
	// Cause is one sentence without a full stop: which device, of whom, and what is short.
	Cause string
}

// FindDoubleAllocations finds the allocations among claims that do not fit beside others, by the same
// rules as Detector. The order of claims is that of their resource versions, or where a copy of a
// cluster has none, of their names. Errors are those of reading slices that name no pool.
func FindDoubleAllocations(published []*resourceapi.ResourceSlice, claims []*resourceapi.ResourceClaim) ([]DoubleAllocation, error) {
	indexed := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{poolIndex: indexPools})
	for _, slice := range published {
		if err := indexed.Add(slice); err != nil {
			return nil, err
		}
	}
	holders := map[poolID]map[*holder]struct{}{}
	for _, claim := range claims {
		version, err := versionOf(claim)
		if err != nil {
			version = 0
		}
		h := newHolder(claim, version)
		if h == nil {
			continue
		}
		if h.uid == "" {
			h.uid = types.UID(h.claim.String())
		}
		for id := range h.grants {
			if holders[id] == nil {
				holders[id] = map[*holder]struct{}{}
			}
			holders[id][h] = struct{}{}
		}
	}
	var all []DoubleAllocation
	for id, held := range holders {
		if len(held) < 2 {
			continue
		}
		p, err := readPool(indexed, id)
		if err != nil {
			return nil, err
		}
		for _, clash := range clashesOf(p, id, byAge(held)) {
			one := DoubleAllocation{Claim: clash.holder.claim, Cause: clash.describeClash()}
			if len(clash.rivals) > 0 {
				one.Rival = clash.rivals[0].claim
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b DoubleAllocation) int { return cmp.Compare(a.Cause, b.Cause) })
	return all, nil
}
