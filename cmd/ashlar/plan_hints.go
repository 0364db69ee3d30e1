package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// hint notes at each option that spreads the model over several GPUs for how short
// requests half of them would do.
func (a *planAnswer) hint(from *asked) {
	if from.launch.TensorParallel > 0 && !from.single {
		return
	}
	for _, o := range a.Options {
		enough := o
		if from.single {
			if enough = o.enough(from); enough == nil {
				continue
			}
			o.EnoughGPUs, o.EnoughTensorParallel = enough.GPUs, enough.TensorParallel
		}
		if !enough.Fits || enough.TensorParallel < 2 {
			continue
		}
		if length := longest(from, &o.offer, enough.TensorParallel/2); length > 0 {
			o.FewerGPUs, o.FewerMaxModelLen = enough.GPUs/2, length
		}
	}
}

// enough is how many GPUs suffice where one does not, nil if no number does.
func (o *planOption) enough(from *asked) *planOption {
	if o.Fits || o.Form != formWhole {
		return nil
	}
	several := *from
	several.launch.TensorParallel = 0
	if enough := optionOn(&several, &o.offer); enough.Fits {
		return enough
	}
	return nil
}

// maxShorter is how many GPUs are suggested where nothing fits.
const maxShorter = 3

// shorter says for how short requests the GPUs would do that hold the longest ones.
func (a *planAnswer) shorter(from *asked) []string {
	type candidate struct {
		option *planOption
		length int64
	}
	var candidates []candidate
	for _, o := range a.Options {
		if o.err != nil {
			continue
		}
		if length := longest(from, &o.offer, o.TensorParallel); length > 0 {
			candidates = append(candidates, candidate{o, length})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.length, a.length) })
	var hints []string
	for _, c := range candidates[:min(len(candidates), maxShorter)] {
		hints = append(hints, fmt.Sprintf("%s would do with --max-model-len %d or less", c.option.takes(), c.length))
	}
	return hints
}

// longest is the longest request, of which as many as are wanted fit, for which a
// degree of tensor parallelism does; 0 if there is none worth telling. It is checked
// rather than trusted: other settings follow from the length.
func longest(from *asked, offer *planOffer, degree int64) int64 {
	l, d := from.launch, from.demand
	l.TensorParallel = degree
	try := func(length int64) (memory.Estimate, bool) {
		l.MaxModelLen = length
		d.Context = 0
		if from.demand.Context > 0 {
			d.Context = min(from.demand.Context, length)
		}
		server, err := memory.NewServer(from.model, l)
		if err != nil {
			return memory.Estimate{}, false
		}
		e := server.On(offer.GPU, d)
		return e, e.Holds() && !isClose(&e)
	}
	low, high := int64(0), int64(from.model.MaxPositions)
	if l.MaxModelLen > 0 {
		high = l.MaxModelLen
	}
	for low < high {
		middle := low + (high-low+1)/2
		if _, holds := try(middle); holds {
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
