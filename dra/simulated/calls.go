package simulated

import (
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// CallKind is a group of NVML calls whose time and failures are set together.
type CallKind string

// The kinds of calls. CallAny stands for all of them.
const (
	CallAny             CallKind = "any"
	CallHandle          CallKind = "handle"           // finding a GPU
	CallRead            CallKind = "read"             // what it is, and its state
	CallMIGMode         CallKind = "mig-mode"         // switching MIG mode
	CallCreateInstance  CallKind = "create-instance"  // creating a GPU instance
	CallCreateCompute   CallKind = "create-compute"   // creating a compute instance
	CallDestroyInstance CallKind = "destroy-instance" // destroying a GPU instance
	CallDestroyCompute  CallKind = "destroy-compute"  // destroying a compute instance
	CallComputeMode     CallKind = "compute-mode"     // switching the compute mode
	CallEvents          CallKind = "events"           // registering for events
)

var callKinds = []CallKind{
	CallAny, CallHandle, CallRead, CallMIGMode, CallCreateInstance, CallCreateCompute, CallDestroyInstance,
	CallDestroyCompute, CallComputeMode, CallEvents,
}

// hangPoll is how often a call that hangs looks whether it still should.
const hangPoll = 2 * time.Millisecond

// beginCall waits as long as a call of the kind is set to take before it does anything,
// or hangs, and refuses calls to a GPU that is lost.
func (d *simulatedGPU) beginCall(kind CallKind) (*gpuState, nvml.Return) {
	state, err := d.store.load(d.index)
	for err == nil && (slices.Contains(state.Hangs, kind) || slices.Contains(state.Hangs, CallAny)) {
		time.Sleep(hangPoll)
		state, err = d.store.load(d.index)
	}
	if err != nil {
		return nil, nvml.ERROR_UNKNOWN
	}
	if latency := state.latency(kind); latency > 0 {
		time.Sleep(kind.timeBefore(latency))
		if state, err = d.store.load(d.index); err != nil {
			return nil, nvml.ERROR_UNKNOWN
		}
	}
	if state.Lost {
		return nil, nvml.ERROR_GPU_IS_LOST
	}
	if slices.ContainsFunc(state.Refuse, func(r refusal) bool { return r.Kind == kind }) {
		if ret := d.consumeRefusal(kind); ret != nvml.SUCCESS {
			return nil, ret
		}
	}
	return state, nvml.SUCCESS
}

func (s *gpuState) latency(kind CallKind) time.Duration {
	if latency, set := s.Latency[kind]; set {
		return latency
	}
	return s.Latency[CallAny]
}

// consumeRefusal takes one of the failures that calls of the kind are to have.
func (d *simulatedGPU) consumeRefusal(kind CallKind) nvml.Return {
	code := nvml.SUCCESS
	ret, _ := d.store.update(d.index, func(state *gpuState) nvml.Return {
		for i := range state.Refuse {
			if entry := &state.Refuse[i]; entry.Kind == kind {
				code = entry.Code
				if entry.Times--; entry.Times <= 0 {
					state.Refuse = slices.Delete(state.Refuse, i, i+1)
				}
				break
			}
		}
		return nvml.SUCCESS
	})
	if ret != nvml.SUCCESS {
		return ret // what the store could not do says enough
	}
	return code
}

// changeState is a call that changes the GPU: half of its time passes before, half after,
// so that a process can be killed on either side of the change.
func (d *simulatedGPU) changeState(kind CallKind, change func(*gpuState) nvml.Return) nvml.Return {
	state, ret := d.beginCall(kind)
	if ret != nvml.SUCCESS {
		return ret
	}
	ret, _ = d.store.update(d.index, func(state *gpuState) nvml.Return {
		if state.Lost {
			return nvml.ERROR_GPU_IS_LOST
		}
		return change(state)
	})
	latency := state.latency(kind)
	time.Sleep(latency - kind.timeBefore(latency))
	return ret
}

// timeBefore is the part of a call's time that passes before it changes anything.
func (k CallKind) timeBefore(latency time.Duration) time.Duration {
	if k == CallRead || k == CallHandle || k == CallEvents {
		return latency
	}
	return latency / 2
}
