package simulate

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/assertion"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	scenarioFlags
	output cli.OutputFlag
	policy string
	// sharing takes the place of every variant's, "" for none.
	sharing scenario.Sharing
	seed    int64
	events  string
	frames  int
	page    pageFlag
}

// addRun makes simulate run scenarios, beside its subcommands.
func addRun(command *cobra.Command) {
	var flags simulateFlags
	command.Use = "simulate [SCENARIO]"
	command.Short = "Run jobs through a simulated cluster"
	command.Long = `Runs a scenario in simulated time: jobs arrive, wait, load, run and leave on nodes of
the catalogue's machine types, placed by the code that the scheduler uses. It needs
no GPU and no cluster, and takes seconds for weeks.

SCENARIO is a YAML file or one of those that are part of the program, which
simulate list shows and simulate list NAME prints to start from; without it, llm-fleet,
the model servers of a company on GPUs that are whole, shared or time-sliced. Variants of a scenario are run next to one another
on the same arrivals. simulate compare repeats them over seeds, simulate openb
repeats published experiments.

How GPUs are handed out is the scenario's "sharing", or a variant's: ashlar (each request
in the form that it asks for), whole, time-slicing/N (N replicas of every GPU), mps/N (N
clients of its MPS server, with one Nth of the memory each at most), or the latter two
in MIG slices: 3g.20gb/time-slicing/2 cuts an A100 in two and gives each slice to two.

With --trace the jobs of a published log run in place of the scenario's workloads: they
come and run as they did there, on the scenario's nodes. Rows that cannot be used are
counted and said.

The same scenario and seed give the same result, and the same event log byte by byte.

A scenario may say what its runs are to show: "assertions". Those that do not hold are
printed with their figures, and the exit code is 3. What --variant leaves out, or --policy
or --sharing changes, is not checked.`
	command.Example = `  ashlar simulate
  ashlar simulate llm-fleet
  ashlar simulate my-cluster.yaml --policy first-fit --events events.jsonl
  ashlar simulate llm-fleet --sharing mps/4
  ashlar simulate my-cluster.yaml --trace cluster_job_log --trace-from 30d
  ashlar simulate mig-mix -o json | jq '.runs[].result.utilisation'`
	command.Args = scenarioArgument
	command.ValidArgsFunction = completeScenario
	command.RunE = func(cmd *cobra.Command, args []string) error { return flags.runScenario(cmd, args) }
	set := command.Flags()
	flags.addTo(command)
	flags.output.AddTo(command, strings.Join(runFormats, ", ")+" (json and yaml have samples over time as well)", runFormats...)
	set.StringVar(&flags.policy, "policy", "", "use this policy in all variants: "+strings.Join(cli.PolicyNames(), ", "))
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	set.StringVar((*string)(&flags.sharing), "sharing", "",
		"hand out GPUs in this way in all variants: "+strings.Join(scenario.SharingForms(), ", "))
	cli.CompleteFlag(command, "sharing", scenario.SharingForms)
	set.Int64Var(&flags.seed, "seed", 0, "draw the jobs from this seed instead of the scenario's")
	set.StringVar(&flags.events, "events", "", "write what happens to this `FILE`, one line of JSON each; - for standard output")
	set.IntVar(&flags.frames, "frames", defaultFrames, "with -o json or --report, of how many nodes to record what their GPUs hold over time")
	flags.page.addTo(command)
	command.AddCommand(newCompareCommand(), newListCommand(), newReplayCommand())
}

// defaultFrames is of how many nodes maps are drawn.
const defaultFrames = 200

var runFormats = []string{cli.FormatTable, cli.FormatJSON, cli.FormatYAML, cli.FormatCSV}

// replaceTerms replaces the policy and the sharing of all variants, where the flags state
// them, and drops those that then are equal.
func (f *simulateFlags) replaceTerms(variants []scenario.Variant) []scenario.Variant {
	if f.policy == "" && f.sharing == "" {
		return variants
	}
	var kept []scenario.Variant
	for _, v := range variants {
		v.Policy, v.Sharing = cmp.Or(f.policy, v.Policy), cmp.Or(f.sharing, v.Sharing)
		if !slices.ContainsFunc(kept, func(k scenario.Variant) bool {
			return k.Policy == v.Policy && k.Sharing == v.Sharing && k.Preemption == v.Preemption && reflect.DeepEqual(k.MinReplicas, v.MinReplicas)
		}) {
			kept = append(kept, v)
		}
	}
	if len(kept) == 1 {
		kept[0].Name = cmp.Or(f.policy, string(f.sharing))
	}
	return kept
}

