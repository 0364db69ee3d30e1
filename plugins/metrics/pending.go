package metrics

import (
	"context"
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// PendingCause is why a pod waits, in a word of PendingCauses. A pod has one: that for which
// something in the cluster must change, where there are several.
type PendingCause string

// Causes that are not the code of a refusal (placement.ReasonCode) or ModelTooLarge.
const (
	// NotTried is that of a pod that the scheduler has not come to, or has tried and not
	// refused.
	NotTried PendingCause = "NotTried"
	// Gated is that of a pod whose scheduling gates are not removed.
	Gated PendingCause = "Gated"
	// Reserved is that of a pod that has its devices and waits for its PodGroup or to be bound.
	Reserved PendingCause = "Reserved"
	// GroupWaits is that of a pod whose PodGroup cannot start.
	GroupWaits PendingCause = "GroupWaits"
	// PodInvalid is that of a pod that no node can serve as it and its claims are.
	PodInvalid PendingCause = "PodInvalid"
	// NothingServes is that of a pod that asks for what nothing in the cluster hands out.
	NothingServes PendingCause = "NothingServes"
	// Releasing is that of a pod for which devices are being given back.
	Releasing PendingCause = "Releasing"
	// OtherPlugins is that of a pod that something other than GPUs keeps from all nodes that
	// would serve it: CPU, memory, taints, affinity.
	OtherPlugins PendingCause = "OtherPlugins"
)

// PendingCauses are all causes, as the label of a metric.
var PendingCauses = []PendingCause{
	NotTried, Gated, Reserved, GroupWaits, PodInvalid, NothingServes, Releasing, OtherPlugins,
	"NoMatch", "GPUsBusy", "SlicesTaken", "MemoryShort", "Unlike", "Unsupplied", "Together", "Unresolved", ModelTooLarge,
}

// PendingPods are the pods that wait for one cause.
type PendingPods struct {
	Count int
	// Oldest is when the oldest of them was made, zero for none.
	Oldest time.Time
}

// AddPod counts a pod.
func (p PendingPods) AddPod(created time.Time) PendingPods {
	p.Count++
	if p.Oldest.IsZero() || created.Before(p.Oldest) {
		p.Oldest = created
	}
	return p
}

var (
	pendingDesc = metrics.NewDesc("ashlar_pending_pods",
		"Pods that wait for a node, by cause; a pod has one. From the replica that schedules.", []string{"cause"}, nil, metrics.ALPHA, "")
	oldestPendingDesc = metrics.NewDesc("ashlar_pending_oldest_seconds",
		"Age of the oldest pod that waits for a node, by cause; 0 without one.", []string{"cause"}, nil, metrics.ALPHA, "")
)

// waitingSources measure what waits, for each profile of the scheduler that runs.
type waitingSources[K comparable] struct {
	mutex sync.Mutex
	next  int
	of    map[int]func() map[K]PendingPods
}

// addSource adds a source until ctx ends. It returns nil for what it cannot say.
func (s *waitingSources[K]) addSource(ctx context.Context, measure func() map[K]PendingPods) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.of == nil {
		s.of = map[int]func() map[K]PendingPods{}
	}
	number := s.next
	s.next++
	s.of[number] = measure
	context.AfterFunc(ctx, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		delete(s.of, number)
	})
}

// measureAll adds up what the sources say; nil if none says anything.
func (s *waitingSources[K]) measureAll() map[K]PendingPods {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var all map[K]PendingPods
	for _, measure := range s.of {
		one := measure()
		if one != nil && all == nil {
			all = map[K]PendingPods{}
		}
		for key, pods := range one {
			sum := all[key]
			if sum.Oldest.IsZero() || !pods.Oldest.IsZero() && pods.Oldest.Before(sum.Oldest) {
				sum.Oldest = pods.Oldest
			}
			sum.Count += pods.Count
			all[key] = sum
		}
	}
	return all
}

// waitingCollector measures when it is asked what waits, under two descriptions: how many,
// and the age of the oldest.
type waitingCollector[K ~string] struct {
	metrics.BaseStableCollector
	counts, ages *metrics.Desc
	keys         []K
	sources      *waitingSources[K]
	now          func() time.Time
}

// DescribeWithStability implements metrics.StableCollector.
func (c *waitingCollector[K]) DescribeWithStability(to chan<- *metrics.Desc) {
	to <- c.counts
	to <- c.ages
}

// CollectWithStability implements metrics.StableCollector.
func (c *waitingCollector[K]) CollectWithStability(to chan<- metrics.Metric) {
	all := c.sources.measureAll()
	if all == nil {
		return
	}
	for _, key := range c.keys {
		pods, age := all[key], 0.0
		if !pods.Oldest.IsZero() {
			age = max(0, c.now().Sub(pods.Oldest).Seconds())
		}
		to <- metrics.NewLazyConstMetric(c.counts, metrics.GaugeValue, float64(pods.Count), string(key))
		to <- metrics.NewLazyConstMetric(c.ages, metrics.GaugeValue, age, string(key))
	}
}

var (
	pendingSources  waitingSources[PendingCause]
	registerPending = sync.OnceFunc(func() {
		legacyregistry.CustomMustRegister(&waitingCollector[PendingCause]{
			counts: pendingDesc, ages: oldestPendingDesc, keys: PendingCauses, sources: &pendingSources, now: time.Now,
		})
	})
)

// RegisterPending has the metrics of pods that wait measured for a profile, when somebody asks,
// until ctx ends. measure returns nil as long as its scheduler does not schedule.
func RegisterPending(ctx context.Context, measure func() map[PendingCause]PendingPods) {
	registerPending()
	pendingSources.addSource(ctx, measure)
}
