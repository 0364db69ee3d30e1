package doubleallocation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// poolID names a pool of devices.
type poolID struct{ driver, pool string }

// grant is what a claim holds of one device.
type grant struct {
	device string
	// shared: others may hold the device as well; consumed is how much this one has.
	shared   bool
	consumed map[resourceapi.QualifiedName]resource.Quantity
}

// holder is a claim with an allocation.
type holder struct {
	uid   types.UID
	claim types.NamespacedName
	// since is the resource version with which the allocation was first seen; versions of
	// claims are in the order of writing.
	since uint64
	// found: the claim had its allocation when it was first seen, so that it may have been
	// written long before since.
	found  bool
	grants map[poolID][]grant
}

// newHolder reads a claim's allocation; nil if it has none of any device.
func newHolder(claim *resourceapi.ResourceClaim, since uint64) *holder {
	if claim.Status.Allocation == nil {
		return nil
	}
	h := &holder{
		uid: claim.UID, claim: types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}, since: since,
		grants: map[poolID][]grant{},
	}
	for i := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[i]
		if ptr.Deref(result.AdminAccess, false) {
			continue // holds nothing
		}
		id := poolID{result.Driver, result.Pool}
		h.grants[id] = append(h.grants[id], grant{device: result.Device, shared: result.ShareID != nil, consumed: result.ConsumedCapacity})
	}
	if len(h.grants) == 0 {
		return nil
	}
	return h
}

// mayPrecede reports whether an allocation may have been written before another one.
func (h *holder) mayPrecede(other *holder) bool { return h.found || h.since < other.since }

// holdsSame reports whether another holder has the same devices in the same order.
func (h *holder) holdsSame(other *holder) bool {
	return maps.EqualFunc(h.grants, other.grants, func(a, b []grant) bool {
		return slices.EqualFunc(a, b, func(x, y grant) bool { return x.device == y.device && x.shared == y.shared })
	})
}

// versionOf is a claim's resource version as a number.
func versionOf(claim *resourceapi.ResourceClaim) (uint64, error) {
	version, err := strconv.ParseUint(claim.ResourceVersion, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("resource version of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	return version, nil
}
