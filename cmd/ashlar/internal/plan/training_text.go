package plan

import (
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// writeText prints the account, and where it fits: line by line for GPUs that are named, else
// in a table, of all that fits or of the cheapest.
func (a *trainingAnswer) writeText(w io.Writer, named, all bool) error {
	p := cli.NewPage(w)
	a.writeAnswer(p, named, all)
	return p.Err()
}

func (a *trainingAnswer) writeAnswer(p *cli.Page, named, all bool) {
	s := &a.account.Settings
	if a.where != "" {
		p.Printf("%s: runs %s\n", a.where, a.runs)
	}
	trained := "all of them trained"
	if s.AdapterRank > 0 {
		trained = fmt.Sprintf("%s trained in LoRA adapters of rank %d", parameterCount(a.account.Trained), s.AdapterRank)
		if s.AdapterTargets != "" {
			trained += " beside " + s.AdapterTargets
		}
		if s.QuantisedBase {
			trained += ", the frozen weights in 4 bits"
		}
	}
	p.Printf("%s: %s parameters, %s\n", a.model.Name, parameterCount(a.account.Parameters), trained)
	p.Printf("asked: %s\n", describeTraining(s))
	for _, u := range a.unknown {
		p.Printf("%s: unknown, because %s\n", u.Field, u.Because)
	}
	for _, note := range a.notes {
		p.Printf("note: %s\n", note)
	}
	p.Printf("\n")
	writeTrainingAccount(p, a.account, 0)
	if named {
		for i := range a.options {
			o := &a.options[i]
			verdict := trainingVerdict(o)
			if len(a.unknown) > 0 {
				verdict += ", with what is unknown as it is counted"
			}
			p.Printf("\n%s: %s\n", o.titleText(), verdict)
			if o.account.Settings != a.account.Settings { // else it stands above
				writeTrainingAccount(p, o.account, o.offer.GPU.Total)
			}
			for _, remedy := range o.remedies {
				p.Printf("  %s\n", o.describeRemedy(remedy))
			}
		}
		return
	}
	a.writeTrainingTable(p, all)
}

// trainingVerdict says whether an option fits, with the figures.
func trainingVerdict(o *trainingOption) string {
	figures := fmt.Sprintf("%s of %s", o.account.Total(), o.offer.GPU.Total)
	switch {
	case o.fit == training.FitsSurely:
		return "fits: " + figures
	case o.fit == training.FitsClosely:
		return "fits, but within the margin of this estimate: " + figures
	case o.unsupported != "":
		return "does not fit: " + o.unsupported
	case o.account.Settings.Stage == training.ShardNothing:
		return "does not fit: " + figures + ", and GPUs that share nothing hold as much each"
	}
	return "does not fit: " + figures
}

// describeRemedy says what is enough instead: "2 x T4 are enough with --checkpointing: 11.7GiB of
// 14.56GiB".
func (o *trainingOption) describeRemedy(a *training.Account) string {
	instead, own := trainingOption{offer: o.offer, account: a}, &o.account.Settings
	text := instead.titleText() + " is enough"
	if a.Settings.GPUCount() > 1 {
		text = instead.titleText() + " are enough"
	}
	var with []string
	if a.Settings.Stage != own.Stage && a.Settings.Shards > 1 {
		with = append(with, "--sharding fsdp")
	}
	if a.Settings.Recompute != own.Recompute {
		with = append(with, "--checkpointing")
	}
	if len(with) > 0 {
		text += " with " + strings.Join(with, " and ")
	}
	return fmt.Sprintf("%s: %s of %s", text, a.Total(), o.offer.GPU.Total)
}

// writeTrainingTable lists the GPUs that are enough, the cheapest first.
func (a *trainingAnswer) writeTrainingTable(p *cli.Page, all bool) {
	rows := [][]string{{"GPU", "TAKES", "STATES", "ACTIVATIONS", "PEAK", "OF", "$/HOUR", "FITS"}}
	left := 0
	var refused []string
	for i := range a.options {
		o := &a.options[i]
		if o.fit == training.FitsNot {
			if o.offer.Profile == "" {
				refused = append(refused, o.offer.Title())
			}
			continue
		}
		if o.offer.Profile != "" && o.offer.Fraction == 1 {
			continue // the GPU may as well be had whole
		}
		if len(rows) > maxRows && !all {
			left++
			continue
		}
		rows = append(rows, trainingRow(o))
	}
	if len(rows) > 1 {
		p.Printf("\n")
		p.PrintTable(rows)
	}
	if left > 0 {
		p.Printf("and %d more, dearer or without a price: --all lists them\n", left)
	}
	if len(refused) > 0 {
		p.Printf("\ndoes not fit:\n")
		for _, line := range cli.WrapList(refused, cli.PageWidth-2) {
			p.Printf("  %s\n", line)
		}
	}
}

// trainingRow is an option in the table.
func trainingRow(o *trainingOption) []string {
	takes := fmt.Sprintf("%d x whole", o.account.Settings.GPUCount())
	switch n := o.account.Settings.GPUCount(); {
	case o.offer.Profile != "":
		takes = "MIG " + o.offer.Profile
	case n > o.offer.Most:
		takes += fmt.Sprintf(", %d nodes", (n+o.offer.Most-1)/o.offer.Most)
	}
	cost, verdict := cli.Unknown, "yes"
	if o.offer.Priced {
		cost = o.hourlyCost().String()
	}
	if o.fit == training.FitsClosely {
		verdict = "just about"
	}
	account := o.account
	return []string{o.offer.Model, takes, account.States().String(), account.Activations.String(), account.Total().String(),
		o.offer.GPU.Total.String(), cost, verdict}
}
