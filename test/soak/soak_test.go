package soak

import (
	"context"
	"flag"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var (
	seed     = flag.Int64("seed", 20261129, "seed of pods and faults")
	podCount = flag.Int("pods", 240, "pods that arrive")
)

// enough is with how many pods every part of the test takes part.
const enough = 1000

// patience is how long all of it may take.
const patience = 65 * time.Minute

// Whatever comes, goes and breaks: nothing is promised twice, no pod is lost, and at rest the
// scheduler knows what the API server knows.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	random := rand.New(rand.NewSource(*seed))
	w := startWorld(ctx, t)
	t.Cleanup(func() {
		if t.Failed() {
			w.keepLog()
		}
	})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("seed %d: %v", *seed, err)
		}
	}
	w.say("seed %d, %d pods", *seed, *podCount)
	left, err := w.stream(ctx, random, *podCount)
	check(err)
	if *podCount >= enough {
		check(w.checkRest(ctx, "after the stream"))
	}
	left, err = w.thin(ctx, random, left)
	check(err)
	check(inParallel(ctx, left, w.changeLate)) // last, so that nothing else wakes those that wait
	check(w.checkRest(ctx, "after a third has gone"))
	check(w.checkFree(ctx, "with pods on most nodes"))
	check(w.leaveAll(ctx, left))
	check(w.checkFree(ctx, "with nobody left"))
	check(w.changeInQuiet(ctx, random))
	end, err := w.rest(ctx)
	check(err)
	if len(end.claims) > 0 {
		check(w.cluster.Until(ctx, "all claims to be gone", func(ctx context.Context) error { return w.claimsGone(ctx) }))
	}
	if v, grows := w.tally.checkMemory(); grows {
		w.problems = append(w.problems, v)
	}
	replayed := newChecker()
	replayed.replay(w.history.inOrder())
	w.report(replayed)
	check(w.cluster.Err())
}

// keepLog leaves the scheduler's log where the test can be looked into.
func (w *world) keepLog() {
	text, err := w.scheduler.log()
	if err != nil {
		w.t.Log(err)
		return
	}
	kept := filepath.Join(os.TempDir(), "soak-"+schedulerName+".log")
	if err := os.WriteFile(kept, text, 0o600); err != nil {
		w.t.Log(err)
		return
	}
	w.t.Logf("the scheduler's log is kept in %s", kept)
}
