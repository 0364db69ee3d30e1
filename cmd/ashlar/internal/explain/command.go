package explain

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// explainFlags are the flags of explain.
type explainFlags struct {
	source    clustersource.Source
	namespace string
	scheduler string
	policy    string
	output    cli.OutputFlag
}

// NewCommand is ashlar explain.
func NewCommand() *cobra.Command {
	var flags explainFlags
	command := &cobra.Command{
		Use:   "explain POD",
		Short: "Say why a pod waits for GPUs, or what it has and why",
		Long: `Reads a snapshot of a cluster and runs the scheduler on it for one pod.

Of a pod that waits: every cause, the smallest change after which it would fit, each kind of
node with why it does not take the pod, and what is doubtful about its model server. The pods
of its PodGroup that wait are looked at with it; other pods that wait are not.

Of a pod that has a node: its GPUs, slices or shares, how they are linked, and what is left
of those GPUs. Then the pod is placed once more on the copy, as if it were made anew: where
it would go today, and why other nodes would not take it. What they were like when it was
placed is not known.

Not looked at: what ashlar whatif --help names as such.

The exit code is 0 if the pod has a node, would find one or has ended, and 3 if it would
wait.`,
		Example: `  ashlar explain trainer-0 -n research
  ashlar explain pod/trainer-0 --snapshot cluster.json -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return flags.runExplain(cmd, args[0]) },
	}
	set := command.Flags()
	flags.source.AddTo(command)
	set.StringVarP(&flags.namespace, "namespace", "n", "", "the pod's namespace (default that of the kubeconfig)")
	set.StringVar(&flags.scheduler, "scheduler", "ashlar-scheduler", "the schedulerName by which the cluster's pods choose Ashlar")
	set.StringVar(&flags.policy, "policy", placement.KeepPlaceable{}.Name(),
		"how the scheduler ranks choices, one of "+strings.Join(cli.PolicyNames(), ", "))
	flags.output.AddTo(command, "table, json or yaml", cli.FormatTable, cli.FormatJSON, cli.FormatYAML)
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	return command
}

func (f *explainFlags) runExplain(cmd *cobra.Command, name string) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	if err := f.source.CheckFlags(); err != nil {
		return err
	}
	policy, err := placement.PolicyNamed(f.policy, placement.PriorDemand(), cli.PolicySeed)
	if err != nil {
		return cli.UsageErrorf("--policy: %w", err)
	}
	namespace := f.namespace
	if namespace == "" {
		namespace = f.source.DefaultNamespace()
	}
	ctx := clustersource.SilenceScheduler(cmd.Context())
	objects, err := f.source.ReadObjects(ctx, cmd.InOrStdin())
	if err != nil {
		return err
	}
	pod, err := findPod(objects, namespace, name)
	if err != nil {
		return err
	}
	report, err := explainPod(ctx, objects, pod, f.scheduler, policy)
	if mistake := (*dryrun.QuestionError)(nil); errors.As(err, &mistake) {
		return cli.MistakenInput(err)
	}
	if err != nil {
		return err
	}
	if err := f.output.Write(cmd.OutOrStdout(), report, func(w io.Writer) error { return report.writeText(w) }); err != nil {
		return err
	}
	if report.State == stateWaiting && report.Today != nil && report.Today.Node == "" {
		return cli.NothingFits{Message: "the pod waits"}
	}
	return nil
}
