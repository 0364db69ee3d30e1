package plan

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// ShorterContext is an option that would do for requests of up to MaxModelLen tokens.
type ShorterContext struct {
	Option      *Option
	MaxModelLen int64
}

// addHints notes at each option that spreads the model over several GPUs for how short
// requests half of them would do, and at one that is too small how many would do.
func (a *Answer) addHints() {
	r := &a.Request
	if r.Launch.TensorParallel > 0 && !r.SingleGPU {
		return
	}
	for _, o := range a.Options {
		enough := o
		if r.SingleGPU {
			if enough = r.enoughOf(o); enough == nil {
				continue
			}
			o.EnoughGPUs, o.EnoughTensorParallel = enough.GPUs, enough.TensorParallel
		}
		if !enough.Fits || enough.TensorParallel < 2 {
			continue
		}
		if length := r.longestOn(&o.Offer, enough.TensorParallel/2); length > 0 {
			o.FewerGPUs, o.FewerMaxModelLen = enough.GPUs/2, length
		}
	}
}

// enoughOf is how many GPUs suffice where one does not, nil if no number does.
func (r *Request) enoughOf(o *Option) *Option {
	if o.Fits || o.Form != WholeForm {
		return nil
	}
	several := *r
	several.Launch.TensorParallel = 0
	if enough := several.optionOn(&o.Offer); enough.Fits {
		return enough
	}
	return nil
}

// mostShorter is how many GPUs are suggested where nothing fits.
const mostShorter = 3

// shorterContexts says for how short requests the GPUs would do that hold the longest ones.
func (a *Answer) shorterContexts() []ShorterContext {
	var candidates []ShorterContext
	for _, o := range a.Options {
		if o.Err != nil {
			continue
		}
		if length := a.Request.longestOn(&o.Offer, o.TensorParallel); length > 0 {
			candidates = append(candidates, ShorterContext{o, length})
		}
	}
	slices.SortStableFunc(candidates, func(a, b ShorterContext) int { return cmp.Compare(b.MaxModelLen, a.MaxModelLen) })
	return candidates[:min(len(candidates), mostShorter)]
}

// UsualLength is a length of requests in tokens that servers are often given, whatever longer
// ones the model takes.
const UsualLength = 131072

// AtUsualLength is the cheapest option for requests of UsualLength tokens, where the model takes
// longer ones, no length is stated and nothing fits; nil if there is none.
func (a *Answer) AtUsualLength(offers []Offer) *Option {
	r := a.Request
	if a.Smallest != nil || a.Refusal != "" || r.Launch.MaxModelLen > 0 || r.Demand.Context > 0 || a.MaxModelLen <= UsualLength {
		return nil
	}
	r.Launch.MaxModelLen = UsualLength
	var best *Option
	for i := range offers {
		if option := r.optionOn(&offers[i]); option.isSure() && (best == nil || compareOptions(option, best) < 0) {
			best = option
		}
	}
	return best
}

// longestOn is the longest request, of which as many as are wanted fit, for which a
// degree of tensor parallelism does; 0 if there is none worth telling. It is checked
// rather than trusted: other settings follow from the length.
func (r *Request) longestOn(offer *Offer, degree int64) int64 {
	l, d := r.Launch, r.Demand
	l.TensorParallel = degree
	holds := func(length int64) bool {
		l.MaxModelLen = length
		d.Context = 0
		if r.Demand.Context > 0 {
			d.Context = min(r.Demand.Context, length)
		}
		server, err := memory.NewServer(r.Model, l)
		if err != nil {
			return false
		}
		e := server.On(offer.GPU, d)
		return e.Holds() && !isClose(&e)
	}
	low, high := int64(0), r.Model.MaxPositions
	if l.MaxModelLen > 0 {
		high = l.MaxModelLen
	}
	for low < high {
		middle := low + (high-low+1)/2
		if holds(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return roundLength(low)
}

// roundLength rounds down to what people state, and to 0 what is of no use.
func roundLength(length int64) int64 {
	const step, least = 512, 1024
	if length < least {
		return 0
	}
	return length / step * step
}
