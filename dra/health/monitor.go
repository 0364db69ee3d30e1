package health

import (
	"context"
	"errors"
	"sync"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// MonitorOptions are what a Monitor works with.
type MonitorOptions struct {
	Reader hardware.Reader
	Events hardware.EventSource
	// GPUs lists the GPUs to watch, Devices what the node hands out of them at present. A
	// GPU that is no longer listed is watched on: it may have fallen off the bus.
	GPUs    func() []dra.GPUIdentity
	Devices func() []dra.Device
	// Pool is the name of the node's pool.
	Pool   string
	Policy TaintPolicy
	// Interval is how often conditions are polled, 10 s if it is 0.
	Interval time.Duration
	Clock    clock.WithTicker
	// TaintsChanged is called when a taint of any device changed, HealthChanged when the
	// health of any did, other than by time passing, which every change of a taint is too.
	// Tell is called with what people should know. All are called from one goroutine and
	// never twice at a time, and may be nil.
	TaintsChanged, HealthChanged func()
	Tell                         func(Notice)
}

const (
	defaultInterval = 10 * time.Second
	// retryEvents is how long to wait after NextEvent failed.
	retryEvents = time.Second
	// resolving is how many events of a GPU may wait to learn which instance they are of.
	resolving = 8
)

// Monitor watches the health of a node's GPUs. Every GPU is polled in a goroutine of its
// own, so that one that hangs delays nobody. Its methods may be called at any time.
type Monitor struct {
	options MonitorOptions
	group   sync.WaitGroup // the goroutines of Run

	mu       sync.Mutex
	machine  *StateMachine
	pollers  map[string]*gpuPoller
	counted  map[string]uint64 // errors by code that metrics have already
	watchers map[chan struct{}]bool
	version  uint64        // of taints, as last told
	outlook  uint64        // of health, as last told
	changes  chan struct{} // holds a value if there is something to tell
}

// NewMonitor returns a Monitor, which does nothing before Run. It fails on a policy that
// cannot be.
func NewMonitor(options MonitorOptions) (*Monitor, error) {
	if err := CheckPolicy(options.Policy); err != nil {
		return nil, err
	}
	if options.Interval <= 0 {
		options.Interval = defaultInterval
	}
	return &Monitor{
		options: options, machine: NewStateMachine(options.Policy), pollers: map[string]*gpuPoller{},
		counted: map[string]uint64{}, watchers: map[chan struct{}]bool{}, changes: make(chan struct{}, 1),
	}, nil
}

// Run watches until ctx ends, and returns once all that it started has ended but calls of
// the library that do not return.
func (m *Monitor) Run(ctx context.Context) {
	m.group.Go(func() { m.followEvents(ctx) })
	m.group.Go(func() { m.tellChanges(ctx) })
	ticker := m.options.Clock.NewTicker(m.options.Interval)
	defer ticker.Stop()
	for m.startPollers(ctx); ctx.Err() == nil; {
		select {
		case <-ticker.C():
			m.startPollers(ctx)
			m.publishMetrics()
		case <-ctx.Done():
		}
	}
	m.group.Wait()
}

// startPollers starts a poller for each GPU that has none, and wakes the others.
func (m *Monitor) startPollers(ctx context.Context) {
	gpus := m.options.GPUs()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, gpu := range gpus {
		m.machine.WatchGPU(gpu)
		if m.pollers[gpu.UUID] == nil {
			poller := newPoller(m, gpu.UUID)
			m.pollers[gpu.UUID] = poller
			m.group.Go(func() { poller.run(ctx) })
		}
	}
	for _, poller := range m.pollers {
		poller.wakeUp()
	}
}

// followEvents feeds events to the machine. Where they end, polls go on.
func (m *Monitor) followEvents(ctx context.Context) {
	logger := klog.FromContext(ctx)
	for ctx.Err() == nil {
		event, err := m.options.Events.NextEvent(ctx)
		var call *hardware.CallError
		switch {
		case err == nil:
			m.takeEvent(ctx, event)
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, hardware.ErrClosed):
			logger.Info("Events of GPUs have ended, their conditions are polled on", "interval", m.options.Interval)
			return
		case errors.As(err, &call) && call.GPU != "":
			m.update(func(machine *StateMachine, now time.Time) { machine.NoteFailure(call.GPU, err, now) })
		}
		logger.Error(err, "Waiting for events of GPUs failed, trying again", "after", retryEvents)
		select {
		case <-m.options.Clock.After(retryEvents):
		case <-ctx.Done():
		}
	}
}

