package dra

import (
	"context"
	"errors"
	"sync"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
)

// An allocation is in flight from Reserve until it is written or given back. The in-tree plugin
// gives one back by forgetting it, and believes what the watch showed last. But the API server may
// have more: a write whose answer was lost with the server may have been carried out, one that the
// watch has not shown yet is no less true, and the claim of an extended resource keeps its devices
// until it is deleted. So an allocation that was begun to be written stays in flight until the API
// server has been asked what the claim has, and the scheduler's memory has the answer. A write that the server
// carries out later still is for the guard before binding (package doubleallocation).

// allocationFlights are the allocations in flight of one scheduler. It is safe for concurrent use.
type allocationFlights struct {
	ctx     context.Context // the scheduler's
	claims  fwk.ResourceClaimTracker
	client  kubernetes.Interface
	changes *claimChanges

	mutex sync.Mutex
	// byClaim has the flights by the UID with which they were reserved, byPod those of extended
	// resources, whose claims get another one when they are made.
	byClaim map[types.UID]*allocationFlight
	byPod   map[types.UID]*allocationFlight
	// landing counts those that were given back of which the API server is being asked.
	landing int
	// followers are called after each that has landed.
	followers []func()
}

// allocationFlight is an allocation that is in flight.
type allocationFlight struct {
	pod types.UID // of an extended resource
	// written is the claim that it was begun to be written to, without a name if it was not.
	written claimID
}

// claimID tells claims apart that have one name after another.
type claimID struct {
	types.NamespacedName
	uid types.UID
}

func newAllocationFlights(
	ctx context.Context, claims fwk.ResourceClaimTracker, client kubernetes.Interface, changes *claimChanges,
) *allocationFlights {
	return &allocationFlights{
		ctx: ctx, claims: claims, client: client, changes: changes,
		byClaim: map[types.UID]*allocationFlight{}, byPod: map[types.UID]*allocationFlight{},
	}
}

// beginFlight takes up an allocation that a pod has in memory alone.
func (f *allocationFlights) beginFlight(uid types.UID, claim *resourceapi.ResourceClaim) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if err := f.claims.SignalClaimPendingAllocation(uid, claim); err != nil || f.byClaim[uid] != nil {
		return err // without one, another pod shares it
	}
	flight := &allocationFlight{pod: extendedOwner(claim)}
	f.byClaim[uid] = flight
	if flight.pod != "" {
		f.byPod[flight.pod] = flight
	}
	return nil
}

// noteWrite takes up that an allocation is about to be written to a claim.
func (f *allocationFlights) noteWrite(claim *resourceapi.ResourceClaim) {
	if claim.Status.Allocation == nil {
		return
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	flight := f.byClaim[claim.UID]
	if flight == nil {
		flight = f.byPod[extendedOwner(claim)]
	}
	if flight != nil {
		flight.written = claimID{nameOf(claim), claim.UID}
	}
}

// giveBack takes an allocation out of flight that a pod gives back. If it may have been written it
// stays until it has landed.
func (f *allocationFlights) giveBack(uid types.UID) (removed bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	flight := f.byClaim[uid]
	if flight == nil || flight.written.Name == "" {
		return f.removeFlight(uid)
	}
	f.landing++
	go f.awaitLanding(uid, flight, flight.written)
	return false
}

// endFlight takes an allocation out of flight that was written.
func (f *allocationFlights) endFlight(uid types.UID) (removed bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	removed = f.claims.MaybeRemoveClaimPendingAllocation(uid, true)
	f.forgetLanded(uid)
	return removed
}

// removeFlight takes an allocation out of flight unless another pod shares it. The mutex is held.
func (f *allocationFlights) removeFlight(uid types.UID) (removed bool) {
	removed = f.claims.MaybeRemoveClaimPendingAllocation(uid, false)
	f.forgetLanded(uid)
	return removed
}

// forgetLanded forgets an allocation that is not in flight any more. The mutex is held.
func (f *allocationFlights) forgetLanded(uid types.UID) {
	flight := f.byClaim[uid]
	if flight == nil || f.claims.GetPendingAllocation(uid) != nil {
		return
	}
	delete(f.byClaim, uid)
	if f.byPod[flight.pod] == flight {
		delete(f.byPod, flight.pod)
	}
}

// landingBackoff is how often the API server is asked, and landingOverdue after how long, and how often, it is
// said that devices are held for that.
var landingBackoff = wait.Backoff{Duration: 10 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 8, Cap: time.Second}

const landingOverdue = 30 * time.Second

// awaitLanding takes an allocation out of flight once the scheduler knows what its claim has.
func (f *allocationFlights) awaitLanding(uid types.UID, flight *allocationFlight, written claimID) {
	next, said := landingBackoff.DelayFunc(), time.Now()
	for {
		err := f.readBack(written)
		if err == nil {
			break
		}
		if time.Since(said) > landingOverdue {
			said = time.Now()
			klog.FromContext(f.ctx).Error(err, "Devices that were given back are held until their claim is read", "claim", written)
		}
		select {
		case <-f.ctx.Done():
			return
		case <-time.After(next()):
		}
	}
	f.mutex.Lock()
	if f.byClaim[uid] == flight { // it was not written by another pod since
		f.removeFlight(uid)
	}
	f.changes.noteUID(uid) // before anybody is tried who is not tried again
	f.landing--
	followers := f.followers
	f.mutex.Unlock()
	for _, follow := range followers {
		follow()
	}
}

// readBack tells the scheduler's memory what the API server has of a claim. An error says that it is not known yet.
func (f *allocationFlights) readBack(written claimID) error {
	claim, err := f.client.ResourceV1().ResourceClaims(written.Namespace).Get(f.ctx, written.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && claim.UID != written.uid {
		return nil // gone, with what it had
	}
	if err != nil {
		return err
	}
	err = f.claims.AssumeClaimAfterAPICall(claim)
	f.changes.noteClaim(claim)
	if errors.Is(err, assumecache.ErrNotFound) {
		return err // the watch has not shown that there is such a claim
	}
	return nil // any other error says that the memory has a later version
}

// isLanding reports whether allocations were given back of which it is not known yet whether they were
// written.
func (f *allocationFlights) isLanding() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.landing > 0
}

// followLandings has a function called after each allocation that has landed.
func (f *allocationFlights) followLandings(landed func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.followers = append(f.followers, landed)
}

// extendedOwner is the pod for whose extended resources the scheduler makes a claim, "" for other claims.
func extendedOwner(claim *resourceapi.ResourceClaim) types.UID {
	if claim.Annotations[resourceapi.ExtendedResourceClaimAnnotation] != "true" {
		return ""
	}
	if owner := metav1.GetControllerOf(claim); owner != nil {
		return owner.UID
	}
	return ""
}
