package dra

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"
)

// laggingClaims are claims of an API server, and what the scheduler's manager has heard of them.
type laggingClaims struct {
	fwk.ResourceClaimTracker
	api, heard map[string]*resourceapi.ResourceClaim
	pending    map[types.UID]*resourceapi.AllocationResult
	version    int
	// unheard are the events that the manager has yet to take, untold those that the ledger
	// has.
	unheard, untold []claimEvent
}

type claimEvent struct {
	claim *resourceapi.ResourceClaim
	gone  bool
}

func newLaggingClaims() *laggingClaims {
	return &laggingClaims{
		api: map[string]*resourceapi.ResourceClaim{}, heard: map[string]*resourceapi.ResourceClaim{},
		pending: map[types.UID]*resourceapi.AllocationResult{},
	}
}

// Get implements fwk.ResourceClaimTracker.
func (l *laggingClaims) Get(_, name string) (*resourceapi.ResourceClaim, error) {
	if claim := l.heard[name]; claim != nil {
		return claim, nil
	}
	return nil, errors.New("not found")
}

// GetPendingAllocation implements fwk.ResourceClaimTracker.
func (l *laggingClaims) GetPendingAllocation(uid types.UID) *resourceapi.AllocationResult {
	return l.pending[uid]
}

// write stores a claim with an allocation, nil for none.
func (l *laggingClaims) write(name string, allocation *resourceapi.AllocationResult) {
	before := l.api[name]
	claim := &resourceapi.ResourceClaim{}
	l.version++
	claim.Namespace, claim.Name, claim.ResourceVersion = "default", name, strconv.Itoa(l.version)
	if claim.UID = types.UID(fmt.Sprint(name, "-", l.version)); before != nil {
		claim.UID = before.UID
	}
	claim.Status.Allocation = allocation
	l.api[name] = claim
	l.send(claimEvent{claim: claim})
}

func (l *laggingClaims) remove(name string) {
	if claim := l.api[name]; claim != nil {
		delete(l.api, name)
		l.version++
		last := claim.DeepCopy()
		last.ResourceVersion = strconv.Itoa(l.version)
		l.send(claimEvent{claim: last, gone: true})
	}
}

func (l *laggingClaims) send(event claimEvent) {
	l.unheard, l.untold = append(l.unheard, event), append(l.untold, event)
}

// hear lets the manager take an event.
func (l *laggingClaims) hear() {
	if len(l.unheard) == 0 {
		return
	}
	event := l.unheard[0]
	l.unheard = l.unheard[1:]
	if event.gone {
		delete(l.heard, event.claim.Name)
	} else {
		l.heard[event.claim.Name] = event.claim
	}
}

// tell lets the ledger take an event.
func (l *laggingClaims) tell(changes *claimChanges) {
	if len(l.untold) == 0 {
		return
	}
	event := l.untold[0]
	l.untold = l.untold[1:]
	if event.gone {
		changes.noteDeleted(event.claim)
	} else {
		changes.noteObject(event.claim)
	}
}

// randomAllocation has one to three devices of two pools, alone or shared.
func randomAllocation(random *rand.Rand) *resourceapi.AllocationResult {
	allocation := &resourceapi.AllocationResult{}
	for range 1 + random.IntN(3) {
		result := resourceapi.DeviceRequestAllocationResult{
			Driver: "gpu.ashlar.dev", Pool: fmt.Sprint("n", random.IntN(2)), Device: fmt.Sprint("gpu-", random.IntN(6)),
		}
		switch random.IntN(4) {
		case 0:
			result.AdminAccess = ptr.To(true)
		case 1:
			result.ShareID = ptr.To(types.UID(fmt.Sprint(random.Uint64())))
			if random.IntN(2) == 0 {
				amount := resource.MustParse(fmt.Sprint(1+random.IntN(9), "Gi"))
				result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{"memory": amount}
			}
		}
		allocation.Devices.Results = append(allocation.Devices.Results, result)
	}
	return allocation
}

