package defrag

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// carryOut makes the moves of a plan, one after the other, and plans the rest anew after each. The
// error says what was done and what is left.
func (p *movePlanner) carryOut(ctx context.Context, plan *dryrun.DefragAnswer, progress io.Writer) error {
	client, _, err := p.flags.source.ConnectCluster()
	if err != nil {
		return err
	}
	e := &podEvictor{client: client, timeout: p.flags.timeout, progress: progress}
	all := len(plan.Moves)
	for done := 0; ; {
		move := plan.Moves[0]
		fmt.Fprintf(progress, "move %d of %d: %s/%s from %s\n", done+1, all, move.Namespace, move.Pod, move.From)
		if err := e.makeMove(ctx, &move); err != nil {
			return stoppedError(err, done, plan.Moves)
		}
		done++
		rest := plan.Moves[1:]
		fresh, err := p.planAgain(ctx)
		if err != nil {
			return stoppedError(err, done, rest)
		}
		if plan.Request != "" && fresh.FitBefore >= fresh.Copies || plan.Request == "" && len(rest) == 0 {
			fmt.Fprintf(progress, "done: %s moved%s\n", cli.CountNoun(done, "pod"), roomFor(plan.Request))
			return nil
		}
		if err := compareRest(plan, fresh); err != nil {
			return stoppedError(err, done, rest)
		}
		fresh.Placeable = plan.Placeable
		plan = fresh
	}
}

// bindingTime is how long a pod may have its devices without being bound, and devices of a pod that has gone be
// held. Nothing can be planned for them meanwhile.
const bindingTime = 10 * time.Second

// planAgain plans what is left. The pods for which room was made may be about to be bound just now, or what was freed for
// them may not be free yet: then there is an error, or neither room nor moves, and it is planned once more.
func (p *movePlanner) planAgain(ctx context.Context) (*dryrun.DefragAnswer, error) {
	for deadline := time.Now().Add(bindingTime); ; {
		fresh, err := p.planMoves(ctx)
		settled := err == nil && (len(fresh.Moves) > 0 || fresh.Request == "" || fresh.FitBefore >= fresh.Copies)
		if settled || time.Now().After(deadline) || pauseOrEnd(ctx) != nil {
			return fresh, err
		}
	}
}

func roomFor(request string) string {
	if request == "" {
		return ""
	}
	return ", and there is room for " + request
}

// compareRest refuses to go on where what is left is no longer what was planned: more moves, or
// dearer ones, than were agreed to.
func compareRest(plan, fresh *dryrun.DefragAnswer) error {
	rest, agreed := plan.Moves[1:], 0.0
	for i := range rest {
		agreed += rest[i].GPUHours
	}
	// Pods have run on since they were planned.
	const tolerated, atLeast = 1.1, 0.1
	switch {
	case len(fresh.Moves) == 0:
		return fmt.Errorf("the cluster is no longer as the plan took it to be: no further moves help")
	case len(fresh.Moves) > len(rest):
		return fmt.Errorf("the cluster is no longer as the plan took it to be: it would now take %s more, %s were left",
			cli.CountNoun(len(fresh.Moves), "move"), cli.CountNoun(len(rest), "move"))
	case fresh.GPUHours > agreed*tolerated+atLeast:
		return fmt.Errorf("the cluster is no longer as the plan took it to be: what is left would now put %s GPU-hours at risk, not %s",
			gpuHours(fresh.GPUHours), gpuHours(agreed))
	}
	return nil
}

// stoppedError says what was done and what is left.
func stoppedError(err error, done int, left []dryrun.PodMove) error {
	text := fmt.Sprintf("stopped after %s", cli.CountNoun(done, "move"))
	if len(left) > 0 {
		text += fmt.Sprintf(", with %d left", len(left))
		for i := range left {
			separator := ": "
			if i > 0 {
				separator = ", "
			}
			text += separator + left[i].Namespace + "/" + left[i].Pod
		}
	}
	return fmt.Errorf("%s: %w", text, err)
}
