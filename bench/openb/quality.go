package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
)

// published names of policies that choose the same here.
var published = map[string]policy.NodePolicy{
	"FGD": policy.FGD{}, "BestFit": policy.BestFit{}, "DotProd": policy.DotProduct{},
	"GpuPacking": policy.GPUPacking{}, "GpuClustering": policy.GPUClustering{},
}

// fgdReference is what FGD reaches, and upper bounds as far as they are known.
type fgdReference struct {
	results map[runKey]allocatedPercent
	bounds  *upperBounds
	// published says that the results are published ones, of other policies too.
	published bool
}

// ownSeeds are the seeds of the published experiments, which are used where published
// results are not given, too.
var ownSeeds = []int64{42, 43, 44, 45, 46, 47, 48, 49, 50, 51}

// runFGD repeats FGD on every list of a trace, for where its results are not published.
func runFGD(ctx context.Context, t *traceSet) (map[runKey]allocatedPercent, error) {
	own := map[runKey]allocatedPercent{}
	for _, trace := range t.names {
		results, err := runSeeds(ctx, t, trace, policy.FGD{}, ownSeeds)
		if err != nil {
			return nil, err
		}
		for i, seed := range ownSeeds {
			own[runKey{trace, "FGD", seed}] = allocatedPercent{results[i].At(100).Allocated, results[i].At(130).Allocated}
		}
	}
	return own, nil
}

// qualityTable compares the default policy with FGD, on the seeds of FGD's results.
func qualityTable(ctx context.Context, out io.Writer, t *traceSet, fgd *fgdReference) error {
	seeds := "published seeds"
	if !fgd.published {
		seeds = "seeds 42 to 51, FGD too run here"
	}
	fmt.Fprintf(out, `GPUs allocated, in percent, when pods have asked for 100 %% and 130 %% of the cluster; means over the %s

| trace | FGD @100 | ashlar @100 | gain, least gain | way to bound | FGD @130 | ashlar @130 | gain, least gain | way to bound |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`, seeds)
	for _, trace := range t.names {
		var seeds []int64
		for key := range fgd.results {
			if key.trace == trace && key.policy == "FGD" {
				seeds = append(seeds, key.seed)
			}
		}
		if len(seeds) == 0 {
			continue
		}
		slices.Sort(seeds)
		results, err := runSeeds(ctx, t, trace, policy.Ashlar{}, seeds)
		if err != nil {
			return err
		}
		at100, at130 := newComparison(), newComparison()
		for i, seed := range seeds {
			other := fgd.results[runKey{trace, "FGD", seed}]
			key := runKey{trace: trace, seed: seed}
			at100.addSeed(other.at100, results[i].At(100).Allocated, fgd.bounds.at100[key])
			at130.addSeed(other.at130, results[i].At(130).Allocated, fgd.bounds.at130[key])
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", trace, at100, at130)
	}
	return nil
}

// policyComparison is one policy next to another over seeds.
type policyComparison struct {
	n, other, own, least float64
	// gained and possible are over the seeds whose bound is known.
	gained, possible float64
}

func newComparison() *policyComparison { return &policyComparison{least: math.Inf(1)} }

// addSeed takes one seed; bound is 0 if not known.
func (c *policyComparison) addSeed(other, own, bound float64) {
	c.n++
	c.other += other
	c.own += own
	c.least = min(c.least, own-other)
	if bound > 0 {
		c.gained += own - other
		c.possible += bound - other
	}
}

func (c *policyComparison) String() string {
	way := "-"
	if c.possible > 0 {
		way = fmt.Sprintf("%.0f %%", 100*c.gained/c.possible)
	}
	return fmt.Sprintf("%.2f | %.2f | %+.2f, %+.2f | %s", c.other/c.n, c.own/c.n, (c.own-c.other)/c.n, c.least, way)
}

// runSeeds runs experiments on all cores; results are in the order of the seeds.
func runSeeds(ctx context.Context, t *traceSet, trace string, chosen policy.NodePolicy, seeds []int64) ([]*openb.Result, error) {
	results := make([]*openb.Result, len(seeds))
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(runtime.GOMAXPROCS(0))
	for i, seed := range seeds {
		runs.Go(func() (err error) {
			e := openb.Experiment{Nodes: t.nodes, Pods: t.pods[trace], Policy: chosen, Seed: seed}
			results[i], err = e.Run(ctx)
			return err
		})
	}
	return results, runs.Wait()
}
