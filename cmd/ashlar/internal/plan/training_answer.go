package plan

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// trainingAnswer is what training a model takes, and on which GPUs it fits.
type trainingAnswer struct {
	model *model.Model
	// where is the object that trains, and runs what it starts; "" for the command line. unknown is what
	// it leaves open.
	where, runs string
	unknown     []unknownSetting
	notes       []string
	// account is for the GPUs that --shards states, or for one that shares nothing.
	account *training.Account
	options []trainingOption
}

// trainingOption is a kind of GPU, with the number that is stated or the fewest that suffice;
// where none do, with what one takes.
type trainingOption struct {
	offer   memoryplan.Offer
	account *training.Account
	fit     training.Fit
	// unsupported says why the GPU does not train so at all, "" if it does.
	unsupported string
	// remedies are what is enough where this is not, and what takes fewer GPUs.
	remedies []*training.Account
}

// hourlyCost is that of an hour on all GPUs, 0 if it is not known.
func (o *trainingOption) hourlyCost() catalogue.MicroDollars {
	if !o.offer.Priced {
		return 0
	}
	return catalogue.MicroDollars(o.offer.Cost * o.account.Settings.GPUCount())
}

func (o *trainingOption) titleText() string {
	if n := o.account.Settings.GPUCount(); n > 1 {
		return fmt.Sprintf("%d x %s", n, o.offer.Title())
	}
	return o.offer.Title()
}

// planTraining answers for --train.
func (f *planFlags) planTraining(cmd *cobra.Command, offers []memoryplan.Offer) error {
	found, err := f.source.findModel(cmd.Context())
	if err != nil {
		return asUsageError(err)
	}
	settings, shards, err := f.readSettings(found.model.MaxPositions)
	if err != nil {
		return err
	}
	answer, err := newTrainingAnswer(found, settings, shards, offers)
	if err != nil {
		return cli.UsageErrorf("--train: %s: %w", found.model.Name, settingsFault(err, true))
	}
	err = f.output.Write(cmd.OutOrStdout(), answer.newTrainingReport(), func(w io.Writer) error {
		return answer.writeText(w, f.gpus.namedOffers(), f.all)
	})
	if err != nil {
		return err
	}
	return answer.fitError()
}

// newTrainingAnswer looks at every whole GPU, and at slices where one GPU is enough. shards is how
// many share, 0 for the fewest that suffice.
func newTrainingAnswer(found foundModel, s training.Settings, shards int64, offers []memoryplan.Offer) (*trainingAnswer, error) {
	answer := &trainingAnswer{model: found.model, notes: found.notes}
	s.Shards = max(1, shards)
	var err error
	if answer.account, err = training.NewAccount(found.model, s); err != nil {
		return nil, err
	}
	if answer.account.Parameters > 0 && found.model.Tower.Patches > 0 {
		answer.notes = append(answer.notes, "what its vision tower keeps of pictures for the backward pass is not counted")
	}
	if most := found.model.MaxPositions; most > 0 && s.SequenceLength > most {
		answer.notes = append(answer.notes,
			fmt.Sprintf("sequences of %d tokens are longer than the %d that the model takes", s.SequenceLength, most))
	}
	answer.noteSurprises()
	for i := range offers {
		option := trainingOption{offer: offers[i], account: answer.account}
		if shards == 0 && offers[i].Profile == "" {
			fewest, err := training.FewestShards(found.model, s, offers[i].GPU.Total)
			if err != nil {
				return nil, err
			}
			option.account = cmp.Or(fewest, answer.account)
		}
		if option.fit = option.account.FitOn(offers[i].GPU.Total); offers[i].Profile != "" && option.account.Settings.GPUCount() > 1 {
			option.fit, option.unsupported = training.FitsNot, "slices of different GPUs cannot train one model together"
		}
		if least, lacks := leastCompute(s.Precision); offers[i].Hardware.Compute.Less(least) {
			option.fit, option.unsupported = training.FitsNot, lacks
		}
		if option.unsupported == "" {
			if err := option.findRemedies(found.model); err != nil {
				return nil, err
			}
		}
		answer.options = append(answer.options, option)
	}
	slices.SortStableFunc(answer.options, func(a, b trainingOption) int {
		return cmp.Or(compareBool(a.fit != training.FitsNot, b.fit != training.FitsNot), compareBool(a.offer.Priced, b.offer.Priced),
			cmp.Compare(a.hourlyCost(), b.hourlyCost()), cmp.Compare(a.account.Settings.GPUCount(), b.account.Settings.GPUCount()),
			cmp.Compare(a.offer.Title(), b.offer.Title()))
	})
	return answer, nil
}

