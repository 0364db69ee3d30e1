package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// bestDegree is the offer with the fewest GPUs that suffice, or the most that are
// possible where none do. A degree of tensor parallelism that the model does not divide
// by says nothing about the others: it is passed over, and the first is returned.
func bestDegree(a *asked, offer memory.Offer) (best memory.Option, undivided error) {
	l := a.launch
	on := func() memory.Option { return memory.Options(a.model, l, []memory.Offer{offer}, a.demand)[0] }
	if l.TensorParallel > 0 {
		return on(), nil
	}
	found := false
	for degree := int64(1); degree == 1 || degree <= offer.Most && a.model.Heads%degree == 0; degree *= 2 {
		l.TensorParallel = degree
		option := on()
		if option.Err != nil && !errors.As(option.Err, new(*memory.TooMany)) {
			if undivided == nil {
				undivided = option.Err
			}
			if !found {
				best = option
			}
			continue
		}
		best, found = option, true
		if option.Holds() || option.Err != nil || option.Estimate.Outcome() == memory.Unsupported {
			return best, nil // more GPUs do not help
		}
	}
	if !found {
		return best, nil
	}
	return best, undivided
}

// alsoUndivided adds why not more GPUs take part.
func (o *planOption) alsoUndivided(cause error) {
	if cause == nil || o.Fits {
		return
	}
	o.Reason += fmt.Sprintf(", and the model does not divide by %d", 2*o.TensorParallel)
	o.Arithmetic += "; with more GPUs, " + inFlags(cause).Error()
}

// flagNames are what the fields of a launch are called on the command line.
var flagNames = strings.NewReplacer("TensorParallel is ", "--tp ", "PipelineParallel is ", "--pp ", "MaxModelLen is ", "--max-model-len ",
	"MaxSequences is ", "--max-num-seqs ", "MaxBatchedTokens is ", "--max-num-batched-tokens ", "Utilisation is ", "--gpu-memory-utilization ")

// inFlags says an error of a launch in the words of the command line.
func inFlags(err error) error { return errors.New(flagNames.Replace(err.Error())) }
