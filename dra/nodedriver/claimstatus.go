package nodedriver

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	resourceapply "k8s.io/client-go/applyconfigurations/resource/v1"
	resourceclient "k8s.io/client-go/kubernetes/typed/resource/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	// statusManager owns what the driver writes into the status of claims, and nothing else.
	statusManager = deviceapi.Driver
	// firstRetry doubles with each write of a claim's status that fails, up to lastRetry.
	firstRetry, lastRetry = time.Second, 5 * time.Minute
	// statusTimeout is how long one claim may take.
	statusTimeout = 30 * time.Second
)

// claimStatusOptions are what claimStatuses work with. All are required.
type claimStatusOptions struct {
	Claims resourceclient.ResourceClaimsGetter
	Store  *checkpoint.Store
	// Pool is the name of the node's pool.
	Pool string
	// Conditions are those of a device at present.
	Conditions func(dra.Device) []metav1.Condition
	Clock      clock.WithTicker
}

// claimStatuses write the health of prepared devices into the status of their claims: once
// when a device becomes unhealthy, and once for every change after that. Devices that were
// never unhealthy are not in the status. What a driver before this one wrote is taken up.
type claimStatuses struct {
	claimStatusOptions
	queue workqueue.TypedRateLimitingInterface[types.UID]

	mu sync.Mutex
	// known is what the status of each claim has, of claims that were looked at.
	known map[types.UID]claimEntries
}

func newClaimStatuses(options claimStatusOptions) *claimStatuses {
	return &claimStatuses{
		claimStatusOptions: options, known: map[types.UID]claimEntries{},
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](firstRetry, lastRetry),
			workqueue.TypedRateLimitingQueueConfig[types.UID]{Clock: options.Clock}),
	}
}

// queueClaims has all prepared claims looked at, and forgets those that no longer are. It
// does not wait. It is to be called when the health of a device changed, and now and then
// for claims that were prepared since.
func (s *claimStatuses) queueClaims() {
	prepared := map[types.UID]bool{}
	for _, claim := range s.Store.PreparedClaims() {
		prepared[claim.UID] = true
		s.queue.Add(claim.UID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for uid := range s.known {
		if !prepared[uid] {
			delete(s.known, uid)
		}
	}
}

// writeStatuses writes what is to be written until ctx ends. A claim whose status cannot be
// written is tried again, less and less often; the others do not wait for it.
func (s *claimStatuses) writeStatuses(ctx context.Context) {
	stop := context.AfterFunc(ctx, s.queue.ShutDown)
	defer stop()
	for {
		uid, ended := s.queue.Get()
		if ended {
			return
		}
		if err := s.writeStatus(ctx, uid); err == nil {
			s.queue.Forget(uid)
		} else if ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "The health of devices is not in the status of their claim, trying again",
				"failures", s.queue.NumRequeues(uid)+1)
			s.queue.AddRateLimited(uid)
		}
		s.queue.Done(uid)
	}
}

// writeStatus writes the health of a claim's devices if it is to be written.
func (s *claimStatuses) writeStatus(ctx context.Context, uid types.UID) error {
	record, found := s.Store.PreparedClaim(uid)
	if !found || record.State != checkpoint.StatePrepareCompleted {
		s.setKnown(uid, nil) // what comes next under that uid is looked at anew
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	entries, known := s.knownEntries(uid)
	if !known {
		claim, err := s.Claims.ResourceClaims(record.Namespace).Get(ctx, record.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && claim.UID != uid {
			return nil // it is gone, and will be unprepared
		}
		if err != nil {
			return fmt.Errorf("reading the status of claim %s: %w", record, err)
		}
		entries = entriesOf(claim, s.Pool)
		s.setKnown(uid, entries)
	}
	wanted, changed := s.wantedEntries(&record, entries)
	if !changed {
		return nil
	}
	// With its uid no claim is written that was made anew under the same name.
	change := resourceapply.ResourceClaim(record.Name, record.Namespace).WithUID(uid).WithStatus(wanted.applyStatus(s.Pool))
	_, err := s.Claims.ResourceClaims(record.Namespace).ApplyStatus(ctx, change, metav1.ApplyOptions{FieldManager: statusManager, Force: true})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		s.setKnown(uid, nil) // it may be that it was written
		return fmt.Errorf("writing the status of claim %s: %w", record, err)
	}
	s.setKnown(uid, wanted)
	klog.FromContext(ctx).Info("Wrote the health of devices into the status of their claim",
		"claim", record.String(), "devices", wanted.healthText())
	return nil
}

func (s *claimStatuses) knownEntries(uid types.UID) (claimEntries, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, known := s.known[uid]
	return entries, known
}

// setKnown notes what the status of a claim has; nil forgets it.
func (s *claimStatuses) setKnown(uid types.UID, entries claimEntries) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entries == nil {
		delete(s.known, uid)
		return
	}
	s.known[uid] = entries
}
