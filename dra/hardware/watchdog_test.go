package hardware_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// quick is well below every timeout of openNode.
const quick = 150 * time.Millisecond

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in 10 s it did not come about that %s", what)
		}
	}
}

func TestHangingCallBlocksNoOtherGPU(t *testing.T) {
	node, control := openNode(t, h100)
	gpus := node.GPUs()
	check(t, control.HangCalls(0, simulated.CallRead))
	if _, _, err := node.MIGMode(t.Context(), gpus[0]); !errors.Is(err, hardware.ErrHangs) {
		t.Fatalf("GPU 0: error %v, want %v", err, hardware.ErrHangs)
	}
	begin := time.Now()
	for range 20 { // nobody waits for it a second time
		if _, err := node.Instances(t.Context(), gpus[0]); !errors.Is(err, hardware.ErrHangs) {
			t.Fatalf("GPU 0 again: error %v, want %v", err, hardware.ErrHangs)
		}
	}
	for _, gpu := range gpus[1:] {
		if _, err := node.Instances(t.Context(), gpu); err != nil {
			t.Errorf("another GPU: %v", err)
		}
		check(t, node.SetMIGMode(t.Context(), gpu, true))
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the others took %v", took)
	}
	check(t, control.ReleaseCalls(0))
	eventually(t, "GPU 0 answers again", func() bool {
		_, _, err := node.MIGMode(t.Context(), gpus[0])
		return err == nil
	})
}

// However many callers there are, one goroutine at most is left in the library.
func TestHangingCallsDoNotPileUp(t *testing.T) {
	node, control := openNode(t, h100)
	gpu := node.GPUs()[0]
	check(t, control.HangCalls(0, simulated.CallAny))
	before := runtime.NumGoroutine()
	var wait sync.WaitGroup
	for range 200 {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := node.Condition(ctx, gpu); err == nil {
				t.Error("a call that hangs returned")
			}
		})
	}
	wait.Wait()
	eventually(t, "callers' goroutines end", func() bool { return runtime.NumGoroutine() < before+20 })
	check(t, control.ReleaseCalls(0))
}

// A creation that comes back after it was given up leaves nothing.
func TestLateCreationIsUndone(t *testing.T) {
	for name, kind := range map[string]simulated.CallKind{
		"GPU instance": simulated.CallCreateInstance, "compute instance": simulated.CallCreateCompute,
	} {
		for cause, want := range map[string]error{"timeout": hardware.ErrHangs, "context": context.DeadlineExceeded} {
			t.Run(name+" "+cause, func(t *testing.T) {
				t.Parallel()
				node, control := openNode(t, h100, simulated.WithMIG(true))
				gpu := node.GPUs()[0]
				check(t, control.HangCalls(0, kind))
				ctx := t.Context()
				if cause == "context" {
					short, cancel := context.WithTimeout(ctx, quick)
					defer cancel()
					ctx = short
				}
				if _, err := node.CreateInstance(ctx, gpu, oneSlice, mig.Placement{Size: 1}); !errors.Is(err, want) {
					t.Fatalf("error %v, want %v", err, want)
				}
				check(t, control.ReleaseCalls(0))
				eventually(t, "the GPU answers and is empty", func() bool {
					instances, err := node.Instances(t.Context(), gpu)
					return err == nil && len(instances) == 0
				})
			})
		}
	}
}

// Calls that follow a slow one wait for it, and do not take it for one that hangs.
func TestSlowCallIsWaitedFor(t *testing.T) {
	node, control := openNode(t, h100, simulated.WithMIG(true))
	gpu := node.GPUs()[0]
	check(t, control.SetLatency(0, simulated.CallCreateInstance, 800*time.Millisecond)) // beyond the time of a read
	created := make(chan error, 1)
	go func() {
		_, err := node.CreateInstance(t.Context(), gpu, oneSlice, mig.Placement{Size: 1})
		created <- err
	}()
	time.Sleep(quick / 3)
	if instances, err := node.Instances(t.Context(), gpu); err != nil || len(instances) != 1 {
		t.Errorf("instances %v, %v", instances, err)
	}
	check(t, <-created)
}

func TestOpenWithoutAnAnswer(t *testing.T) {
	directory := t.TempDir()
	_, control := openNode(t, h100, simulated.WithDirectory(directory))
	check(t, control.LoseGPU(3))
	check(t, control.HangCalls(4, simulated.CallHandle))
	node, _ := openNode(t, h100, simulated.WithDirectory(directory))
	if got := len(node.GPUs()); got != 6 {
		t.Errorf("%d GPUs answer, want 6", got)
	}
	check(t, control.RestoreGPU(3))
	check(t, control.ReleaseCalls(4))
	eventually(t, "all GPUs are found", func() bool { return len(node.GPUs()) == 8 })
}

// nextEvents collects events.
func nextEvents(t *testing.T, node *hardware.NVML, count int) []hardware.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var events []hardware.Event
	for len(events) < count {
		event, err := node.NextEvent(ctx)
		if err != nil {
			t.Fatalf("after %v: %v", events, err)
		}
		events = append(events, event)
	}
	return events
}

