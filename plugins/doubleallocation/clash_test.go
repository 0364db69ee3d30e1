package doubleallocation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

const testDriver = "gpu.example.com"

// testLedger has one pool of a GPU with 8 counters: gpu-0 takes all of them, half-0 and half-1
// four each, and share-0 has 10Gi to share and draws on all counters as well.
func testLedger(t *testing.T) *Ledger {
	t.Helper()
	draw := func(amount string) []resourceapi.DeviceCounterConsumption {
		return []resourceapi.DeviceCounterConsumption{{
			CounterSet: "gpu", Counters: map[string]resourceapi.Counter{"slices": {Value: resource.MustParse(amount)}},
		}}
	}
	slices := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{poolIndex: indexPools})
	claims := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{podIndex: indexOwners})
	for _, slice := range []*resourceapi.ResourceSlice{
		{
			ObjectMeta: metav1.ObjectMeta{Name: "counters"},
			Spec: resourceapi.ResourceSliceSpec{
				Driver: testDriver, NodeName: ptr.To("worker"), Pool: resourceapi.ResourcePool{Name: "pool", Generation: 2},
				SharedCounters: []resourceapi.CounterSet{{
					Name: "gpu", Counters: map[string]resourceapi.Counter{"slices": {Value: resource.MustParse("8")}},
				}},
			},
		},
		{
			ObjectMeta: metav1.ObjectMeta{Name: "devices"},
			Spec: resourceapi.ResourceSliceSpec{
				Driver: testDriver, NodeName: ptr.To("worker"), Pool: resourceapi.ResourcePool{Name: "pool", Generation: 2},
				Devices: []resourceapi.Device{
					{Name: "gpu-0", ConsumesCounters: draw("8")},
					{Name: "half-0", ConsumesCounters: draw("4")},
					{Name: "half-1", ConsumesCounters: draw("4")},
					{
						Name: "share-0", ConsumesCounters: draw("8"), AllowMultipleAllocations: ptr.To(true),
						Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{"memory": {Value: resource.MustParse("10Gi")}},
					},
				},
			},
		},
		{ // of an earlier generation: counts for nothing
			ObjectMeta: metav1.ObjectMeta{Name: "old"},
			Spec: resourceapi.ResourceSliceSpec{
				Driver: testDriver, Pool: resourceapi.ResourcePool{Name: "pool", Generation: 1},
				Devices: []resourceapi.Device{{Name: "half-0", ConsumesCounters: draw("8")}},
			},
		},
	} {
		if err := slices.Add(slice); err != nil {
			t.Fatal(err)
		}
	}
	return newLedger(slices, claims)
}

// claimOf is a claim at a resource version that holds devices: "gpu-0", "share-0=6Gi", "admin gpu-0".
func claimOf(name string, version int, devices ...string) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, UID: types.UID(name), ResourceVersion: fmt.Sprint(version),
	}}
	for _, text := range devices {
		result := resourceapi.DeviceRequestAllocationResult{Driver: testDriver, Pool: "pool"}
		text, admin := strings.CutPrefix(text, "admin ")
		result.AdminAccess = ptr.To(admin)
		device, memory, shared := strings.Cut(text, "=")
		result.Device = device
		if shared {
			result.ShareID = ptr.To(types.UID(name))
			result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{"memory": resource.MustParse(memory)}
		}
		if claim.Status.Allocation == nil {
			claim.Status.Allocation = &resourceapi.AllocationResult{}
		}
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, result)
	}
	return claim
}

// noteAllocation shows a ledger a claim before and after it was allocated.
func noteAllocation(l *Ledger, claim *resourceapi.ResourceClaim) {
	before := claim.DeepCopy()
	before.ResourceVersion, before.Status = "1", resourceapi.ResourceClaimStatus{}
	l.noteClaim(before)
	l.noteClaim(claim)
}

// Of two claims that clash the one whose allocation was written later gives way, and only that one.
func TestLaterAllocationClashes(t *testing.T) {
	for name, tc := range map[string]struct {
		earlier, later *resourceapi.ResourceClaim
		want           string // what is said of the later one; "" if both fit
	}{
		"the same device": {claimOf("a", 5, "half-0"), claimOf("b", 6, "half-0"),
			"device half-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a"},
		"different devices": {claimOf("a", 5, "half-0"), claimOf("b", 6, "half-1"), ""},
		"a GPU and a part of it": {claimOf("a", 5, "half-0"), claimOf("b", 6, "gpu-0"),
			"device gpu-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a, " +
				"together 12 of counter slices of gpu where there is 8"},
		"shares that fit": {claimOf("a", 5, "share-0=6Gi"), claimOf("b", 6, "share-0=4Gi"), ""},
		"shares that do not": {claimOf("a", 5, "share-0=6Gi"), claimOf("b", 6, "share-0=5Gi"),
			"device share-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a, " +
				"together 11Gi memory of 10Gi"},
		"a share of a GPU in use": {claimOf("a", 5, "gpu-0"), claimOf("b", 6, "share-0=1Gi"),
			"device share-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a, " +
				"together 16 of counter slices of gpu where there is 8"},
		"admin access holds nothing": {claimOf("a", 5, "gpu-0"), claimOf("b", 6, "admin gpu-0"), ""},
		"a device that is no longer published": {claimOf("a", 5, "gone"), claimOf("b", 6, "gone"),
			"device gone of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a"},
	} {
		for order, claims := range map[string][]*resourceapi.ResourceClaim{
			"seen in order": {tc.earlier, tc.later}, "seen in reverse": {tc.later, tc.earlier},
		} {
			t.Run(name+", "+order, func(t *testing.T) {
				ledger := testLedger(t)
				for _, claim := range claims {
					noteAllocation(ledger, claim)
				}
				if h := ledger.holderOf(tc.earlier.UID); h != nil {
					if found, err := ledger.clashOf(h, true); err != nil || found != nil {
						t.Errorf("the earlier: %v, %v", found, err)
					}
				}
				got := ""
				if h := ledger.holderOf(tc.later.UID); h != nil {
					found, err := ledger.clashOf(h, true)
					if err != nil {
						t.Fatal(err)
					}
					if found != nil {
						got = found.describeClash()
					}
				}
				if got != tc.want {
					t.Errorf("got  %q\nwant %q", got, tc.want)
				}
			})
		}
	}
}

