package fencing

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// ErrNotLeader is why a write was refused. It says nothing about the object to be written.
var ErrNotLeader = errors.New("not written: this process's leader lease is not known to be fresh, so another process may lead")

// drainTime bounds how long a lease that is given up waits for requests under way.
const drainTime = 3 * time.Second

// Fence knows whether this process may write. It is safe for concurrent use.
type Fence struct {
	// window is how long after the beginning of a renewal the fence is open.
	window time.Duration
	// silence is how long a peer may leave bytes unacknowledged.
	silence time.Duration
	// since is how long ago a time was.
	since func(time.Time) time.Duration

	mutex   sync.Mutex
	renewed time.Time // when the last successful renewal began; zero if there is none
	closing bool      // nothing new is let through
	writing int       // requests under way
	idle    chan struct{}
}

// NewFence returns a closed fence that each renewal by the election's lock opens. It
// replaces that lock with one that tells of renewals.
func NewFence(election *leaderelection.LeaderElectionConfig) *Fence {
	fence := &Fence{
		window: election.RenewDeadline, silence: election.LeaseDuration - election.RenewDeadline, since: timeSince,
	}
	election.Lock = &observedLock{Interface: election.Lock, fence: fence}
	return fence
}

// timeSince goes by the monotonic and the wall clock, whichever says longer: the former
// stands still while a machine is suspended, the latter may be set back.
func timeSince(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// remainingTime is for how long this process may still write; not positive if it may not.
func (f *Fence) remainingTime() time.Duration {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.renewed.IsZero() {
		return 0
	}
	return f.window - f.since(f.renewed)
}

// beginWrite counts a request under way and says for how long it may write. It is false if the
// fence is closed; otherwise endWrite must follow.
func (f *Fence) beginWrite() (time.Duration, bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.closing || f.renewed.IsZero() {
		return 0, false
	}
	left := f.window - f.since(f.renewed)
	if left <= 0 {
		return 0, false
	}
	f.writing++
	return left, true
}

func (f *Fence) endWrite() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.writing--
	if f.writing == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

// openFence notes a renewal that began then.
func (f *Fence) openFence(began time.Time) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.renewed, f.closing = began, false
}

// closeFence lets nothing new through, waits for what is under way, and closes.
func (f *Fence) closeFence(ctx context.Context) {
	f.mutex.Lock()
	f.closing = true
	var idle chan struct{}
	if f.writing > 0 {
		if f.idle == nil {
			f.idle = make(chan struct{})
		}
		idle = f.idle
	}
	f.mutex.Unlock()
	if idle != nil {
		ctx, cancel := context.WithTimeout(ctx, drainTime)
		defer cancel()
		select {
		case <-idle:
		case <-ctx.Done():
		}
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.renewed = time.Time{}
}

// observedLock is an elector's lock that tells the fence of its renewals.
type observedLock struct {
	resourcelock.Interface

	fence *Fence
}

// Create implements resourcelock.Interface.
func (l *observedLock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.writeRecord(ctx, record, l.Interface.Create)
}

// Update implements resourcelock.Interface.
func (l *observedLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.writeRecord(ctx, record, l.Interface.Update)
}

// writeRecord writes a record of the lock. A record that names another holder, or none, gives the
// lease up: the fence closes first.
func (l *observedLock) writeRecord(
	ctx context.Context, record resourcelock.LeaderElectionRecord, write func(context.Context, resourcelock.LeaderElectionRecord) error,
) error {
	if record.HolderIdentity != l.Identity() {
		l.fence.closeFence(ctx)
		return write(ctx, record)
	}
	began := time.Now()
	if err := write(ctx, record); err != nil {
		return err
	}
	l.fence.openFence(began)
	return nil
}
