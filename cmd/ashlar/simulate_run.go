package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/simulator/scenarios"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// scenarioFlags say which scenario is run, and how.
type scenarioFlags struct {
	catalogueFlags
	name    string
	variant string
}

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	scenarioFlags
	format string
	policy string
	seed   int64
	events string
	frames int
	page   reportFlag
}

// addSimulateRun makes simulate run scenarios, beside its subcommands.
func addSimulateRun(command *cobra.Command) {
	var flags simulateFlags
	command.Use = "simulate [SCENARIO]"
	command.Short = "Run jobs through a simulated cluster"
	command.Long = `Runs a scenario in simulated time: jobs arrive, wait, load, run and leave on nodes of
the catalogue's machine types, placed by the code that the scheduler uses. It needs
no GPU and no cluster, and takes seconds for weeks.

SCENARIO is a YAML file or one of those that are part of the program, which
simulate list shows and simulate list NAME prints to start from; without it, a week
of a production cluster in small. Variants of a scenario are run next to one another
on the same arrivals. simulate compare repeats them over seeds, simulate openb
repeats published experiments.

The same scenario and seed give the same result, and the same event log byte by byte.`
	command.Example = `  ashlar simulate
  ashlar simulate llm-fleet
  ashlar simulate my-cluster.yaml --policy first-fit --events events.jsonl
  ashlar simulate mig-mix -o json | jq '.runs[].result.utilisation'`
	command.Args = scenarioArgument
	command.ValidArgsFunction = completeScenario
	command.RunE = func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) }
	set := command.Flags()
	flags.add(command)
	set.StringVarP(&flags.format, "output", "o", formatTable, "output format: "+strings.Join(simulateFormats, ", ")+" (json has samples over time as well)")
	completeFlag(command, "output", func() []string { return simulateFormats })
	set.StringVar(&flags.policy, "policy", "", "use this policy in all variants: "+strings.Join(policyNames(), ", "))
	completeFlag(command, "policy", policyNames)
	set.Int64Var(&flags.seed, "seed", 0, "draw the jobs from this seed instead of the scenario's")
	set.StringVar(&flags.events, "events", "", "write what happens to this `FILE`, one line of JSON each; - for standard output")
	set.IntVar(&flags.frames, "frames", defaultFrames, "with -o json or --report, of how many nodes to record what their GPUs hold over time")
	flags.page.add(command)
	command.AddCommand(newSimulateCompareCommand(), newSimulateListCommand(), newSimulateReplayCommand())
}

// defaultFrames is of how many nodes maps are drawn.
const defaultFrames = 200

var simulateFormats = []string{formatTable, formatJSON, formatCSV}

func (f *scenarioFlags) add(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&f.name, "scenario", "", "the same as SCENARIO")
	completeFlag(command, "scenario", scenarios.Names)
	set.StringVar(&f.variant, "variant", "", "run only this `NAME` of the scenario's variants")
	f.catalogueFlags.add(command)
}

// scenarioArgument takes one scenario at most.
func scenarioArgument(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("want one SCENARIO, got %q", args)
	}
	return nil
}

func completeScenario(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(scenarios.Names(), start), cobra.ShellCompDirectiveDefault
}

// loadScenario reads the scenario that the flag or argument names.
func (f *scenarioFlags) loadScenario(cmd *cobra.Command, args []string) (*scenariofile.File, error) {
	name := cmp.Or(f.name, scenarios.Default)
	if len(args) == 1 {
		if f.name != "" {
			return nil, usagef("SCENARIO %s and --scenario %s: name one", args[0], f.name)
		}
		name = args[0]
	}
	if slices.Contains(scenarios.Names(), name) {
		text, err := scenarios.Text(name)
		if err != nil {
			return nil, err
		}
		return scenariofile.Decode(name+".yaml", text)
	}
	if name != "-" && !strings.ContainsAny(name, "./\\") {
		if _, err := os.Stat(name); err != nil {
			return nil, unknownScenario(cmd, name)
		}
	}
	text, err := readScenario(cmd.InOrStdin(), name)
	if err != nil {
		return nil, err
	}
	return scenariofile.Decode(name, text)
}

// unknownScenario is the error for a name that is no scenario, file or subcommand.
func unknownScenario(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(name)
	for _, known := range scenarios.Names() {
		if strings.Contains(known, name) {
			near = append(near, known)
		}
	}
	if len(near) > 0 {
		return usagef("no scenario, file or subcommand is called %q: the nearest is %s", name, strings.Join(near, ", "))
	}
	return usagef("no scenario, file or subcommand is called %q: the scenarios are %s", name, strings.Join(scenarios.Names(), ", "))
}

func readScenario(stdin io.Reader, name string) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, scenariofile.MaxText+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return text, nil
}

