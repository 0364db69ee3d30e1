package plan

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// planFlags are the flags of plan.
type planFlags struct {
	source  modelSource
	launch  launchFlags
	train   trainingFlags
	gpus    gpuFlags
	cluster clusterFlags
	counts  map[string]modelCount // of the cluster, nil without one
	output  cli.OutputFlag
	file    string
	jobs    []trainingJob // of the file
	all     bool
	sharing bool
	// readRate is how fast weights are read, for what probes allow.
	readRate readSpeed
}

// claimFormat is a ResourceClaimTemplate for what fits.
const claimFormat = "claim"

// NewCommand is ashlar plan.
func NewCommand() *cobra.Command {
	command, _ := newPlanCommand()
	return command
}

// newPlanCommand is ashlar plan, with what its flags are read into.
func newPlanCommand() (*cobra.Command, *planFlags) {
	var flags planFlags
	command := &cobra.Command{
		Use:   "plan MODEL [-- ENGINE FLAGS]",
		Short: "Say which GPUs, MIG slices and shares serve a model, and what is left for its KV cache",
		Long: `Accounts for a model server's memory the way its engine does, on every GPU and MIG
profile of the catalogue, and lists what fits, the cheapest first. MODEL is a
name on the Hugging Face hub that the catalogue knows, a folder or file with a
config.json, or any name together with --config or --hub. Instead of MODEL, -f
reads the pods of a manifest.

Without --max-model-len, requests may be as long as the model allows, which is
what engines do; without --concurrency, one of them has to fit. Without --tp, the
fewest GPUs that suffice are looked for, and with --gpu one. Flags after -- are
the engine's own.

Prices are list prices of public clouds; a slice or share costs its part of the
GPU's. The estimate's margin decides what fits "just about".

-o claim writes a ResourceClaimTemplate with what fits, the cheapest first, all of
it for the same number of GPUs and arguments. With --share it may also be part of a
GPU's memory, with the arguments that keep the server to it.

--train accounts for training instead: weights, gradients, the optimizer's moments and
the 32-bit copy of mixed precision, sharded as ZeRO and FSDP do it, and activations
with and without checkpointing; and says how many GPUs of each kind are enough. With
-f, pods that train are answered for as their launchers' arguments and configuration
files say (torchrun, accelerate, DeepSpeed, TRL, axolotl, LLaMA-Factory, torchtune);
with --train too, other pods are left out, and its flags stand above what pods say.

What stops or slows the servers of -f beside their GPUs is noted with the lines to
type: shared memory, probes, limits of memory, CPU and storage, volumes, tokens.

The exit code is 0 if something that was asked for fits, and 3 if nothing does, or
nothing for one of several pods.`,
		Example: `  ashlar plan meta-llama/Llama-3.1-8B-Instruct --max-model-len 4096 --concurrency 16
  ashlar plan meta-llama/Llama-3.1-8B-Instruct --gpu T4 --gpu A100-SXM4-80GB:2g.20gb
  ashlar plan meta-llama/Llama-3.1-70B-Instruct -- --max-num-seqs 64 -tp 4
  ashlar plan -f deployment.yaml
  ashlar plan meta-llama/Llama-3.1-70B-Instruct --cluster
  ashlar plan meta-llama/Llama-2-7b-hf --train --checkpointing --gpu A100-SXM4-80GB
  ashlar plan Qwen/Qwen3-8B --max-model-len 32k -o claim | kubectl apply -f -
  ashlar plan my-org/my-model --hub`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return cli.WithPrefix(model.Names(), start), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				flags.launch.engineFlags = args[dash:]
				args = args[:dash]
			}
			return flags.runPlan(cmd, args)
		},
	}
	set := command.Flags()
	set.StringVarP(&flags.file, "filename", "f", "", "read the model servers of the pods in this `FILE`, - for standard input")
	set.BoolVar(&flags.all, "all", false, "list every GPU, slice and share, also what does not fit")
	set.BoolVar(&flags.sharing, "share", false,
		"with -o claim, also ask for shares of a GPU's memory; the server then needs the arguments that the claim states")
	set.Var(&flags.readRate, "read-speed", "how many bytes of weights are read in a second, like 500MiB: by it probes of -f are too short "+
		"or not (default 1GiB)")
	command.AddCommand(newModelsCommand())
	flags.gpus.addTo(command)
	flags.cluster.addTo(command)
	flags.source.addTo(command)
	flags.launch.addTo(command)
	flags.train.addTo(command)
	flags.output.AddTo(command, "table, json, yaml, claim (a ResourceClaimTemplate sized by the answer)",
		cli.FormatTable, cli.FormatJSON, cli.FormatYAML, claimFormat)
	return command, &flags
}

// checkCall refuses what contradicts itself, before anything is read, and returns MODEL.
func (f *planFlags) checkCall(cmd *cobra.Command, args []string) (name string, err error) {
	if err := f.output.CheckFormat(); err != nil {
		return "", err
	}
	if f.sharing && f.output.Format != claimFormat {
		return "", cli.UsageErrorf("--share goes with -o %s: the other outputs show shares anyway", claimFormat)
	}
	if err := f.train.checkTogether(cmd, f.launch.engineFlags); err != nil {
		return "", err
	}
	if f.train.enabled && f.output.Format == claimFormat {
		return "", cli.UsageErrorf("-o %s sizes a claim for a model server: it does not go with --train", claimFormat)
	}
	args, err = f.source.takeAddress(args)
	switch {
	case err != nil:
		return "", err
	case len(args) > 1:
		return "", cli.UsageErrorf("want one MODEL, got %q, see %s --help", args, cmd.CommandPath())
	case len(args) > 0:
		return args[0], nil
	case f.file == "" && f.source.config == "":
		return "", cli.UsageErrorf("want a MODEL, or the pods of a manifest with -f, see %s --help", cmd.CommandPath())
	}
	return "", nil
}

