package simulated

import (
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// noInstance is the number that NVML gives for no MIG instance.
const noInstance = nvml.COMPUTE_INSTANCE_ID_ANY

// supportedEvents are the types of events that the simulated driver has.
const supportedEvents = nvml.EventTypeXidCriticalError | nvml.EventTypeSingleBitEccError | nvml.EventTypeDoubleBitEccError |
	nvml.EventTypePState | nvml.EventTypeClock | nvml.EventTypeNonFatalPoisonError | nvml.EventTypeFatalPoisonError |
	nvml.EventTypeGpuUnavailableError | nvml.EventTypeGpuRecoveryAction

// eventPoll is how often a set that waits looks for events.
const eventPoll = 10 * time.Millisecond

// eventSet is a set of events. It gives what happens after a GPU is registered.
type eventSet struct {
	nvml.EventSet // answers ERROR_NOT_SUPPORTED to whatever is not below
	mu            sync.Mutex
	registered    []*registeredGPU
	freed         bool
}

type registeredGPU struct {
	gpu   *simulatedGPU
	types uint64
	seen  uint64 // the number of the last event that was given or passed over
}

// EventSetCreate makes a set without GPUs.
func (l *Library) EventSetCreate() (nvml.EventSet, nvml.Return) {
	return &eventSet{EventSet: unsupportedEventSet()}, nvml.SUCCESS
}

// EventSetWait waits for an event of a set.
func (l *Library) EventSetWait(set nvml.EventSet, milliseconds uint32) (nvml.EventData, nvml.Return) {
	return set.Wait(milliseconds)
}

// EventSetFree ends a set.
func (l *Library) EventSetFree(set nvml.EventSet) nvml.Return { return set.Free() }

// GetSupportedEventTypes are the events that can be registered for.
func (d *simulatedGPU) GetSupportedEventTypes() (uint64, nvml.Return) {
	_, ret := d.beginCall(CallRead)
	return supportedEvents, ret
}

// RegisterEvents adds the GPU to a set.
func (d *simulatedGPU) RegisterEvents(types uint64, set nvml.EventSet) nvml.Return {
	ours, ok := set.(*eventSet)
	if !ok {
		return nvml.ERROR_INVALID_ARGUMENT
	}
	state, ret := d.beginCall(CallEvents)
	if ret != nvml.SUCCESS {
		return ret
	}
	if types&^supportedEvents != 0 {
		return nvml.ERROR_NOT_SUPPORTED
	}
	ours.mu.Lock()
	defer ours.mu.Unlock()
	for _, entry := range ours.registered {
		if entry.gpu == d {
			entry.types |= types
			return nvml.SUCCESS
		}
	}
	ours.registered = append(ours.registered, &registeredGPU{gpu: d, types: types, seen: state.LastEvent})
	return nvml.SUCCESS
}

// Free ends the set.
func (s *eventSet) Free() nvml.Return {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freed = true
	return nvml.SUCCESS
}

// Wait gives the next event, or ERROR_TIMEOUT after so many milliseconds.
func (s *eventSet) Wait(milliseconds uint32) (nvml.EventData, nvml.Return) {
	for deadline := time.Now().Add(time.Duration(milliseconds) * time.Millisecond); ; {
		data, ret := s.next()
		if ret != nvml.ERROR_TIMEOUT || !time.Now().Before(deadline) {
			return data, ret
		}
		time.Sleep(eventPoll)
	}
}

// next gives an event that is there already.
func (s *eventSet) next() (nvml.EventData, nvml.Return) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.freed {
		return nvml.EventData{}, nvml.ERROR_INVALID_ARGUMENT
	}
	for _, entry := range s.registered {
		state, err := entry.gpu.store.load(entry.gpu.index)
		if err != nil {
			return nvml.EventData{}, nvml.ERROR_UNKNOWN
		}
		for _, event := range state.Events {
			if event.Number <= entry.seen {
				continue
			}
			entry.seen = event.Number
			if event.Type&entry.types != 0 {
				return nvml.EventData{
					Device: entry.gpu, EventType: event.Type, EventData: event.Data,
					GpuInstanceId: event.GPUInstance, ComputeInstanceId: event.ComputeInstance,
				}, nvml.SUCCESS
			}
		}
	}
	return nvml.EventData{}, nvml.ERROR_TIMEOUT
}
