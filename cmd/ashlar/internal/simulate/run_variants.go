package simulate

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
)

// runVariants runs variants at the same time, on as many cores as there are, and returns
// them in their order. Of several errors it returns the first variant's. Only a single
// variant has an event log.
func (f *simulateFlags) runVariants(
	ctx context.Context, s *scenariofile.File, variants []scenario.Variant, log io.Writer, progress *cli.Progress,
) ([]*variantRun, error) {
	runs, errs := make([]*variantRun, len(variants)), make([]error, len(variants))
	told := newSharedProgress(progress, len(variants), simulator.Time(s.Horizon))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, v := range variants {
		group.Go(func() error {
			runs[i], errs[i] = f.runVariant(ctx, s, v, log, func(at simulator.Time) { told.tellTime(i, at) })
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// sharedProgress is what runs at the same time tell of their simulated times.
type sharedProgress struct {
	lock     sync.Mutex
	progress *cli.Progress
	horizon  simulator.Time
	at       []simulator.Time
}

func newSharedProgress(progress *cli.Progress, runs int, horizon simulator.Time) *sharedProgress {
	return &sharedProgress{progress: progress, horizon: horizon, at: make([]simulator.Time, runs)}
}

// tellTime notes how far a run is and tells how far all are.
func (p *sharedProgress) tellTime(run int, at simulator.Time) {
	if at <= 0 || p.horizon <= 0 {
		return
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.at[run] = min(at, p.horizon)
	var sum float64
	for _, at := range p.at {
		sum += float64(at) / float64(p.horizon)
	}
	p.progress.TellPart(sum/float64(len(p.at)), func() string {
		if len(p.at) == 1 {
			return fmt.Sprintf("simulated %s of %s", at, p.horizon)
		}
		return fmt.Sprintf("simulated %.0f %% of the time of %d runs", 100*sum/float64(len(p.at)), len(p.at))
	})
}