// A share of a GPU that another scheduler holds whole clashes although a share before it does, which
// is yet to be given back.
func TestSecondShareClashes(t *testing.T) {
	ledger := testLedger(t)
	for _, claim := range []*resourceapi.ResourceClaim{
		claimOf("whole", 5, "gpu-0"), claimOf("first", 6, "share-0=1Gi"), claimOf("second", 7, "share-0=1Gi"),
	} {
		noteAllocation(ledger, claim)
	}
	for name, want := range map[types.UID]string{"whole": "", "first": "ns/whole", "second": "ns/whole"} {
		found, err := ledger.clashOf(ledger.holderOf(name), true)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if found != nil {
			got = found.rivalNames()
		}
		if got != want {
			t.Errorf("%s clashes with %q, want %q", name, got, want)
		}
	}
	found, err := ledger.clashOf(ledger.holderOf("whole"), false)
	if err != nil || found == nil || found.rivalNames() != "ns/first, ns/second" {
		t.Errorf("whole clashes with %v, %v, want first and second", found, err)
	}
}

// Of several that share a device each clashes with who has all of the GPU, and not just the one
// that is counted first.
func TestEverySharerClashes(t *testing.T) {
	ledger := testLedger(t)
	whole := claimOf("whole", 5, "gpu-0")
	sharers := []*resourceapi.ResourceClaim{claimOf("b", 6, "share-0=1Gi"), claimOf("c", 7, "share-0=1Gi"), claimOf("d", 8, "share-0=1Gi")}
	noteAllocation(ledger, whole)
	for _, claim := range sharers {
		noteAllocation(ledger, claim)
	}
	for _, claim := range sharers {
		if found, err := ledger.clashOf(ledger.holderOf(claim.UID), true); err != nil || found == nil {
			t.Errorf("claim %s: %v, %v", claim.Name, found, err)
		}
	}
	if found, err := ledger.clashOf(ledger.holderOf(whole.UID), true); err != nil || found != nil {
		t.Errorf("the earlier: %v, %v", found, err)
	}
}

// An allocation is as old as the version with which it came, whatever is written to the claim later.
func TestAgeOfAllocation(t *testing.T) {
	ledger := testLedger(t)
	check := func(what, uid string, want uint64) {
		t.Helper()
		h := ledger.holderOf(types.UID(uid))
		got := uint64(0)
		if h != nil {
			got = h.since
		}
		if got != want {
			t.Errorf("%s: since %d, want %d", what, got, want)
		}
	}
	ledger.noteClaim(claimOf("a", 5))
	check("without allocation", "a", 0)
	ledger.noteClaim(claimOf("a", 6, "half-0"))
	ledger.noteClaim(claimOf("a", 9, "half-0"))
	check("reserved once more", "a", 6)
	ledger.noteClaim(claimOf("a", 10, "half-1"))
	check("allocated anew", "a", 10)
	ledger.noteClaim(claimOf("a", 11))
	check("deallocated", "a", 0)
	ledger.noteClaim(claimOf("a", 12, "half-1"))
	ledger.forgetClaim(cache.DeletedFinalStateUnknown{Obj: claimOf("a", 12, "half-1")})
	check("deleted", "a", 0)
	if len(ledger.pools) > 0 || len(ledger.versions) > 0 || len(ledger.holders) > 0 {
		t.Errorf("left over: %v, %v, %v", ledger.pools, ledger.versions, ledger.holders)
	}
}

func TestAwaitVersion(t *testing.T) {
	ledger := testLedger(t)
	ledger.noteClaim(claimOf("a", 5))
	if err := ledger.awaitVersion(t.Context(), "a", 5); err != nil {
		t.Errorf("seen already: %v", err)
	}
	behind := errors.New("behind")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, behind)
	defer cancel()
	if err := ledger.awaitVersion(ctx, "a", 6); !errors.Is(err, behind) {
		t.Errorf("not seen: error %v, want %v", err, behind)
	}
	if len(ledger.waiters) > 0 {
		t.Errorf("left over: %v", ledger.waiters)
	}
	for name, see := range map[string]func(*Ledger){
		"a later version": func(l *Ledger) { l.noteClaim(claimOf("a", 21)) },
		"deletion":        func(l *Ledger) { l.forgetClaim(claimOf("a", 19)) },
	} {
		t.Run(name, func(t *testing.T) {
			ledger := testLedger(t)
			done := make(chan error, 1)
			go func() { done <- ledger.awaitVersion(t.Context(), "a", 20) }()
			time.Sleep(10 * time.Millisecond)
			ledger.noteClaim(claimOf("a", 19))
			select {
			case <-done:
				t.Fatal("an earlier version was enough")
			case <-time.After(20 * time.Millisecond):
			}
			see(ledger)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
