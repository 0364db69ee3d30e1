package dra

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"weak"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/utils/lru"
)

// claimChanges notes which claims may hold something else than before. It hears of them from
// the API server, through an informer, and from the scheduler itself: all that the in-tree
// plugins of its profiles tell the shared manager passes through here. What a claim has is
// for the manager to say, when it is asked.
//
// Safe for concurrent use.
type claimChanges struct {
	claims  fwk.ResourceClaimTracker // the scheduler's own
	synced  func() bool
	flights *allocationFlights

	mutex sync.Mutex
	// changed is by listener and claim.
	changed []map[types.UID]changedClaim
	// names are the claims of which something is known.
	names map[types.UID]types.NamespacedName
	// gone are claims that were deleted lately, of which the manager may have yet to hear that
	// there were any.
	gone *lru.Cache
}

// rememberedGone is how many deleted claims are remembered.
const rememberedGone = 4096

// changedClaim is what is known of a change.
type changedClaim struct {
	name types.NamespacedName
	// version is that of the API object that brought it, 0 if none did; gone says that it
	// was deleted. The manager may hear of that later.
	version uint64
	gone    bool
}

// claimListener takes the changes for one ledger.
type claimListener struct {
	*claimChanges
	number int
}

// sharedChanges are those of each manager: the profiles of a scheduler share one.
var sharedChanges = struct {
	sync.Mutex
	of map[weak.Pointer[dynamicresources.DefaultDRAManager]]*claimChanges
}{of: map[weak.Pointer[dynamicresources.DefaultDRAManager]]*claimChanges{}}

// followClaims begins to follow the claims of a scheduler. It returns nil where the manager
// is not kube-scheduler's own, so that nothing is known of what happens behind it.
func followClaims(ctx context.Context, h fwk.Handle) (*claimChanges, error) {
	manager, ok := h.SharedDRAManager().(*dynamicresources.DefaultDRAManager)
	if !ok {
		return nil, nil
	}
	sharedChanges.Lock()
	defer sharedChanges.Unlock()
	key := weak.Make(manager)
	if known := sharedChanges.of[key]; known != nil {
		return known, nil
	}
	c := newClaimChanges(manager.ResourceClaims())
	informer := h.SharedInformerFactory().Resource().V1().ResourceClaims().Informer()
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: c.noteObject,
		UpdateFunc: func(before, now any) {
			if was, ok := before.(*resourceapi.ResourceClaim); ok && was.Status.Allocation == nil {
				if is, ok := now.(*resourceapi.ResourceClaim); ok && is.Status.Allocation == nil {
					return
				}
			}
			c.noteObject(now)
		},
		DeleteFunc: c.noteDeleted,
	})
	if err != nil {
		return nil, err
	}
	c.synced = registration.HasSynced
	c.flights = newAllocationFlights(ctx, c.claims, h.ClientSet(), c)
	sharedChanges.of[key] = c
	runtime.AddCleanup(manager, func(key weak.Pointer[dynamicresources.DefaultDRAManager]) {
		sharedChanges.Lock()
		defer sharedChanges.Unlock()
		delete(sharedChanges.of, key)
	}, key)
	return c, nil
}

func newClaimChanges(claims fwk.ResourceClaimTracker) *claimChanges {
	return &claimChanges{
		claims: claims, names: map[types.UID]types.NamespacedName{}, gone: lru.New(rememberedGone),
	}
}

// newListener adds a ledger, which finds all claims that are known changed.
func (c *claimChanges) newListener() *claimListener {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all := map[types.UID]changedClaim{}
	for uid, name := range c.names {
		all[uid] = changedClaim{name: name}
	}
	c.changed = append(c.changed, all)
	return &claimListener{c, len(c.changed) - 1}
}

// followed reports whether the informer has told of all claims that there were at first.
func (l *claimListener) followed() bool { return l.synced() }

