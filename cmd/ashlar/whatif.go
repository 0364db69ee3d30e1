package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// whatifFlags are the flags of whatif.
type whatifFlags struct {
	source    snapshotSource
	files     []string
	namespace string
	copies    int
	drain     []string
	waiting   bool
	scheduler string
	policies  []string
	save      string
	output    string
}

func newWhatifCommand() *cobra.Command {
	var flags whatifFlags
	command := &cobra.Command{
		Use:   "whatif",
		Short: "Say where pods would go in a cluster, and why others would wait",
		Long: `Reads a snapshot of a cluster and runs the scheduler on it: kube-scheduler's
framework with Ashlar's plugins, at the weights that manifests/base installs. CPU,
memory, taints, affinity, claims, GPU memory of model servers: all that the scheduler
looks at counts, and nothing is changed in the cluster.

-f asks about the pods of manifests, beside those that run: Pods, Deployments,
ReplicaSets, StatefulSets, Jobs and CronJobs, with the claims, templates and classes in
the same files or in the cluster. --drain asks where the pods of nodes would go. Pods
are looked at by priority; drained ones first, then those that wait, then those of -f.
Pods that do not fit are given with the scheduler's reasons and the smallest change
after which they would.

With several policies each gets a line that compares them, and the pods are those of
the first.

A snapshot is read from the API server of a kubeconfig, or with --snapshot from what
--save or this wrote:
  kubectl get nodes,pods,resourceslices,resourceclaims,resourceclaimtemplates,deviceclasses,priorityclasses -A -o json
--save writes a file that can be shown to others: no Secrets, and of containers neither
command nor environment, except of model servers, whose memory is read from them; keys
and tokens are struck out there too.

Not looked at: persistent volumes, quotas, admission webhooks, DeviceTaintRules,
disruption budgets. Nothing is preempted; a note says where that could help. Between
nodes that serve a pod equally well the scheduler goes by the pods that it has seen,
and what if by those of them that still run: there the two may differ.

The exit code is 0 if all pods fit, 3 if some do not (under the first policy), 1 for
any other failure and 2 for a mistake in the call.`,
		Example: `  ashlar whatif -f deployment.yaml --copies 40
  ashlar whatif --drain gpu-node-7,gpu-node-8
  ashlar whatif --save cluster.json
  ashlar whatif --snapshot cluster.json -f job.yaml --policy keep-placeable,first-fit
  ashlar whatif --waiting -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	set := command.Flags()
	flags.source.add(command)
	set.StringArrayVarP(&flags.files, "filename", "f", nil, "ask about the pods of this manifest `FILE`, - for standard input; repeat for more")
	set.StringVarP(&flags.namespace, "namespace", "n", "", "the namespace of objects that name none (default that of the kubeconfig)")
	set.IntVar(&flags.copies, "copies", 0, "ask about so many pods of each object of -f, instead of as many as it says")
	set.StringSliceVar(&flags.drain, "drain", nil, "ask where the pods of these `NODES` would go")
	set.BoolVar(&flags.waiting, "waiting", false, "ask about the cluster's pods that wait, too")
	set.StringVar(&flags.scheduler, "scheduler", "ashlar-scheduler", "the schedulerName by which the cluster's pods choose Ashlar")
	set.StringSliceVar(&flags.policies, "policy", []string{placement.KeepPlaceable{}.Name()}, "how to rank choices, one or more of "+strings.Join(policyNames(), ", "))
	set.StringVar(&flags.save, "save", "", "write the snapshot to this `FILE`")
	set.StringVarP(&flags.output, "output", "o", formatTable, "output format: table or json")
	completeFlag(command, "policy", policyNames)
	completeFlag(command, "output", func() []string { return []string{formatTable, formatJSON} })
	return command
}

func (f *whatifFlags) asks() bool { return len(f.files) > 0 || len(f.drain) > 0 || f.waiting }

// check refuses calls that contradict themselves, before anything is read.
func (f *whatifFlags) check(cmd *cobra.Command) error {
	switch {
	case f.output != formatTable && f.output != formatJSON:
		return usagef("--output %q: want %s or %s", f.output, formatTable, formatJSON)
	case !f.asks() && f.save == "":
		return usagef("nothing is asked: want pods with -f, nodes with --drain, --waiting, or --save FILE, see %s --help", cmd.CommandPath())
	case cmd.Flags().Changed("copies") && f.copies < 1:
		return usagef("--copies %d: want 1 or more", f.copies)
	case f.copies > 0 && len(f.files) == 0:
		return usagef("--copies goes with -f: it says how many pods of each object are asked about")
	case f.source.file == "-" && slices.Contains(f.files, "-"):
		return usagef("standard input is either the snapshot or a manifest")
	}
	return f.source.check()
}

func (f *whatifFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	var policies []placement.Policy
	for _, name := range f.policies {
		policy, err := placement.PolicyNamed(name, placement.PriorDemand(), seed)
		if err != nil {
			return usagef("--policy: %w", err)
		}
		policies = append(policies, policy)
	}
	if len(policies) == 0 {
		return usagef("--policy: want one of %s", strings.Join(policyNames(), ", "))
	}
	quietLogs()
	question, err := f.question(cmd.InOrStdin())
	if err != nil {
		return err
	}
	cluster, err := f.source.read(cmd.Context(), cmd.InOrStdin())
	if err != nil {
		return err
	}
	if f.save != "" {
		if err := f.write(cluster, cmd.ErrOrStderr()); err != nil || !f.asks() {
			return err
		}
	}
	report := newWhatifReport(cluster, question)
	for _, policy := range policies {
		answer, err := dryrun.AnswerQuestion(cmd.Context(), cluster, question, policy)
		if err != nil {
			return err
		}
		report.Answers = append(report.Answers, answer)
	}
	report.Notes = append(report.Notes, report.Answers[0].NotesFor(cluster, question)...)
	if err := report.print(cmd.OutOrStdout(), f.output); err != nil {
		return err
	}
	return report.verdict()
}

// question reads the manifests.
func (f *whatifFlags) question(stdin io.Reader) (*dryrun.PlacementQuestion, error) {
	manifest := &dryrun.AppliedManifest{}
	namespace := f.namespace
	if namespace == "" {
		namespace = f.source.namespace()
	}
	for _, name := range f.files {
		text, err := readManifest(stdin, name)
		if err != nil {
			return nil, err
		}
		if name == "-" {
			name = "standard input"
		}
		if err := manifest.ReadObjects(name, text, namespace); err != nil {
			return nil, err
		}
	}
	if len(f.files) > 0 && len(manifest.Workloads) == 0 {
		return nil, fmt.Errorf("%s: no pod in it: want objects like a Pod, a Deployment or a Job%s", strings.Join(f.files, ", "), aside(manifest.Notes))
	}
	return &dryrun.PlacementQuestion{Manifest: manifest, Copies: f.copies, Drain: f.drain, Waiting: f.waiting, Scheduler: f.scheduler}, nil
}

// aside appends remarks to an error.
func aside(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

// write saves the snapshot, for its owner to read only: who else may is up to them.
func (f *whatifFlags) write(cluster *dryrun.ClusterObjects, progress io.Writer) error {
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
	_, err = fmt.Fprintf(progress, "%s: %s, %s, %s, %s\n", f.save, plural(len(cluster.Nodes), "node"), plural(len(cluster.Pods), "pod"),
		plural(len(cluster.Claims), "claim"), plural(len(cluster.Slices), "ResourceSlice"))
	return err
}

// snapshotSource says where the snapshot comes from.
type snapshotSource struct{ file, kubeconfig, context string }

func (s *snapshotSource) add(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&s.file, "snapshot", "", "read the cluster from this `FILE` or folder, - for standard input, instead of from an API server")
	set.StringVar(&s.kubeconfig, "kubeconfig", "", "the `FILE` that names the API server (default as for kubectl)")
	set.StringVar(&s.context, "context", "", "the kubeconfig's context to use (default the current one)")
}

func (s *snapshotSource) check() error {
	if s.file != "" && (s.kubeconfig != "" || s.context != "") {
		return usagef("--snapshot and --kubeconfig or --context exclude each other: the cluster is read from one of them")
	}
	return nil
}

func (s *snapshotSource) config() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = s.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: s.context})
}

// namespace is the one that kubectl would use.
func (s *snapshotSource) namespace() string {
	if s.file == "" {
		if namespace, _, err := s.config().Namespace(); err == nil && namespace != "" {
			return namespace
		}
	}
	return "default"
}

func (s *snapshotSource) read(ctx context.Context, stdin io.Reader) (*dryrun.ClusterObjects, error) {
	if s.file != "" {
		return dryrun.ReadObjectFiles(s.file, stdin)
	}
	config, err := s.config().ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("which API server to ask is not known: %w: name one with --kubeconfig, or a file with --snapshot", err)
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	cluster, err := dryrun.ReadLiveCluster(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("the API server at %s: %w", config.Host, err)
	}
	return cluster, nil
}
