package plan

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// ClaimOptions are the options that may stand in one claim, in the answer's order: for as
// many GPUs as the cheapest, since a pod has one set of arguments, and close ones only if
// there are no others.
func (a *Answer) ClaimOptions() []*Option {
	certain := slices.ContainsFunc(a.Options, func(o *Option) bool { return a.isClaimable(o) && !o.Close })
	var claimed []*Option
	for _, o := range a.Options {
		if a.isClaimable(o) && o.Close != certain && !a.FillsGPU(o) && (len(claimed) == 0 || o.GPUs == claimed[0].GPUs) {
			claimed = append(claimed, o)
		}
	}
	return claimed
}

// isClaimable reports whether an option may stand in a claim: a share only if the
// server is kept to it, and a GPU only if the server need not be told about it.
func (a *Answer) isClaimable(o *Option) bool {
	return o.Fits && !o.StateFloat16 && (o.Form != ShareForm || o.Share.Utilisation == 0 || a.Request.Launch.Utilisation > 0)
}

// FillsGPU reports whether a slice takes a whole GPU, which may as well be had whole.
func (a *Answer) FillsGPU(o *Option) bool {
	return o.Form == MIGForm && slices.ContainsFunc(a.Options, func(whole *Option) bool {
		return whole.Form == WholeForm && whole.Offer.Model == o.Offer.Model && whole.Fits && o.Offer.GPU.Total > whole.Offer.GPU.Total/10*9
	})
}

// Arguments are those of the engine that the sizes hold for on so many GPUs, beside what
// it is started with anyway. They are empty for an engine without arguments of its own.
func (a *Answer) Arguments(gpus int64) []string {
	l := &a.Request.Launch
	var words []string
	add := func(field launch.Field, format string, value any) {
		if name, known := launch.ArgumentName(l.Engine, field); known {
			words = append(words, fmt.Sprintf("%s="+format, name, value))
		}
	}
	if l.MaxModelLen > 0 {
		add(launch.FieldMaxModelLen, "%d", l.MaxModelLen)
	}
	if stages := max(1, l.PipelineParallel); gpus > stages {
		add(launch.FieldTensorParallel, "%d", gpus/stages)
	}
	if l.Utilisation > 0 {
		add(launch.FieldUtilisation, "%.2f", l.Utilisation)
	}
	return words
}
