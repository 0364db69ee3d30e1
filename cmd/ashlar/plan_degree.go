package main

import (
	"errors"
	"fmt"
	"strings"
)

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
