package simulate

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/assertion"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// compareFlags are the flags of simulate compare.
type compareFlags struct {
	scenarioFlags
	output   cli.OutputFlag
	policies []string
	seeds    seedList
	page     pageFlag
}

func newCompareCommand() *cobra.Command {
	flags := compareFlags{seeds: seedList{1, 2, 3, 4, 5}}
	command := &cobra.Command{
		Use:   "compare [SCENARIO]",
		Short: "Compare policies or variants over many seeds",
		Long: `Runs a scenario under several policies, or in its variants, once for each seed, on
all cores. All of them see the same arrivals for the same seed. It prints a verdict, the
mean over the seeds with the standard deviation, and the mean of the differences to the
first, seed by seed, with its interval of 95 % (Student's t) and whether it is
significant: an interval that leaves out 0 is no accident of the draw.

The scenario's assertions are checked against the means over the seeds; if some do not
hold, they are printed with their figures and the exit code is 3.`,
		Example: `  ashlar simulate compare mig-mix --seeds 1-20
  ashlar simulate compare --policy keep-placeable,first-fit,random --seeds 1-10
  ashlar simulate compare llm-fleet --report page.html
  ashlar simulate compare my-cluster.yaml -o csv > runs.csv`,
		Args:              scenarioArgument,
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.runCompare(cmd, args) },
	}
	set := command.Flags()
	flags.addTo(command)
	flags.output.AddTo(command, "table, json, yaml, or csv (every run)", runFormats...)
	set.StringSliceVar(&flags.policies, "policy", nil,
		"the policies, the first is what others are compared with; by default the scenario's variants, or all: "+
			strings.Join(cli.PolicyNames(), ", "))
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	set.Var(&flags.seeds, "seeds", "the seeds: 42, 1-10 or 1,5,9-12")
	flags.page.addTo(command)
	return command
}

// comparedRuns are the runs of one of those that are compared.
type comparedRuns struct {
	Name    string `json:"name"`
	variant scenario.Variant
	results []*simulator.Result // by seed
}

func (f *compareFlags) runCompare(cmd *cobra.Command, args []string) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	if err := f.page.checkFolder(); err != nil {
		return err
	}
	s, err := f.loadScenario(cmd, args)
	if err != nil {
		return err
	}
	contestants, err := f.findContestants(s)
	if err != nil {
		return err
	}
	if err := f.runContestants(cmd, s, contestants); err != nil {
		return err
	}
	comparison := compareRuns(s.Name, f.seeds, contestants)
	comparison.About, comparison.NotModelled = s.About, s.NotModelled()
	comparison.nameSharings(s, contestants)
	if err := f.page.writePage(cmd, headingOf(s), comparison.runs); err != nil {
		return err
	}
	if err := f.output.Write(cmd.OutOrStdout(), comparison, func(w io.Writer) error {
		if f.output.Format == cli.FormatCSV {
			return writeRuns(w, s.Name, f.seeds, contestants)
		}
		return comparison.writeText(w)
	}); err != nil {
		return err
	}
	return brokenAssertions(s, assertedRuns(s, contestants))
}

// assertedRuns are the contestants as assertions know them.
func assertedRuns(s *scenariofile.File, contestants []comparedRuns) []assertion.Run {
	runs := make([]assertion.Run, len(contestants))
	for i := range contestants {
		c := &contestants[i]
		runs[i] = assertion.Run{Name: c.Name, Policy: c.results[0].Policy, Results: c.results}
		if len(s.Variants) == 0 {
			runs[i].AsWritten = c.variant.Policy == "" || c.variant.Policy == s.PolicyName()
		}
		for _, v := range s.Variants {
			if v.Name == c.variant.Name {
				written, run := s.With(v), s.With(c.variant)
				runs[i].Variant, runs[i].AsWritten = v.Name, written.PolicyName() == run.PolicyName()
			}
		}
	}
	return runs
}

// findContestants are the policies of the flag, or else the scenario's variants, or else
// all policies.
func (f *compareFlags) findContestants(s *scenariofile.File) ([]comparedRuns, error) {
	variants, err := f.chosenVariants(s)
	if err != nil {
		return nil, err
	}
	var all []comparedRuns
	if len(f.policies) == 0 && len(s.Variants) > 0 {
		for _, v := range variants {
			all = append(all, comparedRuns{Name: v.Name, variant: v})
		}
		return all, nil
	}
	base := scenario.Variant{}
	if f.variant != "" {
		base = variants[0]
	}
	names := f.policies
	if len(names) == 0 {
		names = cli.PolicyNames()
	}
	for i, name := range names {
		if _, err := placement.PolicyNamed(name, placement.PriorDemand(), 0); err != nil {
			return nil, cli.UsageErrorf("--policy: %w", err)
		}
		if slices.Contains(names[:i], name) {
			return nil, cli.UsageErrorf("--policy: %s is there twice", name)
		}
		v := base
		v.Policy = name
		all = append(all, comparedRuns{Name: name, variant: v})
	}
	return all, nil
}

// runContestants runs every contestant with every seed, on all cores.
func (f *compareFlags) runContestants(cmd *cobra.Command, s *scenariofile.File, contestants []comparedRuns) error {
	c, err := f.LoadCatalogue()
	if err != nil {
		return err
	}
	progress := cli.NewProgress(cmd.ErrOrStderr())
	defer progress.End()
	runs, ctx := errgroup.WithContext(cmd.Context())
	runs.SetLimit(runtime.GOMAXPROCS(0))
	for i := range contestants {
		chosen := &contestants[i]
		chosen.results = make([]*simulator.Result, len(f.seeds))
		for k, seed := range f.seeds {
			runs.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				in, err := s.Build(c, chosen.variant, seed)
				if err == nil {
					if f.page.isWanted() && k == 0 { // the map shows one
						in.SnapshotNodes = defaultFrames
					}
					chosen.results[k], err = simulator.Run(in, simulator.Watch{Progress: func(simulator.Time) error { return context.Cause(ctx) }})
				}
				if err != nil {
					return fmt.Errorf("scenario %s, %s, seed %d: %w", s.Name, chosen.Name, seed, err)
				}
				progress.CountRun(len(contestants) * len(f.seeds))
				return nil
			})
		}
	}
	return runs.Wait()
}
