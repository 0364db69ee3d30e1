package dra

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	fwk "k8s.io/kube-scheduler/framework"
)

// trackedHandle puts a listener between an in-tree plugin and the scheduler's claims, in its memory
// and in the API, which notes what the plugin changes of them.
type trackedHandle struct {
	fwk.Handle
	manager fwk.SharedDRAManager
	client  kubernetes.Interface
}

// trackHandle is a handle whose users are listened to.
func trackHandle(h fwk.Handle, changes *claimChanges) fwk.Handle {
	if changes == nil {
		return h
	}
	manager := h.SharedDRAManager()
	claims := &trackedClaims{ResourceClaimTracker: manager.ResourceClaims(), changes: changes}
	return &trackedHandle{
		Handle:  h,
		manager: &steeredManager{SharedDRAManager: manager, claims: claims, slices: manager.ResourceSlices()},
		client:  &trackedClient{Interface: h.ClientSet(), flights: changes.flights},
	}
}

// SharedDRAManager implements fwk.Handle.
func (h *trackedHandle) SharedDRAManager() fwk.SharedDRAManager { return h.manager }

// ClientSet implements fwk.Handle.
func (h *trackedHandle) ClientSet() kubernetes.Interface { return h.client }

type trackedClaims struct {
	fwk.ResourceClaimTracker
	changes *claimChanges
}

// SignalClaimPendingAllocation implements fwk.ResourceClaimTracker.
func (t *trackedClaims) SignalClaimPendingAllocation(uid types.UID, claim *resourceapi.ResourceClaim) error {
	err := t.changes.flights.beginFlight(uid, claim)
	t.changes.noteChange(uid, changedClaim{name: nameOf(claim)})
	return err
}

// MaybeRemoveClaimPendingAllocation implements fwk.ResourceClaimTracker. The in-tree plugin forces the
// end of what it has written; all else is given back.
func (t *trackedClaims) MaybeRemoveClaimPendingAllocation(uid types.UID, force bool) (removed bool) {
	if force {
		removed = t.changes.flights.endFlight(uid)
	} else {
		removed = t.changes.flights.giveBack(uid)
	}
	t.changes.noteUID(uid)
	return removed
}

// AssumeClaimAfterAPICall implements fwk.ResourceClaimTracker.
func (t *trackedClaims) AssumeClaimAfterAPICall(claim *resourceapi.ResourceClaim) error {
	err := t.ResourceClaimTracker.AssumeClaimAfterAPICall(claim)
	t.changes.noteClaim(claim)
	return err
}

// AssumedClaimRestore implements fwk.ResourceClaimTracker. It does nothing: what was assumed the API server has said,
// or is read back, and what the watch showed before is only older.
func (t *trackedClaims) AssumedClaimRestore(string, string) {}
