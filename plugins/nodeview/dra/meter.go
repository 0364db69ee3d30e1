package dra

import (
	"context"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// UsageMeter measures how the GPUs of a cluster are used. It keeps a snapshot of its own, built when
// it is first asked: that of a Source belongs to the scheduling cycle.
//
// Safe for concurrent use.
type UsageMeter struct {
	ctx      context.Context // ends what follows the cluster
	followed *Source         // the scheduler's own, of which nothing but what it follows is used

	mutex  sync.Mutex
	source *Source // nil until somebody asks
}

// keepUpEvery is how often a meter takes what changed if nobody asks: what it is told of claims
// would pile up.
const keepUpEvery = time.Minute

// NewMeter returns a meter that follows what the source does, until ctx ends.
func (s *Source) NewMeter(ctx context.Context) *UsageMeter { return &UsageMeter{ctx: ctx, followed: s} }

// beginMeasuring begins to follow claims.
func (m *UsageMeter) beginMeasuring() {
	s := m.followed
	m.source = &Source{manager: s.manager, changes: s.changes, sliceEvents: &sliceEvents{last: s.sliceEvents.last}}
	var listener *claimListener
	if s.changes != nil {
		listener = s.changes.newListener()
	}
	m.source.ledger = newClaimLedger(listener, s.manager.ResourceClaims(), &m.source.pools)
	go func() {
		ticker := time.NewTicker(keepUpEvery)
		defer ticker.Stop()
		for {
			select {
			case <-m.ctx.Done():
				return
			case <-ticker.C:
				if _, err := m.MeasureUsage(); err != nil {
					klog.FromContext(m.ctx).V(4).Info("How GPUs are used was not measured", "err", err)
				}
			}
		}
	}()
}

// MeasureUsage is how the GPUs are used now, by product; what the scheduler has decided and not
// yet written counts.
func (m *UsageMeter) MeasureUsage() (map[string]*cluster.ProductUsage, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.source == nil {
		m.beginMeasuring()
	}
	if err := m.source.Refresh(); err != nil {
		return nil, err
	}
	if err := m.source.ledger.refresh(); err != nil {
		return nil, err
	}
	return (&Cycle{source: m.source}).Snapshot().MeasureUsage(), nil
}