func wantEvents(t *testing.T, node *hardware.NVML, want ...hardware.Event) {
	t.Helper()
	got := nextEvents(t, node, len(want))
	order := cmpopts.SortSlices(func(a, b hardware.Event) bool { return a.Kind < b.Kind })
	if diff := cmp.Diff(want, got, order, cmpopts.IgnoreFields(hardware.Event{}, "At")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestLostGPUIsFound(t *testing.T) {
	node, control := openNode(t, h100)
	gpu := node.GPUs()[5]
	check(t, control.LoseGPU(5))
	wantEvents(t, node, hardware.Event{GPU: gpu, Kind: hardware.EventXID, XID: 79},
		hardware.Event{GPU: gpu, Kind: hardware.EventGPULost})
	if _, err := node.Condition(t.Context(), gpu); !errors.Is(err, hardware.ErrGPULost) {
		t.Errorf("condition: error %v, want %v", err, hardware.ErrGPULost)
	}
	if _, err := node.Condition(t.Context(), node.GPUs()[4]); err != nil {
		t.Errorf("another GPU: %v", err)
	}
	check(t, control.ResetGPU(5))
	wantEvents(t, node, hardware.Event{GPU: gpu, Kind: hardware.EventRespondingAgain})
	eventually(t, "the GPU is usable", func() bool {
		_, err := node.Condition(t.Context(), gpu)
		return err == nil
	})
}

func TestHangIsToldOnce(t *testing.T) {
	node, control := openNode(t, h100)
	gpu := node.GPUs()[2]
	check(t, control.HangCalls(2, simulated.CallRead))
	wantEvents(t, node, hardware.Event{GPU: gpu, Kind: hardware.EventNotResponding})
	check(t, control.ReportXID(3, 13, nil)) // the next event is another GPU's
	wantEvents(t, node, hardware.Event{GPU: node.GPUs()[3], Kind: hardware.EventXID, XID: 13})
	check(t, control.ReleaseCalls(2))
	wantEvents(t, node, hardware.Event{GPU: gpu, Kind: hardware.EventRespondingAgain})
}

func TestEvents(t *testing.T) {
	node, control := openNode(t, h100, simulated.WithMIG(true))
	gpu := node.GPUs()[0]
	instance, compute := uint32(7), uint32(0)
	check(t, control.ReportXID(0, 31, &simulated.Process{GPUInstance: &instance, ComputeInstance: &compute}))
	check(t, control.AddECCErrors(0, 1))
	wantEvents(t, node,
		hardware.Event{GPU: gpu, Kind: hardware.EventDoubleBitECC},
		hardware.Event{GPU: gpu, Kind: hardware.EventXID, XID: 31, GPUInstance: &instance, ComputeInstance: &compute})
	check(t, control.SetRecovery(0, 1))
	wantEvents(t, node, hardware.Event{GPU: gpu, Kind: hardware.EventRecoveryAction},
		hardware.Event{GPU: gpu, Kind: hardware.EventXID, XID: 154})
}

func TestNextEventEnds(t *testing.T) {
	node, _ := openNode(t, l40s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := node.NextEvent(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	check(t, node.Close())
	if _, err := node.NextEvent(t.Context()); !errors.Is(err, hardware.ErrClosed) {
		t.Errorf("error %v, want %v", err, hardware.ErrClosed)
	}
}

// The driver ends even if a call never returns.
func TestCloseWhileACallHangs(t *testing.T) {
	node, control := openNode(t, h100)
	check(t, control.HangCalls(0, simulated.CallAny))
	if _, err := node.Processes(t.Context(), node.GPUs()[0]); !errors.Is(err, hardware.ErrHangs) {
		t.Errorf("error %v, want %v", err, hardware.ErrHangs)
	}
	closed := make(chan error, 1)
	go func() { closed <- node.Close() }()
	select {
	case err := <-closed:
		check(t, err)
	case <-time.After(5 * time.Second):
		t.Error("Close waits for the call")
	}
	check(t, control.ReleaseCalls(0))
}

// Calls on one GPU follow one another, whoever makes them, and no slice is given twice.
func TestConcurrentCreations(t *testing.T) {
	directory := t.TempDir()
	first, _ := openNode(t, h100, simulated.WithDirectory(directory), simulated.WithMIG(true))
	second, _ := openNode(t, h100, simulated.WithDirectory(directory))
	gpu := first.GPUs()[0]
	var mu sync.Mutex
	created := map[mig.Placement]int{}
	var wait sync.WaitGroup
	for _, node := range []*hardware.NVML{first, second} {
		for start := range int64(7) {
			wait.Go(func() {
				instance, err := node.CreateInstance(t.Context(), gpu, oneSlice, mig.Placement{Start: start, Size: 1})
				if err != nil && !errors.Is(err, hardware.ErrNoRoom) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					created[instance.Placement]++
				}
			})
		}
	}
	wait.Wait()
	if len(created) != 7 {
		t.Errorf("created %v, want 7 placements once each", created)
	}
	for placement, times := range created {
		if times != 1 {
			t.Errorf("%s was created %d times", placement, times)
		}
	}
}
