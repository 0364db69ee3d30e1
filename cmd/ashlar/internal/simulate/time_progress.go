package simulate

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/simulator"
)

// tellTime is what one of several runs, one after the other, tells of its simulated time.
func tellTime(progress *cli.Progress, run, runs int, horizon simulator.Time) func(simulator.Time) {
	return func(at simulator.Time) {
		if at <= 0 || horizon <= 0 {
			return
		}
		part := (float64(run) + min(1, float64(at)/float64(horizon))) / float64(runs)
		progress.TellPart(part, func() string { return fmt.Sprintf("simulated %s of %s, run %d of %d", at, horizon, run+1, runs) })
	}
}
