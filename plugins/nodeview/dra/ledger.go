package dra

import (
	"errors"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// claimLedger is which devices claims hold. It follows the claims that changed, so that a
// cycle costs what happened since the last one and not what is allocated in the cluster.
//
// refresh brings it up to date when a cycle begins; until the next one nothing in it
// changes, and any goroutine of the cycle may read it.
type claimLedger struct {
	changes *claimListener // nil: everything is gathered for each cycle
	claims  fwk.ResourceClaimTracker
	pools   *poolIndex

	// held is what each claim has, holders who has what of a device, and byPool the devices of
	// each pool that somebody has.
	held    map[types.UID][]heldDevice
	holders map[structured.DeviceID][]heldDevice
	byPool  map[resourceslices.PoolKey]sets.Set[structured.DeviceID]

	state     *structured.AllocatedState
	allocated allocatedByPool
	// generation is that of the pools that allocated is sorted by; allocated is nil before.
	generation int64
	// gathered says that the last cycle had to ask for everything.
	gathered bool
	// moved are nodes of which something was allocated or released since takeMoved was last
	// called, allMoved that it may be any.
	moved    sets.Set[string]
	allMoved bool
}

// heldDevice is a device that a claim holds, alone or with others.
type heldDevice struct {
	claim    types.UID
	device   structured.DeviceID
	shared   bool
	consumed structured.ConsumedCapacity
}

func newClaimLedger(changes *claimListener, claims fwk.ResourceClaimTracker, pools *poolIndex) *claimLedger {
	return &claimLedger{
		changes: changes, claims: claims, pools: pools,
		held: map[types.UID][]heldDevice{}, holders: map[structured.DeviceID][]heldDevice{},
		byPool: map[resourceslices.PoolKey]sets.Set[structured.DeviceID]{},
		state: &structured.AllocatedState{
			AllocatedDevices: sets.New[structured.DeviceID](), AggregatedCapacity: structured.NewConsumedCapacityCollection(),
		},
		moved: sets.New[string](),
	}
}

// refresh takes what happened to claims since it was last called. The pools must be up to
// date. An error is the in-tree code's and may be gone when it is asked again.
func (l *claimLedger) refresh() error {
	if l.changes == nil || !l.changes.followed() {
		return l.gatherAll()
	}
	if l.gathered {
		l.gathered, l.allocated = false, nil
		l.state = &structured.AllocatedState{
			AllocatedDevices: sets.New[structured.DeviceID](), AggregatedCapacity: structured.NewConsumedCapacityCollection(),
		}
		for id := range l.holders {
			l.sumDevice(id)
		}
	}
	touched := sets.New[structured.DeviceID]()
	l.changes.takeChanged(func(uid types.UID, claim *resourceapi.ResourceClaim) { l.setClaim(uid, claim, touched) })
	if l.allocated == nil || l.generation != l.pools.generation {
		l.sortAll()
		return nil
	}
	nodes := sets.New[string]()
	for id := range touched {
		key := poolKeyOf(id)
		if p := l.pools.byKey[key]; p != nil {
			nodes.Insert(p.Node)
		}
	}
	for node := range nodes {
		l.sortNode(node)
	}
	return nil
}

// gatherAll asks the in-tree code for all that is allocated.
func (l *claimLedger) gatherAll() error {
	state, err := l.claims.GatherAllocatedState()
	if err != nil {
		return err
	}
	if state == nil {
		return errors.New("nothing is known of what is allocated")
	}
	foldShares(state)
	l.state, l.allocated, l.generation = state, l.pools.sortAllocated(state), l.pools.generation
	l.gathered, l.allMoved = true, true
	return nil
}

// setClaim notes what a claim has now, nil for nothing, and adds the devices to touched of
// which that changes something.
func (l *claimLedger) setClaim(uid types.UID, claim *resourceapi.ResourceClaim, touched sets.Set[structured.DeviceID]) {
	before, now := l.held[uid], devicesHeld(uid, claim)
	if len(before) == 0 && len(now) == 0 || slices.EqualFunc(before, now, sameHeld) {
		return
	}
	changed := sets.New[structured.DeviceID]()
	for _, h := range before {
		l.holders[h.device] = slices.DeleteFunc(l.holders[h.device], func(other heldDevice) bool { return other.claim == uid })
		changed.Insert(h.device)
	}
	for _, h := range now {
		l.holders[h.device] = append(l.holders[h.device], h)
		changed.Insert(h.device)
	}
	if l.held[uid] = now; len(now) == 0 {
		delete(l.held, uid)
	}
	for id := range changed {
		l.sumDevice(id)
		touched.Insert(id)
	}
}

// sumDevice adds up what is held of a device.
func (l *claimLedger) sumDevice(id structured.DeviceID) {
	key := poolKeyOf(id)
	l.state.AllocatedDevices.Delete(id)
	delete(l.state.AggregatedCapacity, id)
	if len(l.holders[id]) == 0 {
		delete(l.holders, id)
		if l.byPool[key].Delete(id); l.byPool[key].Len() == 0 {
			delete(l.byPool, key)
		}
		return
	}
	if l.byPool[key] == nil {
		l.byPool[key] = sets.New[structured.DeviceID]()
	}
	l.byPool[key].Insert(id)
	for _, h := range l.holders[id] {
		if !h.shared {
			l.state.AllocatedDevices.Insert(id)
			continue
		}
		if l.state.AggregatedCapacity[id] == nil {
			l.state.AggregatedCapacity[id] = structured.ConsumedCapacity{}
		}
		l.state.AggregatedCapacity[id].Add(h.consumed)
	}
}

// sortAll sorts everything by pool anew.
func (l *claimLedger) sortAll() {
	l.allocated, l.generation = l.pools.sortAllocated(l.state), l.pools.generation
	l.allMoved = true
}

// sortNode sorts what is allocated of a node's pools anew. Pools of one node may be twins.
func (l *claimLedger) sortNode(node string) {
	pools := l.pools.poolsOn(node)
	for _, p := range pools {
		delete(l.allocated, p)
	}
	for _, p := range pools {
		for id := range l.byPool[p.PoolKey] {
			l.pools.addHeld(l.allocated, l.state, id)
		}
	}
	for _, p := range pools {
		l.allocated.sortPool(p)
	}
	l.moved.Insert(node)
}

// takeMoved is the nodes of which something was allocated or released since it was last
// called; true if it may be any.
func (l *claimLedger) takeMoved() (sets.Set[string], bool) {
	moved, all := l.moved, l.allMoved
	l.moved, l.allMoved = sets.New[string](), false
	return moved, all
}

// holdersOn is what each claim holds of a pool, under its UID; false if that is not known.
func (l *claimLedger) holdersOn(p *Pool) ([]placement.Allocation, bool) {
	if l.changes == nil || l.gathered {
		return nil, false
	}
	byClaim := map[types.UID]*placement.Allocation{}
	var uids []types.UID
	for id := range l.byPool[p.PoolKey] {
		i, understood := p.gpus.reading.DeviceNamed(id.Device.String())
		if !understood {
			continue
		}
		for _, h := range l.holders[id] {
			if byClaim[h.claim] == nil {
				byClaim[h.claim] = &placement.Allocation{Holder: placement.HolderID(h.claim)}
				uids = append(uids, h.claim)
			}
			device := placement.DeviceAllocation{Device: i}
			if h.shared {
				device.Bytes = sharedBytes(p.Driver, h.consumed)
			}
			byClaim[h.claim].Devices = append(byClaim[h.claim].Devices, device)
		}
	}
	slices.Sort(uids)
	allocations := make([]placement.Allocation, 0, len(uids))
	for _, uid := range uids {
		slices.SortFunc(byClaim[uid].Devices, func(a, b placement.DeviceAllocation) int { return a.Device - b.Device })
		allocations = append(allocations, *byClaim[uid])
	}
	return allocations, true
}

// devicesHeld are the devices that a claim holds; what an administrator only looks at is not.
func devicesHeld(uid types.UID, claim *resourceapi.ResourceClaim) []heldDevice {
	if claim == nil || claim.Status.Allocation == nil {
		return nil
	}
	var held []heldDevice
	results := claim.Status.Allocation.Devices.Results
	for i := range results {
		result := &results[i]
		if isAdminAccess(result) {
			continue
		}
		h := heldDevice{claim: uid, device: structured.MakeDeviceID(result.Driver, result.Pool, result.Device), shared: result.ShareID != nil}
		if h.shared {
			h.consumed = structured.NewDeviceConsumedCapacity(h.device, result.ConsumedCapacity).ConsumedCapacity
		}
		held = append(held, h)
	}
	return held
}

func sameHeld(a, b heldDevice) bool {
	if a.device != b.device || a.shared != b.shared || len(a.consumed) != len(b.consumed) {
		return false
	}
	for name, amount := range a.consumed {
		if other := b.consumed[name]; other == nil || amount.Cmp(*other) != 0 {
			return false
		}
	}
	return true
}

func poolKeyOf(id structured.DeviceID) resourceslices.PoolKey {
	return resourceslices.PoolKey{Driver: id.Driver.String(), Pool: id.Pool.String()}
}