func (f *simulateFlags) runScenario(cmd *cobra.Command, args []string) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	if f.frames < 0 || f.frames > simulator.MaxNodes {
		return cli.UsageErrorf("--frames %d: want 0 to %d", f.frames, simulator.MaxNodes)
	}
	if f.policy != "" {
		if _, err := placement.PolicyNamed(f.policy, placement.PriorDemand(), 0); err != nil {
			return cli.UsageErrorf("--policy: %w", err)
		}
	}
	if err := f.sharing.CheckForm(); err != nil {
		return cli.UsageErrorf("--sharing %w", err)
	}
	if err := f.page.checkFolder(); err != nil {
		return err
	}
	s, err := f.loadScenario(cmd, args)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("seed") {
		s.Seed = f.seed
	}
	variants, err := f.chosenVariants(s)
	if err != nil {
		return err
	}
	variants = f.replaceTerms(variants)
	if f.events != "" && len(variants) > 1 {
		var names []string
		for _, v := range variants {
			names = append(names, v.Name)
		}
		return cli.UsageErrorf("--events is of one run: choose one of the variants %s with --variant", strings.Join(names, ", "))
	}
	log, end, err := f.openEvents(cmd)
	if err != nil {
		return err
	}
	var checked []assertion.Run
	report := &runReport{Scenario: s.Name, About: s.About, Seed: s.Seed, HorizonMs: int64(s.Horizon), NotModelled: s.NotModelled()}
	progress := cli.NewProgress(cmd.ErrOrStderr())
	runs, err := f.runVariants(cmd.Context(), s, variants, log, progress)
	if err != nil {
		progress.End()
		return err
	}
	for i, v := range variants {
		run := runs[i]
		report.Runs = append(report.Runs, run)
		checked = append(checked, assertion.Run{
			Name: v.Name, Variant: variantName(s, v), Policy: run.Policy,
			AsWritten: f.policy == "" && f.sharing == "", Results: []*simulator.Result{run.Result},
		})
	}
	progress.End()
	if err := end(); err != nil {
		return err
	}
	if err := f.page.writePage(cmd, headingOf(s), report.pageRuns()); err != nil {
		return err
	}
	if f.events != "-" {
		if err := report.writeTo(cmd.OutOrStdout(), &f.output); err != nil {
			return err
		}
	}
	return brokenAssertions(s, checked)
}

// brokenAssertions is the answer no where runs do not hold what the scenario asserts.
func brokenAssertions(s *scenariofile.File, runs []assertion.Run) error {
	if s.Traced != nil {
		return nil // they are about the scenario's own jobs
	}
	if err := s.CheckAssertions(runs); err != nil {
		return cli.FoundTrouble{Message: err.Error()}
	}
	return nil
}

// variantName is the name of a variant in the scenario, "" for a scenario without any.
func variantName(s *scenariofile.File, v scenario.Variant) string {
	if len(s.Variants) == 0 {
		return ""
	}
	return v.Name
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

// runVariant runs one variant.
func (f *simulateFlags) runVariant(
	ctx context.Context, s *scenariofile.File, v scenario.Variant, log io.Writer, tell func(simulator.Time),
) (*variantRun, error) {
	c, err := f.LoadCatalogue()
	if err != nil {
		return nil, err
	}
	in, err := s.Build(c, v, s.Seed)
	if err != nil {
		return nil, cli.MistakenInput(err)
	}
	if f.output.Format == cli.FormatJSON || f.page.isWanted() {
		in.SnapshotNodes = f.frames
	}
	result, err := simulator.Run(in, simulator.Watch{Log: log, Progress: func(now simulator.Time) error {
		tell(now)
		return context.Cause(ctx)
	}})
	if err != nil {
		return nil, fmt.Errorf("scenario %s, %s: %w", s.Name, v.Name, err)
	}
	sharing := string(cmp.Or(v.Sharing, s.Sharing, scenario.ByRequest))
	return &variantRun{Variant: v.Name, Policy: result.Policy, Sharing: sharing, Result: result}, nil
}