// findRemedies looks for what else is enough: more GPUs, with checkpointing, or with weights that
// are sharded too; and where the option fits, for what does with checkpointing on fewer GPUs. Each
// takes fewer than those before it.
func (o *trainingOption) findRemedies(m *model.Model) error {
	own, best := o.account.Settings, o.account.Settings.Shards
	if o.fit == training.FitsNot {
		best = math.MaxInt64
	}
	for _, stage := range []training.ShardingStage{own.Stage, training.ShardParameters} {
		for _, again := range []training.Recomputation{own.Recompute, training.RecomputeLayers} {
			if o.fit != training.FitsNot && (stage != own.Stage || again != training.RecomputeLayers) {
				continue
			}
			s := own
			s.Stage, s.Recompute = stage, again
			if o.offer.Profile != "" {
				s.Stage = training.ShardNothing // a slice trains alone
			}
			fewest, err := training.FewestShards(m, s, o.offer.GPU.Total)
			if err != nil {
				return err
			}
			if fewest != nil && fewest.Settings.Shards < best {
				o.remedies, best = append(o.remedies, fewest), fewest.Settings.Shards
			}
		}
	}
	return nil
}

// leastCompute is from which compute capability on GPUs compute so, and what others lack.
func leastCompute(p training.Precision) (least topology.ComputeCapability, lacks string) {
	switch p {
	case training.HalfPrecision:
		return topology.ComputeCapability{Major: 8}, "it has no bfloat16"
	case training.EightBits:
		return topology.ComputeCapability{Major: 8, Minor: 9}, "it multiplies no numbers of 8 bits"
	}
	return topology.ComputeCapability{}, ""
}

// compareBool puts what is true first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// fitError is an error where training fits no GPU that was looked at.
func (a *trainingAnswer) fitError() error {
	if len(a.options) == 0 || a.options[0].fit != training.FitsNot {
		return nil
	}
	if len(a.options) == 1 {
		o := &a.options[0]
		return cli.NothingFits{Message: fmt.Sprintf("training %s on %s: %s", a.model.Name, o.titleText(), trainingVerdict(o))}
	}
	return cli.NothingFits{Message: fmt.Sprintf("training %s fits on none of the %d GPUs and slices looked at", a.model.Name, len(a.options))}
}

// jobsFitError is an error where a training job fits no GPU that was looked at.
func jobsFitError(answers []*trainingAnswer) error {
	for _, answer := range answers {
		if err := answer.fitError(); err != nil {
			return err
		}
	}
	return nil
}

// noteSurprises says what takes a large part of a step and need not.
func (a *trainingAnswer) noteSurprises() {
	s := a.account.Settings
	if a.account.Loss > a.account.Total()/5 && s.Loss == training.WholeLoss {
		s.Loss = training.FusedLoss
		if fused, err := training.NewAccount(a.model, s); err == nil {
			a.notes = append(a.notes, fmt.Sprintf("logits over %d words and their loss take %s; with a fused loss (Liger, Cut Cross Entropy: "+
				"--loss fused) %s",
				a.model.Vocabulary, a.account.Loss, fused.Loss))
		}
	}
	if s = a.account.Settings; s.EagerAttention {
		s.EagerAttention = false
		if other, err := training.NewAccount(a.model, s); err == nil && a.account.Activations-other.Activations > a.account.Total()/5 {
			a.notes = append(a.notes, fmt.Sprintf("eager attention keeps the scores of every pair of tokens: activations take %s, with SDPA or "+
				"FlashAttention %s", a.account.Activations, other.Activations))
		}
	}
}
