package hardware

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// eventKinds are the kinds of NVML's types of events that say something of health.
var eventKinds = map[uint64]EventKind{
	nvml.EventTypeXidCriticalError:    EventXID,
	nvml.EventTypeDoubleBitEccError:   EventDoubleBitECC,
	nvml.EventTypeFatalPoisonError:    EventPoison,
	nvml.EventTypeGpuUnavailableError: EventUnavailable,
	nvml.EventTypeGpuRecoveryAction:   EventRecoveryAction,
}

// ErrClosed is what NextEvent returns once the session is closed.
var ErrClosed = errors.New("the NVML session is closed")

const (
	eventWait  = 100 * time.Millisecond // how long one call waits for an event
	eventQueue = 256                    // events that nobody has taken yet; more stay in the driver
)

// eventPump gathers what NextEvent gives. What a GPU's answers tell is kept as a state
// beside the queue, so that it is never lost nor told twice.
type eventPump struct {
	queue  chan Event
	change chan struct{} // holds a value if answers may have changed
	done   sync.WaitGroup

	mu         sync.Mutex
	set        nvml.EventSet
	answers    map[string]*gpuAnswer
	registered map[string]bool
	probing    map[string]bool
}

func (p *eventPump) init() {
	p.queue, p.change = make(chan Event, eventQueue), make(chan struct{}, 1)
	p.answers, p.registered, p.probing = map[string]*gpuAnswer{}, map[string]bool{}, map[string]bool{}
}

// NextEvent implements EventSource. Events are gathered from Open on; GPUs that are lost
// or do not answer are found by asking them from time to time.
func (n *NVML) NextEvent(ctx context.Context) (Event, error) {
	for {
		if event, found := n.events.untold(n.GPUs(), n.options.Clock.Now()); found {
			return event, nil
		}
		select {
		case event := <-n.events.queue:
			return event, nil
		case <-n.events.change:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case <-n.running.Done():
			return Event{}, ErrClosed
		}
	}
}

// startEvents registers the GPUs that answer, waits for events and probes, until the
// session ends.
func (n *NVML) startEvents() {
	err := n.dog.run(n.running, "", n.options.ReadTimeout, func(o *operation) error {
		o.begin("EventSetCreate")
		set, ret := n.lib.EventSetCreate()
		if ret == nvml.SUCCESS {
			n.events.mu.Lock()
			n.events.set = set
			n.events.mu.Unlock()
		}
		return o.failure(ret)
	})
	n.probeGPUs().Wait()
	if err == nil { // without, what probing finds remains
		n.events.done.Go(n.gatherEvents)
	}
	n.events.done.Go(func() {
		timer := n.options.Clock.NewTimer(n.options.ProbeInterval)
		defer timer.Stop()
		for {
			select {
			case <-timer.C():
				_ = n.findGPUs(n.running) // what it does not find it looks for again
				n.probeGPUs()
				timer.Reset(n.options.ProbeInterval)
			case <-n.running.Done():
				return
			}
		}
	})
}

// stopEvents waits until nothing uses the library for events any more, and reports
// whether that came about in time.
func (n *NVML) stopEvents() bool {
	stopped := make(chan struct{})
	go func() {
		n.events.done.Wait()
		close(stopped)
	}()
	timer := n.options.Clock.NewTimer(n.options.ReadTimeout)
	defer timer.Stop()
	select {
	case <-stopped:
		return true
	case <-timer.C():
		return false
	}
}

// gatherEvents waits for events of the library and queues them.
func (n *NVML) gatherEvents() {
	for n.running.Err() == nil {
		data, ret := n.events.set.Wait(uint32(eventWait / time.Millisecond))
		switch ret {
		case nvml.SUCCESS:
			event, known := n.eventOf(data)
			if !known {
				continue
			}
			select {
			case n.events.queue <- event:
			case <-n.running.Done():
			}
		case nvml.ERROR_TIMEOUT:
		default: // a GPU is lost: probing finds out which
			select {
			case <-n.options.Clock.After(minimumWait):
			case <-n.running.Done():
			}
		}
	}
}

// eventOf translates an event; those of GPUs that are not known, and of other kinds, are
// passed over.
func (n *NVML) eventOf(data nvml.EventData) (Event, bool) {
	kind, known := eventKinds[data.EventType]
	if !known || data.Device == nil {
		return Event{}, false
	}
	gpu := n.uuidOf(data.Device)
	event := Event{GPU: gpu, Kind: kind, At: n.options.Clock.Now()}
	if kind == EventXID {
		event.XID = data.EventData
	}
	if data.GpuInstanceId != noInstance {
		event.GPUInstance = &data.GpuInstanceId
	}
	if data.ComputeInstanceId != noInstance {
		event.ComputeInstance = &data.ComputeInstanceId
	}
	return event, gpu != ""
}

// noInstance is NVML's number for no MIG instance.
const noInstance = nvml.COMPUTE_INSTANCE_ID_ANY

// uuidOf finds the GPU of a handle: among those known, so that a GPU that hangs is not
// asked, and otherwise by asking.
func (n *NVML) uuidOf(handle nvml.Device) string {
	n.mu.Lock()
	for uuid, known := range n.gpus {
		if known.handle != nil && reflect.TypeOf(handle).Comparable() && known.handle == handle {
			n.mu.Unlock()
			return uuid
		}
	}
	n.mu.Unlock()
	found := ""
	_ = n.dog.run(n.running, "event", n.options.ReadTimeout, func(o *operation) error {
		o.begin("GetUUID")
		uuid, ret := handle.GetUUID()
		if ret == nvml.SUCCESS && checkGPU(uuid) == nil && o.finish() {
			found = uuid
		}
		return o.failure(ret)
	}) // an event that names no GPU is of no use
	return found
}

// register has the library report the GPU's events of the kinds that it has.
func (n *NVML) register(o *operation, handle nvml.Device) error {
	n.events.mu.Lock()
	set, registered := n.events.set, n.events.registered[o.gpu]
	n.events.mu.Unlock()
	if set == nil || registered {
		return nil
	}
	o.begin("GetSupportedEventTypes")
	supported, ret := handle.GetSupportedEventTypes()
	if isAbsent(ret) {
		return nil
	}
	if err := o.failure(ret); err != nil {
		return err
	}
	wanted := uint64(0)
	for kind := range eventKinds {
		wanted |= kind & supported
	}
	if wanted == 0 {
		return nil
	}
	o.begin(fmt.Sprintf("RegisterEvents(%d)", wanted))
	if err := o.failure(handle.RegisterEvents(wanted, set)); err != nil {
		return err
	}
	n.events.mu.Lock()
	defer n.events.mu.Unlock()
	n.events.registered[o.gpu] = true
	return nil
}
