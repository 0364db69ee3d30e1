package defrag

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// defragFlags are the flags of defrag.
type defragFlags struct {
	source    clustersource.Source
	room      bool
	files     []string
	namespace string
	copies    int
	maxMoves  int
	cordon    bool
	evict     bool
	yes       bool
	timeout   time.Duration
	scheduler string
	policy    string
	output    cli.OutputFlag
}

// NewCommand is ashlar defrag.
func NewCommand() *cobra.Command {
	var flags defragFlags
	command := &cobra.Command{
		Use:   "defrag",
		Short: "Say which pods to move so that another fits, and move them",
		Long: `Reads a snapshot of a cluster as ashlar whatif does, and plans which pods to evict, in
which order, so that they start again elsewhere and leave room together. With --for -f it is
room for the pods of a manifest, at the least cost; without, for more of what may come: MIG
slices of each profile, GPUs, whole nodes.

A cost is the work at risk: for how long a pod has run times the GPUs that it holds. A pod
goes where the scheduler puts the one that its controller makes instead; each plan is
carried out on a copy of the cluster by the scheduler's own code before it is printed. Where
the pod would come back, its node is cordoned until it has another place (--cordon=false
plans without that).

Moved are only pods that allow it, by the annotation ` + deviceapi.MovableAnnotation + `: "true" on the pod or
its PriorityClass, that have a controller, claims of their own and no gang around them, and
whose PodDisruptionBudget has an eviction left. Nothing is changed without --evict.

--evict carries the plan out through the Eviction API, one move at a time. After each, the
pod that came instead must have a place, and the rest is planned anew from the cluster as it
is then; the first surprise ends it, with what was done and what is left. It asks first,
unless --yes is given. It needs the rights to create pods/eviction and, for cordoning, to
patch nodes: docs/defragmentation.md has a role.

The exit code is 0 if the pods fit, after the moves or as things are, and if more cannot be
made placeable; 3 if no moves make room; 1 for any other failure, such as a surprise.`,
		Example: `  ashlar defrag --for -f pod.yaml
  ashlar defrag --snapshot cluster.json --for -f job.yaml -o json
  ashlar defrag --max-moves 4
  ashlar defrag --for -f pod.yaml --evict`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.runDefrag(cmd) },
	}
	set := command.Flags()
	flags.source.AddTo(command)
	set.BoolVar(&flags.room, "for", false, "make room for the pods of -f, which implies it")
	set.StringArrayVarP(&flags.files, "filename", "f", nil, "the manifest `FILE` of the pods to make room for, - for standard input")
	set.StringVarP(&flags.namespace, "namespace", "n", "", "the namespace of objects that name none (default that of the kubeconfig)")
	set.IntVar(&flags.copies, "copies", 0, "make room for so many replicas of the object of -f, instead of as many as it says")
	set.IntVar(&flags.maxMoves, "max-moves", cluster.DefaultMoves, "move at most so many pods")
	set.BoolVar(&flags.cordon, "cordon", true, "cordon a node while a pod of it is moved that would come back")
	set.BoolVar(&flags.evict, "evict", false, "carry the plan out")
	set.BoolVar(&flags.yes, "yes", false, "do not ask before --evict")
	set.DurationVar(&flags.timeout, "timeout", 5*time.Minute, "how long to wait for one move: for its budget, and for the new pod's place")
	set.StringVar(&flags.scheduler, "scheduler", "ashlar-scheduler", "the schedulerName by which the cluster's pods choose Ashlar")
	set.StringVar(&flags.policy, "policy", placement.KeepPlaceable{}.Name(),
		"how the scheduler ranks choices, one of "+strings.Join(cli.PolicyNames(), ", "))
	flags.output.AddTo(command, "table, json or yaml", cli.FormatTable, cli.FormatJSON, cli.FormatYAML)
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	return command
}

