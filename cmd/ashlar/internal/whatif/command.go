package whatif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// whatifFlags are the flags of whatif.
type whatifFlags struct {
	source    clustersource.Source
	files     []string
	namespace string
	copies    int
	drain     []string
	waiting   bool
	scheduler string
	policies  []string
	save      string
	add       []string
	output    cli.OutputFlag
}

// NewCommand is ashlar whatif.
func NewCommand() *cobra.Command {
	var flags whatifFlags
	command := &cobra.Command{
		Use:   "whatif",
		Short: "Say where pods would go in a cluster, and why others would wait",
		Long: `Reads a snapshot of a cluster and runs the scheduler on it: kube-scheduler's
framework with Ashlar's plugins, at the weights that manifests/base installs. CPU,
memory, taints, affinity, claims, GPU memory of model servers: all that the scheduler
looks at counts, and nothing is changed in the cluster.

-f asks about the pods of manifests, beside those that run, with the claims, templates
and classes in the same files or in the cluster: Pods, Deployments, StatefulSets, Jobs
and the like, KServe's InferenceServices and LLMInferenceServices, LeaderWorkerSets,
JobSets, Knative Services, Rollouts, and the jobs of Kubeflow, Ray and Volcano. Of
other kinds each pod that is described in them is asked about once. --drain asks where
the pods of nodes would go, without those that are being deleted or belong to a
DaemonSet. Pods are looked at by priority; drained ones first, then those that wait,
then those of -f. Pods that do not fit are given with the scheduler's reasons and the
smallest change after which they would.

Quotas and limits of the namespace, in the same files or in the snapshot, refuse pods
as the API server does. Where a HorizontalPodAutoscaler, a ScaledObject or the object
itself scales, its least number of replicas is asked about, and a line says how many
would fit. What cannot be read of -f is said, and the rest is answered all the same.

--add asks with more nodes of a machine type of the catalogue (ashlar topology list), as the
driver would publish them: which to buy, or which node group to scale up. --add a=1,b=2 adds
both. Several --add are alternatives, and each gets an answer, with the list price of its
GPUs: the one with which most pods fit first, then the cheapest.

With several policies each gets a line that compares them, and the pods are those of
the first.

A snapshot is read from the API server of a kubeconfig, or with --snapshot from what
--save or this wrote:
  kubectl get -A -o json nodes,pods,resourceslices,resourceclaims,resourceclaimtemplates,\
deviceclasses,priorityclasses,resourcequotas,limitranges,hpa
--save writes a file that can be shown to others: no Secrets, and of containers neither
command nor environment, except of model servers, whose memory is read from them; keys
and tokens are struck out there too.

Not looked at: persistent volumes, admission webhooks, DeviceTaintRules, disruption
budgets. Nothing is preempted; a note says where that could help. Between nodes that
serve a pod equally well the scheduler goes by the pods that it has seen, and what if by
those of them that still run: there the two may differ.

The exit code is 0 if all pods fit, and 3 if some do not (under the first policy) or some
objects of -f could not be read. Replicas that autoscalers would add do not change it.`,
		Example: `  ashlar whatif -f deployment.yaml --copies 40
  ashlar whatif --drain gpu-node-7,gpu-node-8
  ashlar whatif --waiting --add dgx-h100=2 --add aws-g5.48xlarge=4
  ashlar whatif --save cluster.json
  ashlar whatif --snapshot cluster.json -f job.yaml --policy keep-placeable,first-fit
  ashlar whatif --waiting -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.runWhatif(cmd) },
	}
	set := command.Flags()
	flags.source.AddTo(command)
	set.StringArrayVarP(&flags.files, "filename", "f", nil,
		"ask about the pods of this manifest `FILE`, - for standard input; repeat for more")
	set.StringVarP(&flags.namespace, "namespace", "n", "", "the namespace of objects that name none (default that of the kubeconfig)")
	set.IntVar(&flags.copies, "copies", 0, "ask about so many replicas of each object of -f, instead of as many as it says")
	set.StringSliceVar(&flags.drain, "drain", nil, "ask where the pods of these `NODES` would go")
	set.BoolVar(&flags.waiting, "waiting", false, "ask about the cluster's pods that wait, too")
	set.StringVar(&flags.scheduler, "scheduler", "ashlar-scheduler", "the schedulerName by which the cluster's pods choose Ashlar")
	set.StringSliceVar(&flags.policies, "policy", []string{placement.KeepPlaceable{}.Name()},
		"how to rank choices, one or more of "+strings.Join(cli.PolicyNames(), ", "))
	set.StringVar(&flags.save, "save", "", "write the snapshot to this `FILE`")
	set.StringArrayVar(&flags.add, "add", nil,
		"ask with more nodes, `MACHINE=N` of the catalogue, several with commas; repeat to compare alternatives, best first")
	cli.CompleteFlag(command, "add", func() []string { return catalogue.Default().Machines() })
	flags.output.AddTo(command, "table, json or yaml", cli.FormatTable, cli.FormatJSON, cli.FormatYAML)
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	return command
}

func (f *whatifFlags) asksAnything() bool { return len(f.files) > 0 || len(f.drain) > 0 || f.waiting }

// checkFlags refuses calls that contradict themselves, before anything is read.
func (f *whatifFlags) checkFlags(cmd *cobra.Command) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	switch {
	case !f.asksAnything() && f.save == "":
		return cli.UsageErrorf("nothing is asked: want pods with -f, nodes with --drain, --waiting, or --save FILE, see %s --help",
			cmd.CommandPath())
	case cmd.Flags().Changed("copies") && f.copies < 1:
		return cli.UsageErrorf("--copies %d: want 1 or more", f.copies)
	case f.copies > 0 && len(f.files) == 0:
		return cli.UsageErrorf("--copies goes with -f: it says how many pods of each object are asked about")
	case len(f.add) > 0 && !f.asksAnything():
		return cli.UsageErrorf("--add goes with -f, --waiting or --drain: it says with which nodes they are asked about")
	case len(f.add) > 1 && len(f.policies) > 1:
		return cli.UsageErrorf("several --add and several --policy exclude each other: compare nodes, or policies")
	case f.source.File == "-" && slices.Contains(f.files, "-"):
		return cli.UsageErrorf("standard input is either the snapshot or a manifest")
	}
	return f.source.CheckFlags()
}

func (f *whatifFlags) runWhatif(cmd *cobra.Command) error {
	if err := f.checkFlags(cmd); err != nil {
		return err
	}
	policies, err := policiesNamed(f.policies)
	if err != nil {
		return err
	}
	ctx := clustersource.SilenceScheduler(cmd.Context())
	question, err := f.readQuestion(cmd.InOrStdin())
	if err != nil {
		return err
	}
	cluster, err := f.source.ReadObjects(ctx, cmd.InOrStdin())
	if err != nil {
		return err
	}
	if f.save != "" {
		if err := f.saveSnapshot(cluster, cmd.ErrOrStderr()); err != nil || !f.asksAnything() {
			return err
		}
	}
	additions, err := f.readAdditions()
	if err != nil {
		return err
	}
	if len(additions) > 0 {
		if cluster, err = f.askAdditions(ctx, cluster, question, policies[0], additions); err != nil {
			return err
		}
	}
	report, err := reportPlacement(ctx, cluster, question, policies)
	if err != nil {
		return err
	}
	if report.Additions = additions; len(additions) > 0 {
		report.Notes = append(report.Notes, sizeNote(cluster))
	}
	if err := f.output.Write(cmd.OutOrStdout(), report, report.writeText); err != nil {
		return err
	}
	return report.fitError()
}

// policiesNamed are the policies of these names, at least one.
func policiesNamed(names []string) ([]placement.Policy, error) {
	var policies []placement.Policy
	for _, name := range names {
		policy, err := placement.PolicyNamed(name, placement.PriorDemand(), cli.PolicySeed)
		if err != nil {
			return nil, cli.UsageErrorf("--policy: %w", err)
		}
		policies = append(policies, policy)
	}
	if len(policies) == 0 {
		return nil, cli.UsageErrorf("--policy: want one of %s", strings.Join(cli.PolicyNames(), ", "))
	}
	return policies, nil
}

// reportPlacement answers a question under each policy.
func reportPlacement(
	ctx context.Context, cluster *dryrun.ClusterObjects, question *dryrun.PlacementQuestion, policies []placement.Policy,
) (*PlacementReport, error) {
	report := newPlacementReport(cluster, question)
	for _, policy := range policies {
		answer, err := dryrun.AnswerQuestion(ctx, cluster, question, policy)
		if err != nil {
			if mistake := (&dryrun.QuestionError{}); errors.As(err, &mistake) {
				err = cli.MistakenInput(err)
			}
			return nil, withErrors(err, question.Manifest.Errors)
		}
		report.Answers = append(report.Answers, answer)
	}
	report.Notes = append(report.Notes, report.Answers[0].NotesFor(cluster, question)...)
	return report, nil
}

// readQuestion reads the manifests.
func (f *whatifFlags) readQuestion(stdin io.Reader) (*dryrun.PlacementQuestion, error) {
	var texts []manifestText
	for _, name := range f.files {
		text, err := cli.ReadManifest(stdin, name)
		if err != nil {
			return nil, err
		}
		if name == "-" {
			name = "standard input"
		}
		texts = append(texts, manifestText{name, text})
	}
	namespace := f.namespace
	if namespace == "" {
		namespace = f.source.DefaultNamespace()
	}
	question := &dryrun.PlacementQuestion{Copies: f.copies, Drain: f.drain, Waiting: f.waiting, Scheduler: f.scheduler}
	return question, addManifests(question, texts, namespace)
}

// manifestText is a manifest under the name by which errors call it.
type manifestText struct {
	name string
	text []byte
}

// addManifests asks about the pods of manifests, whose objects are of the namespace where they name none.
func addManifests(question *dryrun.PlacementQuestion, texts []manifestText, namespace string) error {
	manifest := &dryrun.AppliedManifest{}
	question.Manifest = manifest
	var names []string
	for _, one := range texts {
		_ = manifest.ReadObjects(one.name, one.text, namespace) // its errors are kept for the answer
		names = append(names, one.name)
	}
	if len(texts) == 0 || len(manifest.Workloads) > 0 {
		return nil
	}
	if len(manifest.Errors) > 0 && len(question.Drain) == 0 && !question.Waiting {
		return cli.MistakenInput(errors.Join(manifest.Errors...))
	}
	return cli.UsageErrorf("%s: no pod in it: want objects like a Pod, a Deployment or a Job%s",
		strings.Join(names, ", "), asideOf(append(manifest.Notes, manifest.AutoscalerNotes()...)))
}

// withErrors has what of the manifests could not be read before the reason why nothing can be
// answered.
func withErrors(reason error, unread []error) error {
	return errors.Join(append(slices.Clone(unread), reason)...)
}

// asideOf appends remarks to an error.
func asideOf(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

// saveSnapshot saves the snapshot, for its owner to read only: who else may is up to them.
func (f *whatifFlags) saveSnapshot(cluster *dryrun.ClusterObjects, progress io.Writer) error {
	file, err := os.OpenFile(f.save, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := cluster.SaveObjects(file); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(progress, "%s: %s, %s, %s, %s\n", f.save,
		cli.CountNoun(len(cluster.Nodes), "node"), cli.CountNoun(len(cluster.Pods), "pod"),
		cli.CountNoun(len(cluster.Claims), "claim"), cli.CountNoun(len(cluster.Slices), "ResourceSlice"))
	return err
}
