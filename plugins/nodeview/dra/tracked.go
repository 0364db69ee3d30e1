package dra

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// trackedHandle puts a listener between an in-tree plugin and the scheduler's claims, which
// notes what the plugin changes of them.
type trackedHandle struct {
	fwk.Handle
	manager fwk.SharedDRAManager
}

// trackHandle is a handle whose users are listened to.
func trackHandle(h fwk.Handle, changes *claimChanges) fwk.Handle {
	if changes == nil {
		return h
	}
	manager := h.SharedDRAManager()
	claims := &trackedClaims{ResourceClaimTracker: manager.ResourceClaims(), changes: changes}
	return &trackedHandle{Handle: h, manager: &steeredManager{SharedDRAManager: manager, claims: claims, slices: manager.ResourceSlices()}}
}

// SharedDRAManager implements fwk.Handle.
func (h *trackedHandle) SharedDRAManager() fwk.SharedDRAManager { return h.manager }

type trackedClaims struct {
	fwk.ResourceClaimTracker
	changes *claimChanges
}

// SignalClaimPendingAllocation implements fwk.ResourceClaimTracker.
func (t *trackedClaims) SignalClaimPendingAllocation(uid types.UID, claim *resourceapi.ResourceClaim) error {
	err := t.ResourceClaimTracker.SignalClaimPendingAllocation(uid, claim)
	t.changes.noteChange(uid, changedClaim{name: nameOf(claim)})
	return err
}

// MaybeRemoveClaimPendingAllocation implements fwk.ResourceClaimTracker.
func (t *trackedClaims) MaybeRemoveClaimPendingAllocation(uid types.UID, force bool) bool {
	removed := t.ResourceClaimTracker.MaybeRemoveClaimPendingAllocation(uid, force)
	t.changes.noteUID(uid)
	return removed
}

// AssumeClaimAfterAPICall implements fwk.ResourceClaimTracker.
func (t *trackedClaims) AssumeClaimAfterAPICall(claim *resourceapi.ResourceClaim) error {
	err := t.ResourceClaimTracker.AssumeClaimAfterAPICall(claim)
	t.changes.noteClaim(claim)
	return err
}

// AssumedClaimRestore implements fwk.ResourceClaimTracker.
func (t *trackedClaims) AssumedClaimRestore(namespace, name string) {
	t.ResourceClaimTracker.AssumedClaimRestore(namespace, name)
	t.changes.noteName(types.NamespacedName{Namespace: namespace, Name: name})
}
