package doctor

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	source    clustersource.Source
	scheduler string
	output    cli.OutputFlag
}

// NewCommand is ashlar doctor.
func NewCommand() *cobra.Command {
	var flags doctorFlags
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with a cluster for placing GPU pods, and what to do about it",
		Long: `Looks at a cluster for what keeps GPU pods from starting, or GPUs from being handed out
once: the API server's version and features, DeviceClasses, the GPU stack, GPUs that are
offered in two ways, stale ResourceSlices, labels, the driver, the scheduler, the webhook,
PodGroups, double allocations, and pods that wait for what is not there. Nothing is changed.

What is well is one line. What is wrong has a cause with figures and a remedy, most of them
a command to paste. What a snapshot does not hold, or this account may not list, is told as
not checked.

The exit code is 3 if something is broken; warnings alone leave it 0.`,
		Example: `  ashlar doctor
  ashlar doctor -o wide
  ashlar doctor --snapshot cluster.json -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.runDoctor(cmd) },
	}
	flags.source.AddTo(command)
	command.Flags().StringVar(&flags.scheduler, "scheduler", schedulerName, "the schedulerName by which the cluster's pods choose Ashlar")
	flags.output.AddTo(command, "table, wide (every finding), json, yaml or name (of the objects that something is wrong with)",
		cli.FormatTable, cli.FormatWide, cli.FormatJSON, cli.FormatYAML, cli.FormatName)
	return command
}

func (f *doctorFlags) runDoctor(cmd *cobra.Command) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	if err := f.source.CheckFlags(); err != nil {
		return err
	}
	report, err := examineCluster(clustersource.SilenceScheduler(cmd.Context()), &f.source, f.scheduler, cmd.InOrStdin())
	if err != nil {
		return err
	}
	if f.output.Format == cli.FormatName {
		err = cli.WriteNames(cmd.OutOrStdout(), report.objectNames())
	} else {
		err = f.output.Write(cmd.OutOrStdout(), report, func(w io.Writer) error { return report.writeText(w, f.output.IsWide()) })
	}
	if err != nil {
		return err
	}
	if report.Broken > 0 {
		return cli.FoundTrouble{Message: report.summaryLine()}
	}
	return nil
}

// AskCluster is what doctor says of a cluster whose pods choose Ashlar by a schedulerName, that of the chart if
// it is empty.
func AskCluster(ctx context.Context, source *clustersource.Source, scheduler string) (*ClusterReport, error) {
	return examineCluster(clustersource.SilenceScheduler(ctx), source, cmp.Or(scheduler, schedulerName), nil)
}

func examineCluster(ctx context.Context, source *clustersource.Source, scheduler string, stdin io.Reader) (*ClusterReport, error) {
	evidence, err := readEvidence(ctx, source, scheduler, stdin)
	if err != nil {
		return nil, err
	}
	report := &ClusterReport{Checks: runChecks(evidence)}
	report.countFindings()
	return report, nil
}

// readEvidence reads the cluster, and from an API server also what a snapshot does not hold.
func readEvidence(ctx context.Context, source *clustersource.Source, scheduler string, stdin io.Reader) (*Evidence, error) {
	objects, err := source.ReadObjects(ctx, stdin)
	if err != nil {
		return nil, err
	}
	evidence := &Evidence{ClusterObjects: objects, SchedulerName: scheduler}
	if source.File != "" {
		return evidence, nil
	}
	client, host, err := source.ConnectCluster()
	if err != nil {
		return nil, err
	}
	if evidence.Live, err = readLiveEvidence(ctx, client); err != nil {
		return nil, fmt.Errorf("the API server at %s: %w", host, err)
	}
	return evidence, nil
}
