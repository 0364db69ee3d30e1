package doubleallocation

import (
	"context"
	"fmt"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Ledger has every allocation by pool, as the claim informer tells. It is safe for
// concurrent use.
type Ledger struct {
	slices cache.Indexer
	claims cache.Indexer

	mutex   sync.Mutex
	holders map[types.UID]*holder
	pools   map[poolID]map[*holder]struct{}
	// versions are the latest of every claim; waiters want later ones.
	versions map[types.UID]uint64
	waiters  map[types.UID][]waiter
	// changed are pools in which something was allocated since they were last looked at.
	changed map[poolID]struct{}
}

// waiter waits for a version of a claim.
type waiter struct {
	version uint64
	reached chan struct{}
}

// podIndex is the index of claims by the pod that owns them.
const podIndex = "ashlar.dev/owner-pod"

// indexOwners is the function of podIndex.
func indexOwners(object any) ([]string, error) {
	claim, ok := object.(*resourceapi.ResourceClaim)
	if !ok {
		return nil, nil
	}
	var owners []string
	for i := range claim.OwnerReferences {
		if claim.OwnerReferences[i].Kind == "Pod" {
			owners = append(owners, string(claim.OwnerReferences[i].UID))
		}
	}
	return owners, nil
}

// NewLedger returns a ledger that follows a factory's claims and slices. It must be called before
// the factory starts.
func NewLedger(factory informers.SharedInformerFactory) (*Ledger, error) {
	claims := factory.Resource().V1().ResourceClaims().Informer()
	slices := factory.Resource().V1().ResourceSlices().Informer()
	if err := addIndex(slices, poolIndex, indexPools); err != nil {
		return nil, err
	}
	if err := addIndex(claims, podIndex, indexOwners); err != nil {
		return nil, err
	}
	l := newLedger(slices.GetIndexer(), claims.GetIndexer())
	if _, err := claims.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    l.noteClaim,
		UpdateFunc: func(_, claim any) { l.noteClaim(claim) },
		DeleteFunc: l.forgetClaim,
	}); err != nil {
		return nil, fmt.Errorf("following claims: %w", err)
	}
	return l, nil
}

// addIndex adds an index unless another profile's plugin has.
func addIndex(informer cache.SharedIndexInformer, name string, index cache.IndexFunc) error {
	if _, known := informer.GetIndexer().GetIndexers()[name]; known {
		return nil
	}
	if err := informer.AddIndexers(cache.Indexers{name: index}); err != nil {
		return fmt.Errorf("adding index %s: %w", name, err)
	}
	return nil
}

func newLedger(slices, claims cache.Indexer) *Ledger {
	return &Ledger{
		slices: slices, claims: claims,
		holders: map[types.UID]*holder{}, pools: map[poolID]map[*holder]struct{}{},
		versions: map[types.UID]uint64{}, waiters: map[types.UID][]waiter{}, changed: map[poolID]struct{}{},
	}
}

// noteClaim takes up a claim as it is now. An allocation keeps the version with which it came.
func (l *Ledger) noteClaim(object any) {
	claim, ok := object.(*resourceapi.ResourceClaim)
	if !ok {
		return
	}
	version, err := versionOf(claim)
	if err != nil {
		klog.Background().Error(err, "Claim is left out of the guard against double allocations")
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	before := l.holders[claim.UID]
	after := newHolder(claim, version)
	kept := before != nil && after != nil && before.holdsSame(after)
	if kept {
		after.since, after.found = before.since, before.found
	} else if _, known := l.versions[claim.UID]; !known && after != nil {
		after.found = true
	}
	l.dropHolder(before)
	if after != nil {
		l.holders[claim.UID] = after
		for id := range after.grants {
			if l.pools[id] == nil {
				l.pools[id] = map[*holder]struct{}{}
			}
			l.pools[id][after] = struct{}{}
			if !kept {
				l.changed[id] = struct{}{}
			}
		}
	}
	l.versions[claim.UID] = max(l.versions[claim.UID], version)
	l.wakeWaiters(claim.UID, version)
}

// forgetClaim drops a claim that is gone.
func (l *Ledger) forgetClaim(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	claim, ok := object.(*resourceapi.ResourceClaim)
	if !ok {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.dropHolder(l.holders[claim.UID])
	delete(l.versions, claim.UID)
	l.wakeWaiters(claim.UID, ^uint64(0))
}

// dropHolder takes a holder out of its pools.
func (l *Ledger) dropHolder(h *holder) {
	if h == nil {
		return
	}
	delete(l.holders, h.uid)
	for id := range h.grants {
		delete(l.pools[id], h)
		if len(l.pools[id]) == 0 {
			delete(l.pools, id)
		}
	}
}

// wakeWaiters wakes who waits for that version of a claim or an earlier one.
func (l *Ledger) wakeWaiters(uid types.UID, version uint64) {
	var left []waiter
	for _, w := range l.waiters[uid] {
		if w.version <= version {
			close(w.reached)
		} else {
			left = append(left, w)
		}
	}
	if len(left) > 0 {
		l.waiters[uid] = left
	} else {
		delete(l.waiters, uid)
	}
}

// awaitVersion waits until a claim's version has been seen, or the claim is gone.
func (l *Ledger) awaitVersion(ctx context.Context, uid types.UID, version uint64) error {
	l.mutex.Lock()
	if l.versions[uid] >= version {
		l.mutex.Unlock()
		return nil
	}
	reached := make(chan struct{})
	l.waiters[uid] = append(l.waiters[uid], waiter{version, reached})
	l.mutex.Unlock()
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		l.mutex.Lock()
		defer l.mutex.Unlock()
		for i, w := range l.waiters[uid] {
			if w.reached == reached {
				l.waiters[uid] = append(l.waiters[uid][:i], l.waiters[uid][i+1:]...)
				break
			}
		}
		if len(l.waiters[uid]) == 0 {
			delete(l.waiters, uid)
		}
		return context.Cause(ctx)
	}
}

// holdersOf returns the holders of a pool, the oldest first.
func (l *Ledger) holdersOf(id poolID) []*holder {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return byAge(l.pools[id])
}

// holderOf returns a claim's allocation; nil if it has none.
func (l *Ledger) holderOf(uid types.UID) *holder {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.holders[uid]
}

// takeChanged returns the pools in which something was allocated since the last call.
func (l *Ledger) takeChanged() map[poolID]struct{} {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	changed := l.changed
	l.changed = map[poolID]struct{}{}
	return changed
}

// clashOf says how a claim's allocation clashes with others: with those that may have been written
// before it if only these count, else with any.
func (l *Ledger) clashOf(h *holder, earlierOnly bool) (*poolClash, error) {
	for id := range h.grants {
		holders := l.holdersOf(id)
		others := make([]*holder, 0, len(holders))
		for _, other := range holders {
			if other.uid != h.uid && (!earlierOnly || other.mayPrecede(h)) {
				others = append(others, other)
			}
		}
		if len(others) == 0 {
			continue
		}
		p, err := readPool(l.slices, id)
		if err != nil {
			return nil, fmt.Errorf("reading pool %s of %s: %w", id.pool, id.driver, err)
		}
		if found := clashBeside(p, id, h, others); found != nil {
			return found, nil
		}
	}
	return nil, nil
}
