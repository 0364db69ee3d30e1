package simulate

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/assertion"
	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// compareFlags are the flags of simulate compare.
type compareFlags struct {
	scenarioFlags
	output   cli.OutputFlag
	policies []string
	seeds    seedList
}

func newCompareCommand() *cobra.Command {
	flags := compareFlags{seeds: seedList{1, 2, 3, 4, 5}}
	command := &cobra.Command{
		Use:   "compare [SCENARIO]",
		Short: "Compare policies or variants over many seeds",
		Long: `Runs a scenario under several policies, or in its variants, once for each seed, on
all cores. All of them see the same arrivals for the same seed. It prints the mean
over the seeds with the standard deviation, and the mean of the differences to the
first, seed by seed, with theirs: a difference of several deviations of itself, divided
by the root of the number of seeds, is no accident.

The scenario's assertions are checked against the means over the seeds; if some do not
hold, they are printed with their figures and the exit code is 1.`,
		Example: `  ashlar simulate compare mig-mix --seeds 1-20
  ashlar simulate compare --policy keep-placeable,first-fit,random --seeds 1-10
  ashlar simulate compare my-cluster.yaml -o csv > runs.csv`,
		Args:              scenarioArgument,
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.runCompare(cmd, args) },
	}
	set := command.Flags()
	flags.addTo(command)
	flags.output.AddTo(command, "table, json, or csv (every run)", runFormats...)
	set.StringSliceVar(&flags.policies, "policy", nil,
		"the policies, the first is what others are compared with; by default the scenario's variants, or all: "+strings.Join(cli.PolicyNames(), ", "))
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	set.Var(&flags.seeds, "seeds", "the seeds: 42, 1-10 or 1,5,9-12")
	return command
}

// contestant is one of those that are compared.
type contestant struct {
	Name    string `json:"name"`
	variant scenario.Variant
	results []*simulator.Result // by seed
}

func (f *compareFlags) runCompare(cmd *cobra.Command, args []string) error {
	if err := f.output.CheckFormat(); err != nil {
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
	if err := f.output.Write(cmd.OutOrStdout(), comparison, func(w io.Writer) error {
		if f.output.Format == cli.FormatCSV {
			return writeRuns(w, s.Name, f.seeds, contestants)
		}
		return comparison.writeText(w)
	}); err != nil {
		return err
	}
	return s.CheckAssertions(assertedRuns(s, contestants))
}

// assertedRuns are the contestants as assertions know them.
func assertedRuns(s *scenariofile.File, contestants []contestant) []assertion.Run {
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
func (f *compareFlags) findContestants(s *scenariofile.File) ([]contestant, error) {
	variants, err := f.chosenVariants(s)
	if err != nil {
		return nil, err
	}
	var all []contestant
	if len(f.policies) == 0 && len(s.Variants) > 0 {
		for _, v := range variants {
			all = append(all, contestant{Name: v.Name, variant: v})
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
		all = append(all, contestant{Name: name, variant: v})
	}
	return all, nil
}

// runContestants runs every contestant with every seed, on all cores.
func (f *compareFlags) runContestants(cmd *cobra.Command, s *scenariofile.File, contestants []contestant) error {
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

// runComparison is what simulate compare prints: its JSON form is stable.
type runComparison struct {
	Scenario string            `json:"scenario"`
	Seeds    []int64           `json:"seeds"`
	Rows     []comparisonEntry `json:"rows"`
}

// comparisonEntry is one metric of one contestant.
type comparisonEntry struct {
	Name   string `json:"name"`
	Metric string `json:"metric"`
	// Mean and Deviation are over the seeds; Difference is the mean of the differences to
	// the first contestant, seed by seed, and DifferenceDeviation theirs. Deviations are
	// of the sample, 0 for a single seed.
	Mean                float64 `json:"mean"`
	Deviation           float64 `json:"deviation"`
	Difference          float64 `json:"difference"`
	DifferenceDeviation float64 `json:"differenceDeviation"`
}

func compareRuns(name string, seeds []int64, contestants []contestant) *runComparison {
	all := &runComparison{Scenario: name, Seeds: seeds}
	for i := range contestants {
		for _, m := range report.TableMetrics() {
			values, differences := make([]float64, len(seeds)), make([]float64, len(seeds))
			for k := range seeds {
				values[k] = orZero(m.Value(contestants[i].results[k]))
				differences[k] = values[k] - orZero(m.Value(contestants[0].results[k]))
			}
			entry := comparisonEntry{Name: contestants[i].Name, Metric: m.Column}
			entry.Mean, entry.Deviation = meanOf(values)
			entry.Difference, entry.DifferenceDeviation = meanOf(differences)
			all.Rows = append(all.Rows, entry)
		}
	}
	return all
}

// orZero is a value, 0 where there is none: JSON knows only numbers.
func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// meanOf is the mean and the standard deviation of a sample.
func meanOf(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	if len(values) < 2 {
		return mean, 0
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)-1))
}

// writeText prints a block for each metric: contestants are rows, so that long names
// and many of them have room.
func (c *runComparison) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	p.Printf("%s, %d seeds; differences to %s, seed by seed; ± is the standard deviation\n", c.Scenario, len(c.Seeds), c.Rows[0].Name)
	for _, m := range report.TableMetrics() {
		if !m.Compared {
			continue
		}
		rows := [][]string{{strings.ToUpper(m.Title), "MEAN", "", "DIFFERENCE", ""}}
		same := true
		for _, row := range c.Rows {
			if row.Metric != m.Column {
				continue
			}
			same = same && row.Mean == 0
			cells := []string{row.Name, m.FormatValue(row.Mean), "± " + m.FormatValue(row.Deviation), cli.Unknown, ""}
			if len(rows) > 1 {
				cells[3], cells[4] = signedText(m.FormatValue, row.Difference), "± "+m.FormatValue(row.DifferenceDeviation)
			}
			rows = append(rows, cells)
		}
		if same {
			continue
		}
		p.Printf("\n")
		p.PrintTable(rows)
	}
	return p.Err()
}

// signedText prints a difference with its sign.
func signedText(format func(float64) string, v float64) string {
	text := format(v)
	if v > 0 {
		return "+" + text
	}
	return text
}

// writeRuns writes a row for each run.
func writeRuns(w io.Writer, name string, seeds []int64, contestants []contestant) error {
	header := []string{"scenario", "name", "policy", "seed"}
	metrics := report.TableMetrics()
	for _, m := range metrics {
		header = append(header, m.Column)
	}
	rows := [][]string{header}
	for i := range contestants {
		for k, seed := range seeds {
			r := contestants[i].results[k]
			row := []string{name, contestants[i].Name, cmp.Or(r.Policy, cli.Unknown), strconv.FormatInt(seed, 10)}
			for _, m := range metrics {
				row = append(row, csvNumber(m.Value(r)))
			}
			rows = append(rows, row)
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}
