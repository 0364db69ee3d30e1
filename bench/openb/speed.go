package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
)

// speedTable measures CPU time, of all threads together, and the most memory held up
// to then, which only grows: the small comes first.
func speedTable(ctx context.Context, t *traceSet, fgd *fgdReference) (string, error) {
	trace := t.names[0]
	if t.pods["default"] != nil {
		trace = "default" // the published figures are of this one
	}
	var text strings.Builder
	text.WriteString("| what | CPU seconds | most memory, MiB |\n| --- | ---: | ---: |\n")
	row := func(what string, work func() error) error {
		runtime.GC()
		before := cpuSeconds()
		if err := work(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		fmt.Fprintf(&text, "| %s | %.2f | %.0f |\n", what, cpuSeconds()-before, mostMiB())
		fmt.Fprintln(os.Stderr, "measured:", what)
		return nil
	}
	one := func(chosen policy.NodePolicy) func() error {
		return func() error {
			_, err := (&openb.Experiment{Nodes: t.nodes, Pods: t.pods[trace], Policy: chosen, Seed: 42}).Run(ctx)
			return err
		}
	}
	for _, chosen := range []policy.NodePolicy{policy.FGD{}, policy.Ashlar{}} {
		if err := row(fmt.Sprintf("one experiment (%s, %d nodes), %s", trace, len(t.nodes), chosen.Name()), one(chosen)); err != nil {
			return "", err
		}
	}
	all := 0
	for key := range fgd.results {
		if published[key.policy] != nil && t.pods[key.trace] != nil {
			all++
		}
	}
	what := "all %d published experiments at hand with a fixed order"
	if !fgd.published {
		what = "all %d experiments with fgd"
	}
	err := row(fmt.Sprintf(what, all), func() error {
		for key := range fgd.results { // in any order: they do not depend on one another
			if chosen := published[key.policy]; chosen != nil && t.pods[key.trace] != nil {
				if _, err := runSeeds(ctx, t, key.trace, chosen, []int64{key.seed}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for _, chosen := range []policy.NodePolicy{policy.FGD{}, policy.Ashlar{}} {
		err := row("100,000 arrivals at 10,000 nodes, "+chosen.Name(), func() error {
			s, err := newScaledCluster(t, trace, chosen, 10_000)
			for i := 0; i < 100_000 && err == nil; i++ {
				_, err = s.arriveOne()
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return text.String(), nil
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func mostMiB() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return float64(used.Maxrss) / 1024 // Linux counts KiB
}
