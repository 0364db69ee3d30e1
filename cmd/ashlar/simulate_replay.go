package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/replay"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// replayFlags are the flags of simulate replay.
type replayFlags struct {
	format   string
	pods     string
	nodes    string
	scale    float64
	load     float64
	window   string
	seed     int64
	policies []string
	page     reportFlag
}

func newSimulateReplayCommand() *cobra.Command {
	var flags replayFlags
	command := &cobra.Command{
		Use:   "replay --nodes NODES.csv --pods PODS.csv",
		Short: "Replay Alibaba's trace openb in time, on a scaled cluster",
		Long: `Lets the pods of a trace arrive, wait, run and leave at their own times, or, with
--load, at times drawn for a load, each a pod of the trace with its run time. The
trace's 6212 GPUs are far more than ever run at once, so that nothing would wait
there: --scale keeps a part of the nodes, of each shape in proportion. Pods of best
effort (BE) come after the others in the queue.

The files are those of cluster-trace-gpu-v2023 of github.com/alibaba/clusterdata; the
pod list must be one with times.`,
		Example: `  ashlar simulate replay --nodes openb_node_list_gpu_node.csv --pods openb_pod_list_default.csv
  ashlar simulate replay --nodes nodes.csv --pods pods.csv --load 1.1 --window 7d --policy keep-placeable,first-fit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	set := command.Flags()
	set.StringVarP(&flags.format, "output", "o", formatTable, "output format: "+strings.Join(simulateFormats, ", "))
	completeFlag(command, "output", func() []string { return simulateFormats })
	set.StringVar(&flags.nodes, "nodes", "", "the node list, a CSV `FILE`")
	set.StringVar(&flags.pods, "pods", "", "the pod list, a CSV `FILE` with times")
	set.Float64Var(&flags.scale, "scale", 0.0078, "which part of the nodes to keep")
	set.Float64Var(&flags.load, "load", 0, "draw arrivals that ask for so much of the GPU time, like 0.9 or 1.1, instead of the trace's own")
	set.StringVar(&flags.window, "window", "19d", "replay this last part of the trace, or draw arrivals for so long")
	set.Int64Var(&flags.seed, "seed", 1, "with --load, draw arrivals from this seed")
	set.StringSliceVar(&flags.policies, "policy", []string{placement.KeepPlaceable{}.Name()}, "the policies: "+strings.Join(policyNames(), ", "))
	completeFlag(command, "policy", policyNames)
	flags.page.add(command)
	return command
}

func (f *replayFlags) run(cmd *cobra.Command) error {
	var window scenario.Span
	switch {
	case !slices.Contains(simulateFormats, f.format):
		return usagef("--output %q: want one of %s", f.format, strings.Join(simulateFormats, ", "))
	case f.nodes == "":
		return usagef("--nodes is missing: give it a node list")
	case f.pods == "":
		return usagef("--pods is missing: give it a pod list with times")
	case len(f.policies) == 0:
		return usagef("--policy is empty: name one or more policies")
	}
	if err := f.page.check(); err != nil {
		return err
	}
	if err := window.UnmarshalText([]byte(f.window)); err != nil {
		return usagef("--window: %w", err)
	}
	nodes, err := readOpenb(f.nodes, openb.ReadNodes)
	if err != nil {
		return err
	}
	pods, err := readOpenb(f.pods, replay.ReadPods)
	if err != nil {
		return err
	}
	if nodes, err = replay.Scale(nodes, f.scale); err != nil {
		return usagef("--scale: %w", err)
	}
	title := fmt.Sprintf("%s on %d nodes", traceName(f.pods), len(nodes))
	if f.load > 0 {
		title += fmt.Sprintf(", load %g", f.load)
	}
	report := &simulateReport{Scenario: title, Seed: f.seed, HorizonMs: int64(window)}
	progress := newRunProgress(cmd.ErrOrStderr(), len(f.policies))
	defer progress.end()
	for i, policy := range f.policies {
		in, err := replay.Input(pods, nodes, replay.Options{Window: simulator.Time(window), Load: f.load, Seed: f.seed, Policy: policy})
		if err != nil {
			return err
		}
		if f.page.wanted() {
			in.Frames = simulator.MaxNodes
		}
		tell := progress.of(i, simulator.Time(window))
		result, err := simulator.Run(in, simulator.Watch{Progress: func(now simulator.Time) error {
			tell(now)
			return context.Cause(cmd.Context())
		}})
		if err != nil {
			return err
		}
		report.Runs = append(report.Runs, &simulateRun{Variant: policy, Policy: result.Policy, Sharing: string(scenario.ByAsk), Result: result})
	}
	progress.end()
	if err := f.page.write(report.Scenario, report.pages()); err != nil {
		return err
	}
	return report.write(cmd.OutOrStdout(), f.format)
}
