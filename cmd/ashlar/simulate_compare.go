package main

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

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// compareFlags are the flags of simulate compare.
type compareFlags struct {
	scenarioFlags
	format   string
	policies []string
	seeds    seedList
}

func newSimulateCompareCommand() *cobra.Command {
	flags := compareFlags{seeds: seedList{1, 2, 3, 4, 5}}
	command := &cobra.Command{
		Use:   "compare [SCENARIO]",
		Short: "Compare policies or variants over many seeds",
		Long: `Runs a scenario under several policies, or in its variants, once for each seed, on
all cores. All of them see the same arrivals for the same seed. It prints the mean
over the seeds with the standard deviation, and the mean of the differences to the
first, seed by seed, with theirs: a difference of several deviations of itself, divided
by the root of the number of seeds, is no accident.`,
		Example: `  ashlar simulate compare mig-mix --seeds 1-20
  ashlar simulate compare --policy keep-placeable,first-fit,random --seeds 1-10
  ashlar simulate compare my-cluster.yaml -o csv > runs.csv`,
		Args:              scenarioArgument,
		ValidArgsFunction: completeScenario,
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	set := command.Flags()
	flags.add(command)
	set.StringVarP(&flags.format, "output", "o", formatTable, "output format: table, json, or csv (every run)")
	completeFlag(command, "output", func() []string { return simulateFormats })
	set.StringSliceVar(&flags.policies, "policy", nil,
		"the policies, the first is what others are compared with; by default the scenario's variants, or all: "+strings.Join(policyNames(), ", "))
	completeFlag(command, "policy", policyNames)
	set.Var(&flags.seeds, "seeds", "the seeds: 42, 1-10 or 1,5,9-12")
	return command
}

// contestant is one of those that are compared.
type contestant struct {
	Name    string `json:"name"`
	variant scenario.Variant
	results []*simulator.Result // by seed
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	if !slices.Contains(simulateFormats, f.format) {
		return usagef("--output %q: want one of %s", f.format, strings.Join(simulateFormats, ", "))
	}
	s, err := f.loadScenario(cmd, args)
	if err != nil {
		return err
	}
	contestants, err := f.contestants(s)
	if err != nil {
		return err
	}
	if err := f.runAll(cmd, s, contestants); err != nil {
		return err
	}
	comparison := compare(s.Name, f.seeds, contestants)
	switch f.format {
	case formatJSON:
		output := outputFlag{formatJSON}
		return output.write(cmd.OutOrStdout(), comparison, nil)
	case formatCSV:
		return writeRuns(cmd.OutOrStdout(), s.Name, f.seeds, contestants)
	}
	return comparison.writeText(cmd.OutOrStdout())
}

// contestants are the policies of the flag, or else the scenario's variants, or else
// all policies.
func (f *compareFlags) contestants(s *scenariofile.File) ([]contestant, error) {
	variants, err := f.variants(s)
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
		names = policyNames()
	}
	for i, name := range names {
		if _, err := placement.PolicyNamed(name, placement.PriorDemand(), 0); err != nil {
			return nil, usagef("--policy: %w", err)
		}
		if slices.Contains(names[:i], name) {
			return nil, usagef("--policy: %s is there twice", name)
		}
		v := base
		v.Policy = name
		all = append(all, contestant{Name: name, variant: v})
	}
	return all, nil
}

// runAll runs every contestant with every seed, on all cores.
func (f *compareFlags) runAll(cmd *cobra.Command, s *scenariofile.File, contestants []contestant) error {
	c, err := f.load()
	if err != nil {
		return err
	}
	progress := newProgress(cmd.ErrOrStderr(), len(contestants)*len(f.seeds))
	defer progress.end()
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
				progress.done()
				return nil
			})
		}
	}
	return runs.Wait()
}

// comparison is what simulate compare prints: its JSON form is stable.
type comparison struct {
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

func compare(name string, seeds []int64, contestants []contestant) *comparison {
	all := &comparison{Scenario: name, Seeds: seeds}
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
func (c *comparison) writeText(w io.Writer) error {
	p := &page{w: w}
	p.printf("%s, %d seeds; differences to %s, seed by seed; ± is the standard deviation\n", c.Scenario, len(c.Seeds), c.Rows[0].Name)
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
			cells := []string{row.Name, m.FormatValue(row.Mean), "± " + m.FormatValue(row.Deviation), unknown, ""}
			if len(rows) > 1 {
				cells[3], cells[4] = signed(m.FormatValue, row.Difference), "± "+m.FormatValue(row.DifferenceDeviation)
			}
			rows = append(rows, cells)
		}
		if same {
			continue
		}
		p.printf("\n")
		p.table(rows)
	}
	return p.err
}

// signed prints a difference with its sign.
func signed(format func(float64) string, v float64) string {
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
			row := []string{name, contestants[i].Name, cmp.Or(r.Policy, unknown), strconv.FormatInt(seed, 10)}
			for _, m := range metrics {
				row = append(row, csvNumber(m.Value(r)))
			}
			rows = append(rows, row)
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}
