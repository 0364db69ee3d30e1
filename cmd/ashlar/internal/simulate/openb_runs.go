package simulate

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/simulator/openb"
)

// openbRun is the result of one experiment.
type openbRun struct {
	Pods   string `json:"pods"`
	Policy string `json:"policy"`
	Seed   int64  `json:"seed"`
	// Alloc100 and Alloc130 are in percent of all GPUs.
	Alloc100 float64 `json:"alloc100"`
	Alloc130 float64 `json:"alloc130"`
	// Failed counts pods that fitted nowhere.
	Failed     int     `json:"failed"`
	CPUSeconds float64 `json:"cpu_seconds"`
	// result has the curves.
	result *openb.Result
}

// runExperiments runs experiments on all cores. The results are in the order of the
// experiments, whichever ended first.
func runExperiments(ctx context.Context, experiments []openbExperiment, progress *cli.Progress) ([]openbRun, error) {
	runs := make([]openbRun, len(experiments))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range experiments {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			run, err := experiments[i].measureRun(ctx)
			if err != nil {
				return fmt.Errorf("%s, %s, seed %d: %w", experiments[i].trace, experiments[i].Policy.Name(), experiments[i].Seed, err)
			}
			runs[i] = run
			progress.CountRun(len(experiments))
			return nil
		})
	}
	return runs, group.Wait()
}

// measureRun runs an experiment on a thread of its own, whose CPU time it reads.
func (e *openbExperiment) measureRun(ctx context.Context) (openbRun, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadSeconds()
	result, err := e.Run(ctx)
	if err != nil {
		return openbRun{}, err
	}
	return openbRun{
		Pods: e.trace, Policy: e.Policy.Name(), Seed: e.Seed, Alloc100: result.At(100).Allocated,
		Alloc130: result.At(130).Allocated, Failed: result.Failed, CPUSeconds: threadSeconds() - before,
		result: result,
	}, nil
}
