package hardware

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"k8s.io/utils/clock"
)

// watchdog ends calls to NVML that do not return. A call into the library cannot be
// ended: it is left behind in its goroutine, and its GPU takes no other call until it
// returns. So at most one call hangs per GPU.
type watchdog struct {
	clock clock.Clock
	// tell is told when a GPU stops to answer, and when it does again.
	tell func(gpu string, answers bool)

	mu    sync.Mutex
	lines map[string]*gpuLine // by UUID, "" for the node
}

// gpuLine lets one call at a time through to a GPU.
type gpuLine struct {
	free chan struct{} // holds a value while no call runs
	hung chan struct{} // closed while the call that runs is overdue
}

func newWatchdog(clock clock.Clock, tell func(gpu string, answers bool)) *watchdog {
	return &watchdog{clock: clock, tell: tell, lines: map[string]*gpuLine{}}
}

// line is the GPU's line, and the channel that tells that its call hangs.
func (w *watchdog) line(gpu string) (line *gpuLine, hung chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lines[gpu] == nil {
		w.lines[gpu] = &gpuLine{free: make(chan struct{}, 1), hung: make(chan struct{})}
		w.lines[gpu].free <- struct{}{}
	}
	return w.lines[gpu], w.lines[gpu].hung
}

// run does work on a GPU, as soon as the work before it is done. It returns no later than
// ctx ends or limit has passed since work began: with the error of ctx, or with ErrHangs.
// If the GPU hangs already, it returns ErrHangs at once.
func (w *watchdog) run(ctx context.Context, gpu string, limit time.Duration, work func(*operation) error) error {
	line, hung := w.line(gpu)
	select {
	case <-line.free:
	default:
		select {
		case <-line.free:
		case <-hung:
			return &CallError{Call: "an earlier call", GPU: gpu, Code: nvml.ERROR_TIMEOUT, Kind: ErrHangs}
		case <-ctx.Done():
			return fmt.Errorf("GPU %s: waiting for the call before: %w", gpu, ctx.Err())
		}
	}
	if ctx.Err() != nil {
		line.free <- struct{}{}
		return fmt.Errorf("GPU %s: %w", gpu, ctx.Err())
	}
	o := &operation{gpu: gpu}
	done := make(chan error, 1)
	timer := w.clock.NewTimer(limit)
	go func() {
		err := work(o)
		o.finish()
		w.release(o, line)
		done <- err
	}()
	select {
	case err := <-done:
		timer.Stop()
		return err
	case <-ctx.Done():
		if !o.abandon() {
			return <-done
		}
		go func() { // it may hang, which those who wait for the GPU should know
			select {
			case <-done:
				timer.Stop()
			case <-timer.C():
				w.markHung(o, line)
			}
		}()
		return fmt.Errorf("GPU %s: %s has not returned yet: %w", gpu, o.current(), ctx.Err())
	case <-timer.C():
		if !o.abandon() {
			return <-done
		}
		w.markHung(o, line)
		return &CallError{Call: o.current(), GPU: gpu, Code: nvml.ERROR_TIMEOUT, Kind: ErrHangs}
	}
}

// markHung lets nobody wait for the GPU, unless the call has returned meanwhile.
func (w *watchdog) markHung(o *operation, line *gpuLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.returned {
		return
	}
	select {
	case <-line.hung: // it is marked
	default:
		close(line.hung)
		w.tell(o.gpu, false)
	}
}

// release lets the next call through.
func (w *watchdog) release(o *operation, line *gpuLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.returned = true
	select {
	case <-line.hung:
		line.hung = make(chan struct{})
		w.tell(o.gpu, true)
	default:
	}
	line.free <- struct{}{}
}

// anyHung reports whether a call hangs.
func (w *watchdog) anyHung() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.lines {
		select {
		case <-line.hung:
			return true
		default:
		}
	}
	return false
}

// operation is work that runs under the watchdog.
type operation struct {
	gpu   string
	call  atomic.Pointer[string]
	state atomic.Int32
	// returned is guarded by the watchdog's mutex.
	returned bool
}

// The states of an operation.
const (
	operationRuns int32 = iota
	operationDone
	operationAbandoned
)

// begin names the call that comes next.
func (o *operation) begin(call string) { o.call.Store(&call) }

func (o *operation) current() string {
	if call := o.call.Load(); call != nil {
		return *call
	}
	return "a call"
}

// finish reports whether the caller gets the result. If not, it has been told that the
// call did not return, and what was created must be undone.
func (o *operation) finish() bool {
	return o.state.CompareAndSwap(operationRuns, operationDone) || o.state.Load() == operationDone
}

// abandon gives the operation up, unless it is done.
func (o *operation) abandon() bool {
	return o.state.CompareAndSwap(operationRuns, operationAbandoned)
}

// failure is the error of the call that was begun last, nil for SUCCESS.
func (o *operation) failure(ret nvml.Return) error {
	if ret == nvml.SUCCESS {
		return nil
	}
	return &CallError{Call: o.current(), GPU: o.gpu, Code: ret, Kind: kindOf(ret)}
}