func (f *planFlags) runPlan(cmd *cobra.Command, args []string) error {
	name, err := f.checkCall(cmd, args)
	if err != nil {
		return err
	}
	offers, err := f.gpus.findOffers(f.output.Format == claimFormat)
	if err != nil {
		return err
	}
	if f.cluster.enabled || f.cluster.File != "" {
		objects, err := f.cluster.ReadObjects(cmd.Context(), cmd.InOrStdin())
		if err != nil {
			return err
		}
		if f.counts, err = countGPUs(cmd.Context(), objects); err != nil {
			return err
		}
		if offers, err = keepOffers(offers, f.counts); err != nil {
			return err
		}
	}
	f.source.name = name
	if f.train.enabled && f.file == "" {
		return f.planTraining(cmd, offers)
	}
	answers, failures, err := f.answerServers(cmd, offers)
	if err != nil {
		return err
	}
	trained, untrained, err := f.answerJobs(cmd, offers)
	if err != nil {
		return err
	}
	failures = append(failures, untrained...)
	if len(answers)+len(trained) > 0 {
		if err := f.writeAnswers(cmd.OutOrStdout(), answers, trained); err != nil {
			return err
		}
	}
	if len(failures) > 0 {
		return cli.MistakenInput(errors.Join(failures...))
	}
	return errors.Join(fitError(answers), jobsFitError(trained))
}

// answerServers answers for every model server that is asked about; failures are about single
// pods of a file.
func (f *planFlags) answerServers(cmd *cobra.Command, offers []memoryplan.Offer) (answers []*serverAnswer, failures []error, err error) {
	questions, failures, err := f.findQuestions(cmd)
	if err != nil {
		return nil, nil, err
	}
	answers = make([]*serverAnswer, 0, len(questions))
	for i := range questions {
		answer, err := f.answerQuestion(&questions[i], offers)
		switch {
		case cli.ExitCode(err) == cli.ExitUsage:
			return nil, nil, err
		case err != nil:
			failures = append(failures, err)
			continue
		}
		answers = append(answers, answer)
	}
	return answers, failures, nil
}

// findQuestions is what the command is to plan for: the model of its arguments, or every
// model server of the file; failures are about single pods of it.
func (f *planFlags) findQuestions(cmd *cobra.Command) (questions []serverQuestion, failures []error, err error) {
	if f.file != "" {
		return f.readManifest(cmd)
	}
	found, err := f.source.findModel(cmd.Context())
	if err != nil {
		return nil, nil, asUsageError(err)
	}
	question := newQuestion(found)
	if err := f.launch.applyTo(&question); err != nil {
		return nil, nil, err
	}
	return []serverQuestion{question}, nil, nil
}

// answerQuestion looks at every offer. Where shares are to be claimed, the server is held
// to the part of a GPU that the cheapest of them takes.
func (f *planFlags) answerQuestion(q *serverQuestion, offers []memoryplan.Offer) (*serverAnswer, error) {
	if f.gpus.namedOffers() && !f.launch.asksFewest() && q.Launch.TensorParallel == 0 {
		q.Launch.TensorParallel, q.SingleGPU = 1, true // --gpu names one GPU
	}
	offers = q.spanNodes(offers)
	answer, err := memoryplan.AnswerRequest(q.Request, offers)
	if err != nil {
		err = fmt.Errorf("%s: %w", q.titleText(), q.inOwnWords(err))
		if q.where == "" || f.launch.statesDegrees() {
			err = cli.UsageErrorf("%w", err) // what the flags state makes no sense for the model
		}
		return nil, err
	}
	if f.sharing {
		if answer, err = answer.HoldToShare(offers); err != nil {
			return nil, fmt.Errorf("--share: %w", err)
		}
	}
	served := newServerAnswer(q, answer, offers, f.gpus.namedOffers())
	served.noteCeiling(f.counts)
	return served, nil
}

// writeAnswers prints in the format of -o.
func (f *planFlags) writeAnswers(w io.Writer, answers []*serverAnswer, trained []*trainingAnswer) error {
	if f.output.Format == claimFormat {
		if len(answers) == 0 {
			return cli.UsageErrorf("-o %s sizes a claim for a model server, and %s has training jobs only", claimFormat, f.file)
		}
		return writeClaims(w, answers)
	}
	return f.output.Write(w, newReport(answers).addTraining(trained), func(w io.Writer) error { return f.writeText(w, answers, trained) })
}

// writeText prints one answer after the other.
func (f *planFlags) writeText(w io.Writer, answers []*serverAnswer, trained []*trainingAnswer) error {
	p := cli.NewPage(w)
	for i, answer := range answers {
		if i > 0 {
			p.Printf("\n")
		}
		answer.writeSummary(p)
		if f.gpus.namedOffers() {
			answer.writeBreakdowns(p)
		} else {
			answer.writeTable(p, f.all, f.counts)
		}
	}
	for i, answer := range trained {
		if i+len(answers) > 0 {
			p.Printf("\n")
		}
		answer.writeAnswer(p, f.gpus.namedOffers(), f.all)
	}
	return p.Err()
}
