package health

import (
	"context"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// callTimeout is after how long a call counts as hanging whose reader did not say so: more
// than a hardware.Reader takes.
const callTimeout = 30 * time.Second

// gpuPoller polls the condition of one GPU whenever it is woken up.
type gpuPoller struct {
	monitor   *Monitor
	gpu       string
	wake      chan struct{}
	resolving chan struct{} // one value for each event that waits for its instance
}

func newPoller(monitor *Monitor, gpu string) *gpuPoller {
	return &gpuPoller{monitor: monitor, gpu: gpu, wake: make(chan struct{}, 1), resolving: make(chan struct{}, resolving)}
}

func (p *gpuPoller) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake
	}
}

func (p *gpuPoller) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
			p.poll(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// poll asks once. It does not ask again as long as a call has not returned.
func (p *gpuPoller) poll(ctx context.Context) {
	type answer struct {
		condition hardware.Condition
		err       error
	}
	answers := make(chan answer, 1)
	go func() {
		condition, err := p.monitor.options.Reader.Condition(ctx, p.gpu)
		answers <- answer{condition, err}
	}()
	timer := p.monitor.options.Clock.NewTimer(callTimeout)
	defer timer.Stop()
	for {
		select {
		case got := <-answers:
			if ctx.Err() != nil {
				return
			}
			p.monitor.update(func(machine *StateMachine, now time.Time) {
				if got.err != nil {
					machine.NoteFailure(p.gpu, got.err, now)
				} else {
					machine.NoteCondition(p.gpu, got.condition, now)
				}
			})
			return
		case <-timer.C():
			p.monitor.update(func(machine *StateMachine, now time.Time) {
				machine.NoteFailure(p.gpu, fmt.Errorf("reading its condition takes more than %s: %w", callTimeout, hardware.ErrHangs), now)
			})
		case <-ctx.Done():
			return
		}
	}
}

// placementOf finds where a GPU instance is; nil if it is gone, or the GPU does not say.
func (p *gpuPoller) placementOf(ctx context.Context, instance uint32) *mig.Placement {
	found := make(chan *mig.Placement, 1)
	go func() {
		instances, err := p.monitor.options.Reader.Instances(ctx, p.gpu)
		if err == nil {
			for i := range instances {
				if instances[i].ID == instance {
					found <- &instances[i].Placement
					return
				}
			}
		}
		found <- nil
	}()
	timer := p.monitor.options.Clock.NewTimer(callTimeout)
	defer timer.Stop()
	select {
	case placement := <-found:
		return placement
	case <-timer.C():
	case <-ctx.Done():
	}
	return nil
}
