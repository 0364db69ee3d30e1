package doubleallocation

import (
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
)

// NewHandle returns a scheduler's handle whose claims know of every device that is still held. The
// scheduler's own cache has one holder for a device: when one of two gives it back, it takes
// the device for free, and would choose it again and again.
func NewHandle(h fwk.Handle, ledger *Ledger) fwk.Handle {
	return &handle{Handle: h, manager: &draManager{SharedDRAManager: h.SharedDRAManager(), ledger: ledger}}
}

type handle struct {
	fwk.Handle

	manager fwk.SharedDRAManager
}

// SharedDRAManager implements fwk.Handle.
func (h *handle) SharedDRAManager() fwk.SharedDRAManager { return h.manager }

type draManager struct {
	fwk.SharedDRAManager

	ledger *Ledger
}

// Unwrap is the manager behind this one: what happens to its claims can be followed.
func (m *draManager) Unwrap() fwk.SharedDRAManager { return m.SharedDRAManager }

// ResourceClaims implements fwk.SharedDRAManager.
func (m *draManager) ResourceClaims() fwk.ResourceClaimTracker {
	return &claimTracker{ResourceClaimTracker: m.SharedDRAManager.ResourceClaims(), ledger: m.ledger}
}

type claimTracker struct {
	fwk.ResourceClaimTracker

	ledger *Ledger
}

// ListAllAllocatedDevices implements fwk.ResourceClaimTracker.
func (t *claimTracker) ListAllAllocatedDevices() (sets.Set[structured.DeviceID], error) {
	allocated, err := t.ResourceClaimTracker.ListAllAllocatedDevices()
	if err == nil {
		t.ledger.insertStillHeld(allocated)
	}
	return allocated, err
}

// GatherAllocatedState implements fwk.ResourceClaimTracker.
func (t *claimTracker) GatherAllocatedState() (*structured.AllocatedState, error) {
	state, err := t.ResourceClaimTracker.GatherAllocatedState()
	if err == nil && state != nil {
		t.ledger.insertStillHeld(state.AllocatedDevices)
	}
	return state, err
}

// deviceID names a device of a pool.
type deviceID struct {
	pool   poolID
	device string
}

// noteLeft notes which devices of a holder that goes others still have.
func (l *Ledger) noteLeft(h *holder) {
	for id, grants := range h.grants {
		for i := range grants {
			if !grants[i].shared && l.isHeld(id, grants[i].device) {
				l.left[deviceID{id, grants[i].device}] = struct{}{}
			}
		}
	}
}

// isHeld reports whether a claim has a device to itself.
func (l *Ledger) isHeld(id poolID, device string) bool {
	for h := range l.pools[id] {
		for i := range h.grants[id] {
			if g := &h.grants[id][i]; g.device == device && !g.shared {
				return true
			}
		}
	}
	return false
}

// insertStillHeld adds the devices that one of several holders gave back and another has.
func (l *Ledger) insertStillHeld(allocated sets.Set[structured.DeviceID]) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for id := range l.left {
		if l.isHeld(id.pool, id.device) {
			allocated.Insert(structured.MakeDeviceID(id.pool.driver, id.pool.pool, id.device))
		} else {
			delete(l.left, id)
		}
	}
}