// However late the manager and the ledger hear of what happens to claims, once they have the
// ledger says what the claims do.
func TestLedgerFollowsClaims(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		claims := newLaggingClaims()
		changes := newClaimChanges(claims)
		changes.synced = func() bool { return true }
		ledger := newClaimLedger(changes.newListener(), claims, &poolIndex{})
		for range 200 {
			name := fmt.Sprint("claim-", random.IntN(5))
			switch random.IntN(8) {
			case 0:
				claims.write(name, nil)
			case 1:
				claims.write(name, randomAllocation(random))
			case 2:
				claims.remove(name)
			case 3: // the scheduler allocates, and notes it at once
				if claim := claims.heard[name]; claim != nil && claim.Status.Allocation == nil {
					claims.pending[claim.UID] = randomAllocation(random)
					changes.noteClaim(claim)
				}
			case 4:
				if claim := claims.heard[name]; claim != nil && claims.pending[claim.UID] != nil {
					delete(claims.pending, claim.UID)
					changes.noteUID(claim.UID)
				}
			case 5:
				claims.hear()
			case 6:
				claims.tell(changes)
			case 7:
				if err := ledger.refresh(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for len(claims.unheard) > 0 || len(claims.untold) > 0 {
			claims.tell(changes)
			if random.IntN(2) == 0 {
				if err := ledger.refresh(); err != nil {
					t.Fatal(err)
				}
			}
			claims.hear()
		}
		if err := ledger.refresh(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(claims.spellHeld(), spellState(ledger)); diff != "" {
			t.Fatalf("seed %d: held (-want +got):\n%s", seed, diff)
		}
		if len(changes.names) > len(claims.api)+len(claims.pending) {
			t.Errorf("seed %d: %d claims are remembered of %d", seed, len(changes.names), len(claims.api))
		}
	}
}

// spellHeld is what all claims hold by device: "alone", or the sum of the shares' memory.
func (l *laggingClaims) spellHeld() map[string]string {
	alone, shared, sums := sets.New[string](), sets.New[string](), map[string]*resource.Quantity{}
	add := func(allocation *resourceapi.AllocationResult) {
		for _, result := range allocation.Devices.Results {
			id := result.Driver + "/" + result.Pool + "/" + result.Device
			switch {
			case result.AdminAccess != nil:
			case result.ShareID == nil:
				alone.Insert(id)
			default:
				shared.Insert(id)
				amount := result.ConsumedCapacity["memory"]
				if sums[id] == nil {
					sums[id] = &resource.Quantity{}
				}
				sums[id].Add(amount)
			}
		}
	}
	for _, claim := range l.api {
		if allocation := l.pending[claim.UID]; allocation != nil {
			add(allocation)
		} else if claim.Status.Allocation != nil {
			add(claim.Status.Allocation)
		}
	}
	for uid, allocation := range l.pending {
		if !l.hasUID(uid) {
			add(allocation) // its claim is gone, and the scheduler has yet to notice
		}
	}
	held := map[string]string{}
	for id := range shared {
		held[id] += fmt.Sprint("shared ", sums[id].Value(), " ")
	}
	for id := range alone {
		held[id] += "alone"
	}
	return held
}

func (l *laggingClaims) hasUID(uid types.UID) bool {
	for _, claim := range l.api {
		if claim.UID == uid {
			return true
		}
	}
	return false
}

func spellState(l *claimLedger) map[string]string {
	held := map[string]string{}
	for id, amounts := range l.state.AggregatedCapacity {
		sum := int64(0)
		if memory := amounts["memory"]; memory != nil {
			sum = memory.Value()
		}
		held[id.String()] += fmt.Sprint("shared ", sum, " ")
	}
	for id := range l.state.AllocatedDevices {
		held[id.String()] += "alone"
	}
	return held
}
