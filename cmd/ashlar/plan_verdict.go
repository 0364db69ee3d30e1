package main

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// exitNothingFits is the exit code when nothing that was asked for fits.
const exitNothingFits = 3

// nothingFits is the answer no.
type nothingFits struct{ message string }

func (e nothingFits) Error() string { return e.message }

// verdict is an error where a server fits nowhere.
func (a *planAnswers) verdict() error {
	for _, plan := range a.Plans {
		if plan.fits() == 0 {
			return nothingFits{plan.refusal()}
		}
	}
	return nil
}

func (a *planAnswer) fits() int {
	n := 0
	for _, o := range a.Options {
		if o.Fits {
			n++
		}
	}
	return n
}

// refusal says why nothing fits: for a single GPU with the arithmetic.
func (a *planAnswer) refusal() string {
	if len(a.Options) == 1 {
		return fmt.Sprintf("%s does not fit: %s", a.title(), a.Options[0].Arithmetic)
	}
	return fmt.Sprintf("%s fits on none of the %d GPUs and slices looked at", a.title(), len(a.Options))
}

func (a *planAnswer) title() string {
	if a.Object == "" {
		return a.Model
	}
	return a.Object + ": " + a.Model
}

// profileNote says whether a profile that the pod asks for is enough.
func (a *planAnswer) profileNote(profile string) string {
	var holds, fails []string
	reason := ""
	for _, o := range a.Options {
		switch {
		case o.Profile != profile:
		case o.Fits:
			holds = append(holds, o.GPU)
		default:
			fails, reason = append(fails, o.GPU), o.Reason
		}
	}
	text := fmt.Sprintf("the pod asks for MIG %s", profile)
	switch {
	case len(holds)+len(fails) == 0:
		return text + ", which no GPU looked at has"
	case len(fails) == 0:
		return text + ", which is enough"
	case len(holds) == 0:
		return text + ", which is not enough: " + reason
	}
	return fmt.Sprintf("%s, which is enough on %s and not on %s: %s", text, strings.Join(holds, ", "), strings.Join(fails, ", "), reason)
}

func dollars(micros *int64) string {
	if micros == nil {
		return unknown
	}
	return catalogue.MicroDollars(*micros).String()
}