// takeEvent notes an event. One that names a MIG instance first waits, elsewhere, to
// learn where that is.
func (m *Monitor) takeEvent(ctx context.Context, event hardware.Event) {
	if event.At.IsZero() {
		event.At = m.options.Clock.Now()
	}
	m.mu.Lock()
	poller := m.pollers[event.GPU]
	m.mu.Unlock()
	if poller == nil {
		klog.FromContext(ctx).V(2).Info("Event of a GPU that is not watched", "gpu", event.GPU, "kind", event.Kind, "xid", event.XID)
		return
	}
	if event.GPUInstance == nil || !hitsInstance(event) {
		m.noteEvent(event, nil)
		return
	}
	select {
	case poller.resolving <- struct{}{}:
	default: // too many wait: rather the whole GPU than nothing
		m.noteEvent(event, nil)
		return
	}
	m.group.Go(func() {
		defer func() { <-poller.resolving }()
		m.noteEvent(event, poller.placementOf(ctx, *event.GPUInstance))
	})
}

// hitsInstance reports whether it matters which MIG instance an event is of.
func hitsInstance(event hardware.Event) bool {
	entry, _ := LookUpXID(event.XID)
	return event.Kind == hardware.EventPoison || event.Kind == hardware.EventXID && entry.Radius == RadiusInstance
}

func (m *Monitor) noteEvent(event hardware.Event, placement *mig.Placement) {
	poll := false
	m.update(func(machine *StateMachine, _ time.Time) { poll = machine.NoteEvent(event, placement) })
	m.mu.Lock()
	poller := m.pollers[event.GPU]
	m.mu.Unlock()
	if poll && poller != nil {
		poller.wakeUp()
	}
}

// update changes the machine, and has people told what follows from it.
func (m *Monitor) update(change func(machine *StateMachine, now time.Time)) {
	m.mu.Lock()
	change(m.machine, m.options.Clock.Now())
	m.mu.Unlock()
	select {
	case m.changes <- struct{}{}:
	default: // it will be seen with what is there already
	}
}

// tellChanges calls back, apart from whoever noticed.
func (m *Monitor) tellChanges(ctx context.Context) {
	for {
		select {
		case <-m.changes:
		case <-ctx.Done():
			return
		}
		m.mu.Lock()
		notices := m.machine.TakeNotices()
		changed := m.version != m.machine.TaintVersion()
		m.version = m.machine.TaintVersion()
		healthChanged := m.outlook != m.machine.HealthVersion()
		if healthChanged {
			m.outlook = m.machine.HealthVersion()
			for watcher := range m.watchers {
				select {
				case watcher <- struct{}{}:
				default:
				}
			}
		}
		m.mu.Unlock()
		m.publishMetrics()
		for _, notice := range notices {
			klog.FromContext(ctx).Info("Health of a GPU", "gpu", notice.GPU.UUID, "reason", notice.Reason, "message", notice.Message)
			if m.options.Tell != nil {
				m.options.Tell(notice)
			}
		}
		if changed && m.options.TaintsChanged != nil {
			m.options.TaintsChanged()
		}
		if healthChanged && m.options.HealthChanged != nil {
			m.options.HealthChanged()
		}
	}
}

// DeviceTaints are the taints of a device at present.
func (m *Monitor) DeviceTaints(device dra.Device) []resourceapi.DeviceTaint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.machine.DeviceTaints(device)
}

// DeviceConditions are the conditions of a device for the status of its claim.
func (m *Monitor) DeviceConditions(device dra.Device) []metav1.Condition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.machine.DeviceConditions(device, m.options.Clock.Now(), m.freshness())
}

// freshness is how old a poll may be that health is told from.
func (m *Monitor) freshness() time.Duration { return 3 * m.options.Interval }
