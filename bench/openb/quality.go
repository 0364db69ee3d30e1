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

// qualityTable compares the default policy with FGD as published, on the seeds that
// were.
func qualityTable(ctx context.Context, out io.Writer, t *traces, p map[runKey]allocated, b *bounds) error {
	fmt.Fprint(out, `GPUs allocated, in percent, when pods have asked for 100 % and 130 % of the cluster; means over the published seeds

| trace | FGD @100 | ashlar @100 | gain, least gain | way to bound | FGD @130 | ashlar @130 | gain, least gain | way to bound |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`)
	for _, trace := range t.names {
		var seeds []int64
		for key := range p {
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
			fgd := p[runKey{trace, "FGD", seed}]
			key := runKey{trace: trace, seed: seed}
			at100.add(fgd.at100, results[i].At(100).Allocated, b.at100[key])
			at130.add(fgd.at130, results[i].At(130).Allocated, b.at130[key])
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", trace, at100, at130)
	}
	return nil
}

// comparison is one policy next to another over seeds.
type comparison struct {
	n, other, own, least float64
	// gained and possible are over the seeds whose bound is known.
	gained, possible float64
}

func newComparison() *comparison { return &comparison{least: math.Inf(1)} }

// add takes one seed; bound is 0 if not known.
func (c *comparison) add(other, own, bound float64) {
	c.n++
	c.other += other
	c.own += own
	c.least = min(c.least, own-other)
	if bound > 0 {
		c.gained += own - other
		c.possible += bound - other
	}
}

func (c *comparison) String() string {
	way := "-"
	if c.possible > 0 {
		way = fmt.Sprintf("%.0f %%", 100*c.gained/c.possible)
	}
	return fmt.Sprintf("%.2f | %.2f | %+.2f, %+.2f | %s", c.other/c.n, c.own/c.n, (c.own-c.other)/c.n, c.least, way)
}

// runSeeds runs experiments on all cores; results are in the order of the seeds.
func runSeeds(ctx context.Context, t *traces, trace string, chosen policy.NodePolicy, seeds []int64) ([]*openb.Result, error) {
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
