package main

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// planOption is one way to run the server.
type planOption struct {
	GPU     string `json:"gpu"`
	Product string `json:"product"`
	// Form is whole, mig or share.
	Form    string `json:"form"`
	Profile string `json:"profile,omitempty"`
	// ShareBytes and ShareUtilisation are the memory to ask for, and the share of the
	// GPU that the engine must be told to take, where others use the rest.
	ShareBytes       int64   `json:"shareBytes,omitempty"`
	ShareUtilisation float64 `json:"shareUtilisation,omitempty"`

	GPUs           int64 `json:"gpus"`
	TensorParallel int64 `json:"tensorParallel"`

	// Bytes are for each GPU.
	TotalBytes      int64 `json:"totalBytes"`
	WeightBytes     int64 `json:"weightBytes"`
	ActivationBytes int64 `json:"activationBytes"`
	GraphBytes      int64 `json:"graphBytes"`
	OtherBytes      int64 `json:"otherBytes"`
	KVBytes         int64 `json:"kvBytes"`
	WantedKVBytes   int64 `json:"wantedKVBytes"`
	MarginBytes     int64 `json:"marginBytes"`
	KVBytesPerToken int64 `json:"kvBytesPerToken"`

	LongestContext int64 `json:"longestContext"`
	Concurrency    int64 `json:"concurrency"`

	// MicroDollars is the cost of an hour, nil if unknown.
	MicroDollars *int64 `json:"microDollarsPerHour,omitempty"`

	// EnoughGPUs would do where the one that --gpu names does not.
	EnoughGPUs           int64 `json:"enoughGPUs,omitempty"`
	EnoughTensorParallel int64 `json:"enoughTensorParallel,omitempty"`
	// FewerGPUs would do for requests of up to FewerMaxModelLen tokens.
	FewerGPUs        int64 `json:"fewerGPUs,omitempty"`
	FewerMaxModelLen int64 `json:"fewerMaxModelLen,omitempty"`

	// AsFloat16 says that the GPU lacks the model's bfloat16, so that the engine only
	// starts if told to convert.
	AsFloat16 bool `json:"asFloat16,omitempty"`

	Fits bool `json:"fits"`
	// Close says that the answer lies within the margin of the estimate.
	Close  bool   `json:"close"`
	Reason string `json:"reason,omitempty"`
	// Arithmetic is the reason in full.
	Arithmetic string `json:"arithmetic,omitempty"`

	offer    planOffer
	estimate memory.Estimate
	err      error
}

// The forms of options.
const (
	formWhole = "whole"
	formMIG   = "mig"
	formShare = "share"
)

// options are the ways to have an offer: as it is, and part of it where that is
// enough.
func options(a *asked, offer *planOffer) []*planOption {
	full := optionOn(a, offer)
	if offer.Profile != "" {
		return []*planOption{full}
	}
	if share, ok := shareOf(a, offer); ok {
		return []*planOption{full, share}
	}
	return []*planOption{full}
}

// optionOn looks at an offer as it is.
func optionOn(a *asked, offer *planOffer) *planOption {
	found := memory.FindOptions(a.model, a.launch, []memory.GPUOffer{offer.GPUOffer}, a.demand)[0]
	option := optionOf(offer, &found)
	option.alsoUndivided(found.Undivided)
	option.AsFloat16 = a.needsFloat16(offer.model)
	return option
}

// needsFloat16 reports whether a server must be told to convert the model for a GPU.
// Source: vLLM refuses bfloat16 below compute capability 8.0.
func (a *asked) needsFloat16(m *topology.Model) bool {
	return a.launch.Engine == memory.VLLM && a.launch.Dtype == "" && m.Compute.Less(topology.ComputeCapability{Major: 8}) &&
		bytes.Contains(a.config, []byte(`"bfloat16"`))
}

