package plan

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// shorterRequests is the longest request with which the server certainly fits as it is.
func (r Request) shorterRequests(offer *Offer) []FitRemedy {
	option, length := r.surelyOn(offer)
	if option == nil || length == 0 {
		return nil
	}
	return []FitRemedy{r.remedyOf(ShorterRemedy, option, length)}
}

// shorterRemedies are the ways to run the model itself with shorter requests, those for the
// longest ones, and first the cheapest for a usual length.
func (a *Answer) shorterRemedies(offers []Offer) []FitRemedy {
	r := a.Request
	var remedies []FitRemedy
	add := func(option *Option, length int64) {
		remedy := r.remedyOf(ShorterRemedy, option, length)
		remedy.Cost = r.costOf(&remedy, option)
		remedies = append(remedies, remedy)
	}
	if usual := a.AtUsualLength(offers); usual != nil {
		add(usual, UsualLength)
	}
	for _, shorter := range a.Shorter {
		r.Launch.TensorParallel, r.Launch.MaxModelLen = shorter.Option.TensorParallel, shorter.MaxModelLen
		if option := r.optionOn(&shorter.Option.Offer); option.isSure() {
			add(option, shorter.MaxModelLen)
		}
	}
	return remedies
}

// fewerRequests is how many of the requests that are wanted fit at once, where the server starts;
// where only a stated most is in the way, that it be raised.
func (r Request) fewerRequests(offer *Offer, asked *Option) []FitRemedy {
	wanted := r.Demand.Requests
	if wanted < 2 || asked.Err != nil || asked.Estimate.Outcome() != memory.OutcomeStarts {
		return nil
	}
	r.Launch.TensorParallel = asked.TensorParallel
	if stated := r.Launch.MaxSequences; wanted > asked.Estimate.MaxSequences {
		r.Launch.MaxSequences = wanted
		if option := r.optionOn(offer); option.isSure() {
			return []FitRemedy{r.remedyOf(SequencesRemedy, option, 0)}
		}
		r.Launch.MaxSequences = stated
	}
	low, high := int64(0), wanted-1
	for low < high {
		middle := low + (high-low+1)/2
		r.Demand.Requests = middle
		if r.optionOn(offer).isSure() {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if low == 0 {
		return nil
	}
	r.Demand.Requests = low
	remedy := r.remedyOf(FewerRemedy, r.optionOn(offer), 0)
	remedy.Requests = low
	return []FitRemedy{remedy}
}

// otherSettings are settings of the engine that leave more for the KV cache: fewer requests at
// most, keys and values of 8 bits, no graphs, another share of the GPU.
func (r Request) otherSettings(offer *Offer, asked *Option) []FitRemedy {
	if asked.Err != nil || asked.Estimate.Outcome() == memory.OutcomeUnsupported {
		return nil
	}
	e := &asked.Estimate
	r.Launch.TensorParallel = asked.TensorParallel
	var remedies []FitRemedy
	try := func(kind RemedyKind, field launch.Field, change func(*memory.Launch)) bool {
		changed := r
		change(&changed.Launch)
		if _, known := launch.ArgumentName(r.Launch.Engine, field); !known {
			return false
		}
		option := changed.optionOn(offer)
		if option.isSure() {
			remedies = append(remedies, changed.remedyOf(kind, option, 0))
		}
		return option.isSure()
	}
	if e.WeightBytes() < e.Budget && !r.Launch.Engine.LoadsOnly() {
		for most := e.MaxSequences / 2; most >= max(1, r.Demand.Requests); most /= 2 {
			if try(SequencesRemedy, launch.FieldMaxSequences, func(l *memory.Launch) { l.MaxSequences = most }) {
				break
			}
		}
		if r.mayCacheIn8Bits(offer) {
			try(CacheRemedy, launch.FieldKVFormat, func(l *memory.Launch) { l.KVFormat = memory.KVFP8 })
		}
		if !r.Launch.Eager {
			try(EagerRemedy, launch.FieldEager, func(l *memory.Launch) { l.Eager = true })
		}
	}
	// Others reckon with what is left once they run, or take all of it anyway.
	if r.Launch.Engine == memory.VLLM && r.Launch.KVMemory == 0 && e.WeightBytes() < e.GPU.Total {
		for _, hundredths := range sharesFrom(e) {
			if try(UtilisationRemedy, launch.FieldUtilisation, func(l *memory.Launch) { l.Utilisation = float64(hundredths) / 100 }) {
				break
			}
		}
	}
	return remedies
}

// mostShare is the largest share of a GPU, in hundredths, that leaves something for what engines do
// not count.
const mostShare = 95

// sharesFrom are the shares of a GPU, in hundredths, that may do in place of that of an estimate:
// larger ones, or smaller ones where it is more than the GPU has.
func sharesFrom(e *memory.Estimate) []int64 {
	now := int64(e.Utilisation*100 + 0.5)
	var shares []int64
	if e.Outcome() == memory.OutcomeNoMemory {
		for share := now - 1; share >= mostShare/2; share-- {
			shares = append(shares, share)
		}
		return shares
	}
	for share := now + 1; share <= mostShare; share++ {
		shares = append(shares, share)
	}
	return shares
}

// cacheEngines are the engines that keep keys and values in 8 bits if told so, with the word.
var cacheEngines = map[memory.Engine]string{memory.VLLM: "fp8", memory.SGLang: "fp8_e4m3", memory.TensorRTLLM: "fp8"}

// least8Bits is from which compute capability on GPUs reckon with 8-bit floats.
var least8Bits = topology.ComputeCapability{Major: 8, Minor: 9}

// mayCacheIn8Bits reports whether keys and values of 16 bits may be kept in 8.
func (r *Request) mayCacheIn8Bits(offer *Offer) bool {
	known := cacheEngines[r.Launch.Engine] != ""
	if !known || r.Launch.KVFormat != memory.KVAuto || r.Model.CacheFP8 || offer.GPU.Compute.Less(least8Bits) {
		return false
	}
	for i := range r.Model.Layers {
		for _, c := range r.Model.Layers[i].Caches {
			if c.Attention == model.LatentAttention || c.Attention == model.CrossAttention {
				return false // formats of their own
			}
		}
	}
	return true
}
