package simulated

import (
	"fmt"
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// HangCalls makes calls of the kinds hang until ReleaseCalls.
func (c *Control) HangCalls(gpu int, kinds ...CallKind) error {
	return c.change(gpu, "hanging calls", func(s *gpuState) error {
		for _, kind := range kinds {
			if !slices.Contains(callKinds, kind) {
				return fmt.Errorf("unknown kind of calls %q", kind)
			}
			if !slices.Contains(s.Hangs, kind) {
				s.Hangs = append(s.Hangs, kind)
			}
		}
		return nil
	})
}

// ReleaseCalls lets all calls that hang go on.
func (c *Control) ReleaseCalls(gpu int) error {
	return c.change(gpu, "releasing calls", func(s *gpuState) error {
		s.Hangs = nil
		return nil
	})
}

// SetLatency says how long calls of the kind take; CallAny sets the kinds that are not
// set of their own.
func (c *Control) SetLatency(gpu int, kind CallKind, latency time.Duration) error {
	return c.change(gpu, "setting a latency", func(s *gpuState) error {
		if !slices.Contains(callKinds, kind) || latency < 0 {
			return fmt.Errorf("want a kind of calls and a time of at least 0, got %q and %v", kind, latency)
		}
		if s.Latency == nil {
			s.Latency = map[CallKind]time.Duration{}
		}
		s.Latency[kind] = latency
		return nil
	})
}

// RefuseCalls makes the next calls of the kind fail with a code.
func (c *Control) RefuseCalls(gpu int, kind CallKind, code nvml.Return, times int) error {
	return c.change(gpu, "refusing calls", func(s *gpuState) error {
		if !slices.Contains(callKinds, kind) || kind == CallAny || times < 1 {
			return fmt.Errorf("want one kind of calls and a number of at least 1, got %q and %d", kind, times)
		}
		s.Refuse = append(s.Refuse, refusal{Kind: kind, Code: code, Times: times})
		return nil
	})
}