// checkFlags refuses calls that contradict themselves, before anything is read.
func (f *defragFlags) checkFlags(cmd *cobra.Command) error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	switch {
	case f.room && len(f.files) == 0:
		return cli.UsageErrorf("--for goes with -f: name the manifest of the pods to make room for")
	case cmd.Flags().Changed("copies") && f.copies < 1:
		return cli.UsageErrorf("--copies %d: want 1 or more", f.copies)
	case f.copies > 0 && len(f.files) == 0:
		return cli.UsageErrorf("--copies goes with -f: it says for how many pods room is made")
	case f.maxMoves < 1 || f.maxMoves > maxMaxMoves:
		return cli.UsageErrorf("--max-moves %d: want 1 to %d", f.maxMoves, maxMaxMoves)
	case f.timeout <= 0:
		return cli.UsageErrorf("--timeout %s: want more than 0", f.timeout)
	case f.evict && f.source.File != "":
		return cli.UsageErrorf("--evict needs the cluster itself, and --snapshot is a copy: leave one of them out")
	case f.yes && !f.evict:
		return cli.UsageErrorf("--yes goes with --evict: a plan alone asks nothing")
	}
	return f.source.CheckFlags()
}

// maxMaxMoves bounds the moves of a plan.
const maxMaxMoves = 64

func (f *defragFlags) runDefrag(cmd *cobra.Command) error {
	if err := f.checkFlags(cmd); err != nil {
		return err
	}
	policy, err := placement.PolicyNamed(f.policy, placement.PriorDemand(), cli.PolicySeed)
	if err != nil {
		return cli.UsageErrorf("--policy: %w", err)
	}
	manifest, err := f.readManifest(cmd.InOrStdin())
	if err != nil {
		return err
	}
	p := &movePlanner{flags: f, manifest: manifest, policy: policy, stdin: cmd.InOrStdin()}
	ctx := clustersource.SilenceScheduler(cmd.Context())
	answer, err := p.planMoves(ctx)
	if err != nil {
		return err
	}
	if err := f.output.Write(cmd.OutOrStdout(), answer, func(w io.Writer) error { return writePlan(w, answer) }); err != nil {
		return err
	}
	switch {
	case len(answer.Moves) == 0 && answer.Request != "" && answer.FitBefore < answer.Copies:
		return cli.NothingFits{Message: fmt.Sprintf("no moves were found that make room for %s", answer.Request)}
	case len(answer.Moves) == 0 || !f.evict:
		return nil
	}
	if err := f.askFirst(cmd, len(answer.Moves)); err != nil {
		return err
	}
	return p.carryOut(ctx, answer, cmd.ErrOrStderr())
}

// readManifest reads the pods that room is made for, nil without -f.
func (f *defragFlags) readManifest(stdin io.Reader) (*dryrun.AppliedManifest, error) {
	if len(f.files) == 0 {
		return nil, nil
	}
	manifest := &dryrun.AppliedManifest{}
	namespace := f.namespace
	if namespace == "" {
		namespace = f.source.DefaultNamespace()
	}
	for _, name := range f.files {
		text, err := cli.ReadManifest(stdin, name)
		if err != nil {
			return nil, err
		}
		if name == "-" {
			name = "standard input"
		}
		if err := manifest.ReadObjects(name, text, namespace); err != nil {
			return nil, cli.MistakenInput(err)
		}
	}
	if len(manifest.Workloads) == 0 {
		return nil, cli.UsageErrorf("%s: no pod in it: want an object like a Pod, a Deployment or a Job", strings.Join(f.files, ", "))
	}
	return manifest, nil
}

// movePlanner plans anew whenever it is asked, from the cluster as it is then.
type movePlanner struct {
	flags    *defragFlags
	manifest *dryrun.AppliedManifest
	policy   placement.Policy
	stdin    io.Reader
}

func (p *movePlanner) planMoves(ctx context.Context) (*dryrun.DefragAnswer, error) {
	objects, err := p.flags.source.ReadObjects(ctx, p.stdin)
	if err != nil {
		return nil, err
	}
	question := &dryrun.DefragQuestion{
		Manifest: p.manifest, Copies: p.flags.copies, Scheduler: p.flags.scheduler, MaxMoves: p.flags.maxMoves,
		MayCordon: p.flags.cordon, Now: time.Now(),
	}
	if p.flags.source.File != "" {
		question.Now = objects.YoungestObject()
	}
	if p.manifest != nil {
		question.Served = p.manifest.ServedPods(objects)
	}
	return dryrun.PlanDefrag(ctx, objects, question, p.policy)
}

// askFirst asks whether to go on.
func (f *defragFlags) askFirst(cmd *cobra.Command, moves int) error {
	if f.yes {
		return nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(in) {
		return cli.UsageErrorf("--evict asks before it evicts pods, and standard input is no terminal: give --yes")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "\nevict %s, one after the other? [y/N] ", cli.CountNoun(moves, "pod"))
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("nothing was evicted: the answer was not y")
	}
	return nil
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