// noteObject takes a claim as the API server has it.
func (c *claimChanges) noteObject(object any) {
	if claim, ok := object.(*resourceapi.ResourceClaim); ok {
		c.noteChange(claim.UID, changedClaim{name: nameOf(claim), version: versionOf(claim)})
	}
}

func (c *claimChanges) noteDeleted(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	if claim, ok := object.(*resourceapi.ResourceClaim); ok {
		c.noteChange(claim.UID, changedClaim{name: nameOf(claim), version: versionOf(claim), gone: true})
	}
}

// noteClaim takes a claim of which the scheduler itself changed something.
func (c *claimChanges) noteClaim(claim *resourceapi.ResourceClaim) {
	c.noteChange(claim.UID, changedClaim{name: nameOf(claim)})
}

// noteUID is noteClaim for a claim that was noted before.
func (c *claimChanges) noteUID(uid types.UID) {
	c.mutex.Lock()
	name, known := c.names[uid]
	c.mutex.Unlock()
	if known {
		c.noteChange(uid, changedClaim{name: name})
	}
}

func (c *claimChanges) noteChange(uid types.UID, change changedClaim) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.names[uid] = change.name
	if change.gone {
		c.gone.Add(uid, nil)
	} else if _, gone := c.gone.Get(uid); gone {
		change.gone = true
	}
	for _, changed := range c.changed {
		if before, waiting := changed[uid]; waiting && before.version > change.version {
			change.version, change.gone = before.version, before.gone
		}
		changed[uid] = change
	}
}

// takeChanged calls take for every claim that may have changed since it was last called, with
// the claim as the scheduler's manager has it: nil if it holds nothing. A claim of which the
// manager has not heard what the API server says is taken once more the next time.
func (l *claimListener) takeChanged(take func(types.UID, *resourceapi.ResourceClaim)) {
	l.mutex.Lock()
	changed := l.changed[l.number]
	l.changed[l.number] = map[types.UID]changedClaim{}
	l.mutex.Unlock()
	for uid, change := range changed {
		claim, settled := l.readClaim(uid, change)
		take(uid, claim)
		if !settled {
			l.noteChange(uid, change)
		} else if claim == nil {
			l.forgetClaim(uid)
		}
	}
}

// readClaim is a claim as the manager has it, nil if it holds nothing, and whether the manager
// has heard of the change.
func (l *claimListener) readClaim(uid types.UID, change changedClaim) (*resourceapi.ResourceClaim, bool) {
	claim, settled := l.heardClaim(uid, change)
	if pending := l.claims.GetPendingAllocation(uid); pending != nil {
		claim = &resourceapi.ResourceClaim{}
		claim.Namespace, claim.Name, claim.UID = change.name.Namespace, change.name.Name, uid
		claim.Status.Allocation = pending
	}
	return claim, settled
}

// heardClaim is readClaim but for allocations that are not written yet, whose end is noted too.
func (l *claimListener) heardClaim(uid types.UID, change changedClaim) (*resourceapi.ResourceClaim, bool) {
	claim, err := l.claims.Get(change.name.Namespace, change.name.Name)
	if err != nil {
		return nil, change.version == 0 || change.gone
	}
	if claim.UID != uid {
		return nil, versionOf(claim) >= change.version || change.gone
	}
	settled := versionOf(claim) >= change.version && !change.gone
	if claim.Status.Allocation == nil {
		return nil, settled
	}
	return claim, settled
}

// forgetClaim forgets a claim that holds nothing, unless something happened to it since.
func (l *claimListener) forgetClaim(uid types.UID) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, changed := range l.changed {
		if _, waiting := changed[uid]; waiting {
			return
		}
	}
	delete(l.names, uid)
}

func nameOf(claim *resourceapi.ResourceClaim) types.NamespacedName {
	return types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}
}

// versionOf is a claim's resource version, 0 if it has none that can be compared.
func versionOf(claim *resourceapi.ResourceClaim) uint64 {
	version, err := strconv.ParseUint(claim.ResourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return version
}
