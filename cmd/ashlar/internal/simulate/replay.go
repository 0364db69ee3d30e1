package simulate

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/replay"
	page "github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// replayFlags are the flags of simulate replay.
type replayFlags struct {
	output   cli.OutputFlag
	pods     string
	nodes    string
	scale    float64
	load     float64
	window   string
	seed     int64
	policies []string
	page     pageFlag
}

func newReplayCommand() *cobra.Command {
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
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.runReplay(cmd) },
	}
	set := command.Flags()
	flags.output.AddTo(command, strings.Join(runFormats, ", "), runFormats...)
	set.StringVar(&flags.nodes, "nodes", "", "the node list, a CSV `FILE`")
	set.StringVar(&flags.pods, "pods", "", "the pod list, a CSV `FILE` with times")
	set.Float64Var(&flags.scale, "scale", 0.0078, "which part of the nodes to keep")
	set.Float64Var(&flags.load, "load", 0, "draw arrivals that ask for so much of the GPU time, like 0.9 or 1.1, instead of the trace's own")
	set.StringVar(&flags.window, "window", "19d", "replay this last part of the trace, or draw arrivals for so long")
	set.Int64Var(&flags.seed, "seed", 1, "with --load, draw arrivals from this seed")
	set.StringSliceVar(&flags.policies, "policy", []string{placement.KeepPlaceable{}.Name()},
		"the policies: "+strings.Join(cli.PolicyNames(), ", "))
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	flags.page.addTo(command)
	return command
}

func (f *replayFlags) runReplay(cmd *cobra.Command) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	var window scenario.Span
	switch {
	case f.nodes == "":
		return cli.UsageErrorf("--nodes is missing: give it a node list")
	case f.pods == "":
		return cli.UsageErrorf("--pods is missing: give it a pod list with times")
	case len(f.policies) == 0:
		return cli.UsageErrorf("--policy is empty: name one or more policies")
	}
	if err := f.page.checkFolder(); err != nil {
		return err
	}
	if err := window.UnmarshalText([]byte(f.window)); err != nil {
		return cli.UsageErrorf("--window: %w", err)
	}
	nodes, err := readTrace(f.nodes, trace.ReadNodes)
	if err != nil {
		return err
	}
	pods, err := readTrace(f.pods, trace.ReadTimedPods)
	if err != nil {
		return err
	}
	if nodes, err = replay.ScaleNodes(nodes, f.scale); err != nil {
		return cli.UsageErrorf("--scale: %w", err)
	}
	title := fmt.Sprintf("%s on %d nodes", traceName(f.pods), len(nodes))
	if f.load > 0 {
		title += fmt.Sprintf(", load %g", f.load)
	}
	report := &runReport{Scenario: title, Seed: f.seed, HorizonMs: int64(window)}
	progress := cli.NewProgress(cmd.ErrOrStderr())
	defer progress.End()
	for i, policy := range f.policies {
		in, err := replay.Input(pods, nodes, replay.Options{Window: simulator.Time(window), Load: f.load, Seed: f.seed, Policy: policy})
		if err != nil {
			return err
		}
		if f.page.isWanted() {
			in.SnapshotNodes = simulator.MaxNodes
		}
		tell := tellTime(progress, i, len(f.policies), simulator.Time(window))
		result, err := simulator.Run(in, simulator.Watch{Progress: func(now simulator.Time) error {
			tell(now)
			return context.Cause(cmd.Context())
		}})
		if err != nil {
			return err
		}
		report.Runs = append(report.Runs, &variantRun{
			Variant: policy, Policy: result.Policy, Sharing: string(scenario.ByRequest), Result: result,
		})
	}
	progress.End()
	if err := f.page.writePage(cmd, page.PageHeading{Title: report.Scenario}, report.pageRuns()); err != nil {
		return err
	}
	return report.writeTo(cmd.OutOrStdout(), &f.output)
}
