package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// planFlags are the flags of plan.
type planFlags struct {
	catalogueFlags
	planOutput
	source  modelSource
	launch  launchFlags
	file    string
	gpus    []string
	prices  []string
	all     bool
	sharing bool
}

func newPlanCommand() *cobra.Command {
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

The exit code is 0 if something that was asked for fits, 3 if nothing does, or
nothing for one of several pods, 1 for any other failure and 2 for a mistake in
the call.`,
		Example: `  ashlar plan meta-llama/Llama-3.1-8B-Instruct --max-model-len 4096 --concurrency 16
  ashlar plan meta-llama/Llama-3.1-8B-Instruct --gpu T4 --gpu A100-SXM4-80GB:2g.20gb
  ashlar plan meta-llama/Llama-3.1-70B-Instruct -- --max-num-seqs 64 -tp 4
  ashlar plan -f deployment.yaml
  ashlar plan Qwen/Qwen3-8B --max-model-len 32k -o claim | kubectl apply -f -
  ashlar plan my-org/my-model --hub`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return withPrefix(model.Names(), start), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				flags.launch.engineFlags = args[dash:]
				args = args[:dash]
			}
			return flags.run(cmd, args)
		},
	}
	set := command.Flags()
	set.StringVarP(&flags.file, "filename", "f", "", "read the model servers of the pods in this `FILE`, - for standard input")
	set.StringArrayVar(&flags.gpus, "gpu", nil,
		"only this `GPU`, line by line: a product name, a key of the catalogue, words that only it has, or a slice like A100-SXM4-80GB:2g.20gb; repeat for more")
	set.StringArrayVar(&flags.prices, "price", nil, "what an hour of a GPU costs you, `GPU=DOLLARS`, instead of the list price; repeat for more")
	set.BoolVar(&flags.all, "all", false, "list every GPU, slice and share, also what does not fit")
	set.BoolVar(&flags.sharing, "share", false, "with -o claim, also ask for shares of a GPU's memory; the server then needs the arguments that the claim states")
	flags.source.add(command)
	flags.launch.add(command)
	flags.catalogueFlags.add(command)
	flags.planOutput.add(command)
	completeFlag(command, "gpu", flags.gpuNames)
	return command
}

func (f *planFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.sharing && f.format != formatClaim {
		return usagef("--share goes with -o %s: the other outputs show shares anyway", formatClaim)
	}
	args, err := f.source.take(args)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		return usagef("want one MODEL, got %q, see %s --help", args, cmd.CommandPath())
	}
	if f.file == "" && len(args) == 0 && f.source.config == "" {
		return usagef("want a MODEL, or the pods of a manifest with -f, see %s --help", cmd.CommandPath())
	}
	c, err := f.load()
	if err != nil {
		return err
	}
	offers, err := f.offers(c)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		f.source.name = args[0]
	}
	asked, err := f.asked(cmd)
	if err != nil {
		return err
	}
	answers := &planAnswers{Plans: []*planAnswer{}}
	for _, a := range asked {
		answer, err := f.answer(&a, offers)
		if err != nil {
			return err
		}
		answers.Plans = append(answers.Plans, answer)
	}
	if err := f.write(cmd.OutOrStdout(), answers, f); err != nil {
		return err
	}
	return answers.verdict()
}

// asked is what the command is to plan for: the model of its arguments, or every
// model server of the file.
func (f *planFlags) asked(cmd *cobra.Command) ([]asked, error) {
	if f.file != "" {
		return f.fromFile(cmd)
	}
	found, err := f.source.find(cmd.Context())
	if err != nil {
		return nil, misnamed(err)
	}
	one := asked{found: found}
	if err := f.launch.over(&one); err != nil {
		return nil, err
	}
	return []asked{one}, nil
}

// answer looks at every offer. Where shares are to be claimed, the server is held to
// the part of a GPU that the cheapest of them takes: its arguments are the same
// wherever it runs.
func (f *planFlags) answer(a *asked, offers []planOffer) (*planAnswer, error) {
	if len(f.gpus) > 0 && !f.launch.anyDegree() && a.launch.TensorParallel == 0 {
		a.launch.TensorParallel, a.single = 1, true // --gpu names one GPU
	}
	answer, err := answerFor(a, offers)
	if err != nil && (a.where == "" || f.launch.degrees()) {
		err = usageError{err} // what the flags state makes no sense for the model
	}
	if err != nil || !f.sharing || a.launch.Utilisation > 0 {
		return answer, err
	}
	for _, o := range answer.Options {
		if o.Fits && o.Form == formShare && o.ShareUtilisation > 0 {
			a.launch.Utilisation = o.ShareUtilisation
			return answerFor(a, offers)
		}
	}
	if !canShare(a.launch.Engine) {
		return nil, fmt.Errorf("--share: %s cannot be kept to a part of a GPU, since it reckons with what is free when it starts", a.launch.Engine)
	}
	return answer, nil
}

// asked is one model server to plan for.
type asked struct {
	found
	// where is the pod or object it comes from, "" for the command line.
	where  string
	launch memory.Launch
	demand memory.Demand
	// single says that one GPU is asked about because --gpu names one.
	single bool
	// unknown is what the pod leaves open, profiles the MIG profiles it asks for.
	unknown  []planUnknown
	profiles []string
	// allowsLong says that vLLM is told to take longer requests than the model's.
	allowsLong bool
	// notes are said beside the answer.
	notes []string
}

// gpuNames completes --gpu.
func (f *planFlags) gpuNames() []string {
	c, err := f.load()
	if err != nil {
		return nil
	}
	var names []string
	for _, offer := range offersOf(c) {
		names = append(names, offer.name())
	}
	return names
}

// offers are the GPUs and slices of the catalogue, or those of --gpu.
func (f *planFlags) offers(c *catalogue.Catalogue) ([]planOffer, error) {
	all := offersOf(c)
	for _, price := range f.prices {
		if err := setPrice(c, all, price); err != nil {
			return nil, err
		}
	}
	if len(f.gpus) == 0 {
		return all, nil
	}
	var chosen []planOffer
	for _, name := range f.gpus {
		offers, err := offersNamed(c, all, name)
		if err != nil {
			return nil, usagef("--gpu: %w", err)
		}
		if f.format == formatClaim && offers[0].Profile == "" {
			// Any part of the GPU will do for a claim.
			offers = slices.DeleteFunc(slices.Clone(all), func(o planOffer) bool { return o.Model != offers[0].Model })
		}
		for _, offer := range offers {
			if !slices.ContainsFunc(chosen, func(o planOffer) bool { return o.name() == offer.name() }) {
				chosen = append(chosen, offer)
			}
		}
	}
	return chosen, nil
}

// writeText prints one answer after the other.
func (a *planAnswers) writeText(w io.Writer, f *planFlags) error {
	p := &page{w: w}
	for i, answer := range a.Plans {
		if i > 0 {
			p.printf("\n")
		}
		answer.writeSummary(p)
		if len(f.gpus) > 0 {
			answer.writeBreakdowns(p)
		} else {
			answer.writeTable(p, f.all)
		}
	}
	return p.err
}
