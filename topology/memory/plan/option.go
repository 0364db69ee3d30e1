package plan

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Form is how much of a GPU an option takes.
type Form string

// The forms of options.
const (
	WholeForm Form = "whole"
	MIGForm   Form = "mig"
	ShareForm Form = "share"
)

// Option is one way to run the server.
type Option struct {
	Offer Offer
	Form  Form
	// Share is the part of the GPU, for ShareForm.
	Share Share

	GPUs, TensorParallel int64
	// Estimate accounts for each of the GPUs.
	Estimate memory.Estimate
	// Cost is that of an hour on all its GPUs, nil if unknown.
	Cost *catalogue.MicroDollars

	// Fits says that the server starts and holds the demand, Close that the answer lies
	// within the margin of the estimate.
	Fits, Close bool
	// AsFloat16 says that the GPU lacks the model's bfloat16, and that the engine converts
	// it to float16 by itself; StateFloat16, that it only starts if told to.
	AsFloat16, StateFloat16 bool
	// Reason says in few words why it does not fit, "" if it does.
	Reason string
	// Err says why the launch makes no sense for this offer, nil if it does. Undivided
	// says why not more GPUs take part where they would be needed.
	Err, Undivided error

	// EnoughGPUs would do where the one that is asked about does not.
	EnoughGPUs, EnoughTensorParallel int64
	// FewerGPUs would do for requests of up to FewerMaxModelLen tokens.
	FewerGPUs, FewerMaxModelLen int64
}

// MemoryPerGPU is what the option takes of each GPU.
func (o *Option) MemoryPerGPU() topology.Bytes {
	if o.Form == ShareForm {
		return o.Share.Memory
	}
	return o.Offer.GPU.Total
}

// optionsFor are the ways to have an offer: as it is, and part of it where that is
// enough.
func (r *Request) optionsFor(offer *Offer) []*Option {
	full := r.optionOn(offer)
	if offer.Profile != "" {
		return []*Option{full}
	}
	share, ok := ShareFor(r.Model, r.Launch, r.Demand, offer.Hardware)
	if !ok {
		return []*Option{full}
	}
	found := memory.ServerOption{Offer: offer.GPUOffer, TensorParallel: 1, GPUs: 1, Estimate: share.Estimate}
	found.Cost = int64(float64(offer.Cost) * float64(share.Memory) / float64(offer.Hardware.Usable()))
	part := r.newOption(offer, &found)
	part.Form, part.Share = ShareForm, share
	return []*Option{full, part}
}

// optionOn looks at an offer as it is.
func (r *Request) optionOn(offer *Offer) *Option {
	found := memory.FindOptions(r.Model, r.Launch, []memory.GPUOffer{offer.GPUOffer}, r.Demand)[0]
	return r.newOption(offer, &found)
}

func (r *Request) newOption(offer *Offer, found *memory.ServerOption) *Option {
	option := &Option{
		Offer: *offer, Form: WholeForm, GPUs: max(1, found.GPUs), TensorParallel: found.TensorParallel,
		Estimate: found.Estimate, Err: found.Err,
	}
	if r.lacksBfloat16(offer) {
		option.AsFloat16 = r.Launch.RunsAsFloat16(offer.GPU.Compute)
		option.StateFloat16 = r.Launch.Engine == memory.VLLM && r.Launch.Dtype == "" && !option.AsFloat16
	}
	if offer.Profile != "" {
		option.Form = MIGForm
	}
	if offer.Priced {
		cost := catalogue.MicroDollars(found.Cost)
		option.Cost = &cost
	}
	if found.Err != nil {
		option.Reason = found.Err.Error()
	} else {
		e := &option.Estimate
		option.Fits, option.Close, option.Reason = e.Holds(), isClose(e), reasonOf(e)
	}
	if found.Undivided != nil && !option.Fits {
		option.Undivided = found.Undivided
		option.Reason += fmt.Sprintf(", and the model does not divide by %s", undividedDegree(found.Undivided))
	}
	return option
}

// undividedDegree is the degree that an error is about.
func undividedDegree(err error) string {
	var fault *memory.LaunchError
	if errors.As(err, &fault) {
		return fault.Value
	}
	return "more"
}

// isClose reports whether more or less memory, by the estimate's margin, would give
// the other answer.
func isClose(e *memory.Estimate) bool {
	if !e.IsCertain() {
		return true
	}
	return e.Outcome() == memory.OutcomeStarts && (e.Wanted <= e.KV-e.Margin) != (e.Wanted <= e.KV+e.Margin)
}

// reasonOf says in few words why an estimate does not hold, "" if it does.
func reasonOf(e *memory.Estimate) string {
	switch {
	case e.Outcome() == memory.OutcomeUnsupported:
		return e.UnsupportedReason()
	case e.Outcome() == memory.OutcomeNoMemory:
		return "claims too much"
	case e.Outcome() == memory.OutcomeNoBlocks && e.WeightBytes() >= e.Budget:
		return "weights too large"
	case e.Outcome() == memory.OutcomeNoBlocks:
		return "no KV cache left"
	case e.Outcome() == memory.OutcomeTooLong:
		return "context too long"
	case e.Wanted > e.KV:
		return "too many at once"
	case !e.Holds():
		return "more at once than --max-num-seqs"
	}
	return ""
}
