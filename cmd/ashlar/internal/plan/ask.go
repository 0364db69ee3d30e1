package plan

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
)

// ServerQuestion is what other commands ask as ashlar plan does: about a model, or the model
// servers of a manifest.
type ServerQuestion struct {
	// Model is a name that the catalogue knows; or Manifest is the text of pods.
	Model, Manifest string
	// GPUs are those to look at, as --gpu names them; none for all.
	GPUs []string
	// Settings are flags of ashlar plan by name, such as max-model-len.
	Settings map[string]string
}

// AskServers answers as ashlar plan -o json does. Nothing is read but the question: no file and
// no hub. That nothing fits is no error; the notes are about pods that were passed over or
// could not be read, beside the answers for the others.
func AskServers(ctx context.Context, q *ServerQuestion) (report *PlanReport, notes []string, err error) {
	command, flags := newPlanCommand()
	var remarks bytes.Buffer
	command.SetContext(ctx)
	command.SetIn(strings.NewReader(q.Manifest))
	command.SetErr(&remarks)
	for name, value := range q.Settings {
		if err := command.Flags().Set(name, value); err != nil {
			return nil, nil, err
		}
	}
	flags.gpus.names = q.GPUs
	var args []string
	if q.Manifest != "" {
		flags.file = "-"
	}
	if q.Model != "" {
		args = append(args, q.Model)
	}
	if flags.source.name, err = flags.checkCall(command, args); err != nil {
		return nil, nil, err
	}
	offers, err := flags.gpus.findOffers(false)
	if err != nil {
		return nil, nil, err
	}
	answers, failures, err := flags.answerServers(command, offers)
	if err != nil {
		return nil, nil, err
	}
	trained, untrained, err := flags.answerJobs(command, offers)
	if err != nil {
		return nil, nil, err
	}
	if failures = append(failures, untrained...); len(answers)+len(trained) == 0 {
		return nil, nil, errors.Join(failures...)
	}
	for _, failure := range failures {
		notes = append(notes, failure.Error())
	}
	for line := range strings.Lines(remarks.String()) {
		notes = append(notes, strings.TrimSpace(line))
	}
	return newReport(answers).addTraining(trained), notes, nil
}

// DropUnfit leaves out the options that do not fit.
func (r *PlanReport) DropUnfit() {
	for _, server := range r.Plans {
		server.Options = slices.DeleteFunc(server.Options, func(o *optionReport) bool { return !o.Fits })
	}
}