// variants are those to run: a scenario without any is its own.
func (f *scenarioFlags) variants(s *scenariofile.File) ([]scenario.Variant, error) {
	if len(s.Variants) == 0 {
		if f.variant != "" {
			return nil, usagef("--variant %s: scenario %s has no variants", f.variant, s.Name)
		}
		return []scenario.Variant{{Name: s.Name}}, nil
	}
	if f.variant == "" {
		return s.Variants, nil
	}
	var names []string
	for _, v := range s.Variants {
		if v.Name == f.variant {
			return []scenario.Variant{v}, nil
		}
		names = append(names, v.Name)
	}
	return nil, usagef("--variant %s: want one of %s", f.variant, strings.Join(names, ", "))
}

// under replaces the policy of all variants, and drops those that then are equal.
func under(policy string, variants []scenario.Variant) []scenario.Variant {
	if policy == "" {
		return variants
	}
	var kept []scenario.Variant
	for _, v := range variants {
		v.Policy = policy
		if !slices.ContainsFunc(kept, func(k scenario.Variant) bool {
			return k.Sharing == v.Sharing && k.Preemption == v.Preemption
		}) {
			kept = append(kept, v)
		}
	}
	if len(kept) == 1 {
		kept[0].Name = policy
	}
	return kept
}

func (f *simulateFlags) run(cmd *cobra.Command, args []string) error {
	switch {
	case !slices.Contains(simulateFormats, f.format):
		return usagef("--output %q: want one of %s", f.format, strings.Join(simulateFormats, ", "))
	case f.frames < 0 || f.frames > simulator.MaxNodes:
		return usagef("--frames %d: want 0 to %d", f.frames, simulator.MaxNodes)
	}
	if f.policy != "" {
		if _, err := placement.PolicyNamed(f.policy, placement.PriorDemand(), 0); err != nil {
			return usagef("--policy: %w", err)
		}
	}
	if err := f.page.check(); err != nil {
		return err
	}
	s, err := f.loadScenario(cmd, args)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("seed") {
		s.Seed = f.seed
	}
	variants, err := f.variants(s)
	if err != nil {
		return err
	}
	variants = under(f.policy, variants)
	if f.events != "" && len(variants) > 1 {
		var names []string
		for _, v := range variants {
			names = append(names, v.Name)
		}
		return usagef("--events is of one run: choose one of the variants %s with --variant", strings.Join(names, ", "))
	}
	log, end, err := f.openEvents(cmd)
	if err != nil {
		return err
	}
	report := &simulateReport{Scenario: s.Name, About: s.About, Seed: s.Seed, HorizonMs: int64(s.Horizon)}
	progress := newRunProgress(cmd.ErrOrStderr(), len(variants))
	for i, v := range variants {
		run, err := f.one(cmd.Context(), s, v, log, progress.of(i, simulator.Time(s.Horizon)))
		if err != nil {
			progress.end()
			return err
		}
		report.Runs = append(report.Runs, run)
	}
	progress.end()
	if err := end(); err != nil {
		return err
	}
	if err := f.page.write(s.Name, report.pages()); err != nil || f.events == "-" {
		return err
	}
	return report.write(cmd.OutOrStdout(), f.format)
}

// openEvents opens the event log; the function it returns closes it.
func (f *simulateFlags) openEvents(cmd *cobra.Command) (io.Writer, func() error, error) {
	switch f.events {
	case "":
		return nil, func() error { return nil }, nil
	case "-":
		return cmd.OutOrStdout(), func() error { return nil }, nil
	}
	file, err := os.Create(f.events)
	if err != nil {
		return nil, nil, fmt.Errorf("--events: %w", err)
	}
	buffered := bufio.NewWriter(file)
	return buffered, func() error {
		if err := buffered.Flush(); err != nil {
			return fmt.Errorf("--events: %w", err)
		}
		return file.Close()
	}, nil
}

// one runs one variant.
func (f *simulateFlags) one(ctx context.Context, s *scenariofile.File, v scenario.Variant, log io.Writer, tell func(simulator.Time)) (*simulateRun, error) {
	c, err := f.load()
	if err != nil {
		return nil, err
	}
	in, err := s.Build(c, v, s.Seed)
	if err != nil {
		return nil, err
	}
	if f.format == formatJSON || f.page.wanted() {
		in.Frames = f.frames
	}
	result, err := simulator.Run(in, simulator.Watch{Log: log, Progress: func(now simulator.Time) error {
		tell(now)
		return context.Cause(ctx)
	}})
	if err != nil {
		return nil, fmt.Errorf("scenario %s, %s: %w", s.Name, v.Name, err)
	}
	return &simulateRun{Variant: v.Name, Policy: result.Policy, Sharing: string(cmp.Or(v.Sharing, s.Sharing, scenario.ByAsk)), Result: result}, nil
}