// optionOf states an option as it is printed.
func optionOf(offer *planOffer, found *memory.ServerOption) *planOption {
	e := &found.Estimate
	option := &planOption{
		GPU: offer.Model, Product: offer.model.Product, Form: formWhole, Profile: offer.Profile,
		GPUs: max(1, found.GPUs), TensorParallel: found.TensorParallel, TotalBytes: int64(offer.GPU.Total),
		offer: *offer, estimate: *e, err: found.Err,
	}
	if offer.Profile != "" {
		option.Form = formMIG
	}
	if offer.priced {
		option.MicroDollars = &found.Cost
	}
	if found.Err != nil {
		option.Reason = found.Err.Error()
		option.Arithmetic = fmt.Sprintf("%s: %v", offer.GPU.Name, found.Err)
		return option
	}
	option.WeightBytes, option.ActivationBytes, option.OtherBytes = int64(e.WeightBytes()), int64(e.Activations), int64(e.Other)
	option.GraphBytes, option.KVBytes, option.WantedKVBytes, option.MarginBytes = int64(e.Graphs), int64(e.KV), int64(e.Wanted), int64(e.Margin)
	option.KVBytesPerToken = int64(e.KVPerToken)
	option.LongestContext, option.Concurrency = e.LongestContext, e.Concurrency
	option.Fits, option.Close = e.Holds(), isClose(e)
	option.Reason, option.Arithmetic = reasonOf(e), e.Explain()
	return option
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

// inOrder puts what fits first, then what certainly fits before what is close, then
// the cheapest, what has no price last, then the fewest GPUs and the least memory.
func inOrder(a, b *planOption) int {
	return cmp.Or(
		first(a.Fits, b.Fits),
		first(a.MicroDollars != nil, b.MicroDollars != nil),
		cmp.Compare(a.cost(), b.cost()),
		cmp.Compare(a.GPUs, b.GPUs),
		cmp.Compare(a.memory(), b.memory()),
		cmp.Compare(a.GPU, b.GPU),
		cmp.Compare(a.Profile, b.Profile),
	)
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (o *planOption) cost() int64 {
	if o.MicroDollars == nil {
		return 0
	}
	return *o.MicroDollars
}

// memory is what the option takes of each GPU.
func (o *planOption) memory() int64 {
	if o.Form == formShare {
		return o.ShareBytes
	}
	return o.TotalBytes
}

// smallest is the option that fits with the least memory on all its GPUs.
func (a *planAnswer) smallest() *planOption {
	var best *planOption
	for _, o := range a.Options {
		if o.Fits && (best == nil || o.GPUs*o.memory() < best.GPUs*best.memory()) {
			best = o
		}
	}
	return best
}

// shareOf is the smallest part of a GPU that holds the demand, with its margin, if
// the engine can be kept to one and it is worth sharing.
func shareOf(a *asked, offer *planOffer) (*planOption, bool) {
	pinned := a.launch.Utilisation > 0 || a.launch.KVMemory > 0
	if a.launch.TensorParallel > 1 || a.launch.PipelineParallel > 1 || !canShare(a.launch.Engine) {
		return nil, false
	}
	l := a.launch
	l.TensorParallel = 1
	for hundredths := int64(1); hundredths <= 90; hundredths++ {
		if !pinned {
			l.Utilisation = float64(hundredths) / 100
		}
		server, err := memory.NewServer(a.model, l)
		if err != nil {
			return nil, false
		}
		e := server.On(offer.GPU, a.demand)
		if e.Holds() && !isClose(&e) {
			option, ok := shareOption(offer, &e)
			option.AsFloat16 = a.needsFloat16(offer.model)
			return option, ok
		}
		if pinned || a.launch.Engine == memory.Plain {
			break
		}
	}
	return nil, false
}

// canShare reports whether an engine keeps to a part of a GPU, whatever the others on
// it do. SGLang and TensorRT-LLM reckon with what is free when they start.
func canShare(engine memory.Engine) bool {
	return engine == memory.VLLM || engine == memory.TGI || engine == memory.Plain
}

func shareOption(offer *planOffer, e *memory.Estimate) (*planOption, bool) {
	engine := e.Utilisation < 1
	held := e.Claims()
	if !engine {
		held = e.Need().Wanted
	}
	if !e.GraphsInBudget {
		held += e.Graphs // they lie beside what the engine counts
	}
	held = (held + topology.GiB - 1) / topology.GiB * topology.GiB
	found := memory.ServerOption{Offer: offer.GPUOffer, TensorParallel: 1, GPUs: 1, Estimate: *e}
	found.Cost = int64(float64(offer.Cost) * float64(held) / float64(offer.model.Usable()))
	option := optionOf(offer, &found)
	option.Form, option.ShareBytes = formShare, int64(held)
	if engine {
		option.ShareUtilisation = e.Utilisation
	}
	// What is nearly the whole GPU may as well be had whole.
	return option, held <= offer.model.Usable()*9/10
}
