package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Answer is every way to run a server that was looked at.
type Answer struct {
	Request Request
	// KVPerToken is for all GPUs of tensor parallelism 1.
	KVPerToken topology.Bytes
	// MaxModelLen, Context and Concurrency are what was asked for with defaults filled in,
	// which engines choose alike for all GPUs: tokens of the longest request and of those
	// that are wanted, and how many of them at once.
	MaxModelLen, Context, Concurrency int64

	// Refusal says why the engine starts with the model on no GPU at all, "" if it does.
	Refusal string
	// Options are all that were looked at: those that fit first, the cheapest of them
	// first; prices that are not known come last.
	Options []*Option
	// Smallest is the option that fits with the least memory, nil if nothing fits.
	Smallest *Option
	// Shorter says, where nothing fits, with which longest requests some GPUs would do.
	Shorter []ShorterContext
}

// AnswerRequest looks at every offer. It fails if the launch makes no sense for the model
// on any of them, with a *memory.LaunchError where a setting is to blame.
func AnswerRequest(r Request, offers []Offer) (*Answer, error) {
	answer := &Answer{Request: r}
	single := r.Launch
	single.TensorParallel, single.PipelineParallel, single.StageLayers = 1, 1, nil
	if server, err := memory.NewServer(r.Model, single); err == nil {
		answer.KVPerToken, answer.Refusal = server.KVPerToken(), server.StartRefusal()
	}
	var failure error
	for i := range offers {
		for _, option := range r.optionsFor(&offers[i]) {
			answer.Options = append(answer.Options, option)
			failure = cmp.Or(failure, option.Err)
		}
	}
	slices.SortStableFunc(answer.Options, compareOptions)
	answer.fillSettings()
	if failure != nil && !slices.ContainsFunc(answer.Options, func(o *Option) bool { return o.Err == nil }) {
		if !errors.As(failure, new(*memory.TooManyGPUs)) {
			return nil, failure
		}
	}
	answer.Smallest = answer.smallestFitting()
	answer.addHints()
	if answer.Smallest == nil {
		answer.Shorter = answer.shorterContexts()
	}
	return answer, nil
}

// CannotShare is an engine that cannot be kept to a part of a GPU.
type CannotShare struct{ Engine memory.Engine }

func (e *CannotShare) Error() string {
	return fmt.Sprintf("%s cannot be kept to a part of a GPU, since it reckons with what is free when it starts", e.Engine)
}

// HoldToShare is the answer for a server that is held to the part of a GPU that the
// cheapest share takes, so that shares can be claimed for it: its arguments are the same
// wherever it runs. The answer stays as it is if the launch states the part already, or
// no share is enough. The error is a *CannotShare, or one of AnswerRequest.
func (a *Answer) HoldToShare(offers []Offer) (*Answer, error) {
	if a.Request.Launch.Utilisation > 0 {
		return a, nil
	}
	for _, o := range a.Options {
		if o.Fits && o.Form == ShareForm && o.Share.Utilisation > 0 {
			held := a.Request
			held.Launch.Utilisation = o.Share.Utilisation
			return AnswerRequest(held, offers)
		}
	}
	if !CanShare(a.Request.Launch.Engine) {
		return nil, &CannotShare{a.Request.Launch.Engine}
	}
	return a, nil
}

func (a *Answer) fillSettings() {
	r := &a.Request
	a.MaxModelLen = cmp.Or(r.Launch.MaxModelLen, r.Model.MaxPositions, memory.AssumedLength(r.Launch.Engine))
	a.Context = a.MaxModelLen
	if r.Demand.Context > 0 {
		a.Context = min(a.Context, r.Demand.Context)
	}
	a.Concurrency = max(1, r.Demand.Requests)
}

// FittingCount is how many options fit.
func (a *Answer) FittingCount() int {
	n := 0
	for _, o := range a.Options {
		if o.Fits {
			n++
		}
	}
	return n
}

// smallestFitting is the option that fits with the least memory on all its GPUs.
func (a *Answer) smallestFitting() *Option {
	var best *Option
	total := func(o *Option) topology.Bytes { return topology.Bytes(o.GPUs) * o.MemoryPerGPU() }
	for _, o := range a.Options {
		if o.Fits && (best == nil || total(o) < total(best)) {
			best = o
		}
	}
	return best
}
