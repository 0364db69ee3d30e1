package memory

import (
	"cmp"
	"errors"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// GPUOffer is a kind of GPU, or of MIG slice, that may be had.
type GPUOffer struct {
	GPU GPU
	// Model is the GPU's key in the catalogue, and Profile the MIG profile, "" for
	// whole GPUs.
	Model, Profile string
	// Most is how many of them one tensor-parallel group can take together.
	Most int64
	// Cost is what one costs, 0 if that is not known. The unit is the caller's.
	Cost int64
}

// ServerOption is one way to run a server.
type ServerOption struct {
	Offer GPUOffer
	// TensorParallel is the degree that was chosen, GPUs how many GPUs or slices that
	// takes with the launch's pipeline stages, Cost what they cost together.
	TensorParallel, GPUs, Cost int64
	Estimate                   Estimate
	// Err says why the launch makes no sense for this offer, nil if it does.
	Err error
	// Undivided says why the model does not divide by a larger degree, if no other one held
	// the demand.
	Undivided error
}

// Holds reports whether the option starts and holds what is demanded.
func (o *ServerOption) Holds() bool { return o.Err == nil && o.Estimate.Holds() }

// FindOptions says for each offer how the model would run on it. Where the launch states
// no degree of tensor parallelism, it is the smallest that holds the demand, or the
// largest that is possible where none does. Options that hold come first, the
// cheapest of them first and those without a price last; equal ones are ordered by fewer GPUs, then less memory.
func FindOptions(m *model.Model, l Launch, offers []GPUOffer, d Demand) []ServerOption {
	options := make([]ServerOption, 0, len(offers))
	for i := range offers {
		options = append(options, bestOption(m, l, &offers[i], d))
	}
	slices.SortStableFunc(options, func(a, b ServerOption) int {
		if a.Holds() != b.Holds() {
			if a.Holds() {
				return -1
			}
			return 1
		}
		if (a.Cost == 0) != (b.Cost == 0) {
			return cmp.Compare(b.Cost, a.Cost)
		}
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.GPUs, b.GPUs), cmp.Compare(a.Offer.GPU.Total, b.Offer.GPU.Total))
	})
	return options
}

// bestOption runs the offer with the fewest GPUs that suffice, or the most that are possible
// where none do. A degree by which the model does not divide says nothing about others.
func bestOption(m *model.Model, l Launch, offer *GPUOffer, d Demand) ServerOption {
	if l.TensorParallel > 0 {
		return optionOf(m, l, offer, d)
	}
	var chosen ServerOption
	var undivided error
	found := false
	for degree := int64(1); degree == 1 || degree <= offer.Most; degree++ {
		if m.Heads%degree != 0 {
			continue
		}
		l.TensorParallel = degree
		option := optionOf(m, l, offer, d)
		if option.Err != nil && !errors.As(option.Err, new(*TooManyGPUs)) {
			if undivided == nil {
				undivided = option.Err
			}
			if !found {
				chosen = option
			}
			continue
		}
		chosen, found, undivided = option, true, nil
		if option.Holds() || option.Err != nil || option.Estimate.Outcome() == OutcomeUnsupported {
			return chosen // more GPUs do not help
		}
	}
	if found {
		chosen.Undivided = undivided
	}
	return chosen
}

// optionOf runs the offer as the launch says.
func optionOf(m *model.Model, l Launch, offer *GPUOffer, d Demand) ServerOption {
	option := ServerOption{Offer: *offer, TensorParallel: l.TensorParallel}
	server, err := NewServer(m, l)
	if err != nil {
		option.Err = err
		return option
	}
	option.GPUs = server.GPUs()
	option.Cost = cappedProduct(option.GPUs, offer.Cost)
	// Pipeline stages may be on different nodes, but not on slices.
	if l.TensorParallel > offer.Most || offer.Profile != "" && option.GPUs > offer.Most {
		option.Err = &TooManyGPUs{GPUs: option.GPUs, Offer: *offer}
		return option
	}
	option.Estimate = server.On(offer.GPU, d)
	return option
}

// TooManyGPUs is a launch that takes more GPUs or slices than an offer has together.
type TooManyGPUs struct {
	GPUs  int64
	Offer GPUOffer
}

func (e *TooManyGPUs) Error() string {
	if e.Offer.Profile != "" {
		return "slices of different GPUs cannot serve one model together"
	}
	return "takes more GPUs than one node has"
}

// Need is how much memory a server needs on each GPU: an engine fills what it is
// given, so that there is no single figure.
type Need struct {
	// Start is the least with which it starts: one request of MaxModelLen.
	Start topology.Bytes
	// Wanted holds the demand as well.
	Wanted topology.Bytes
}

// Need is the range of memory for the estimate's settings, margin included. Where the
// engine takes a share of the GPU's total, Share says which one that is.
func (e *Estimate) Need() Need {
	fixed := e.fixedBytes() + max(0, e.Margin)
	least := e.One
	if e.fit {
		least = e.Block
	}
	return Need{Start: fixed + ContextSize + least, Wanted: fixed + ContextSize + max(least, e.Wanted)}
}

// fixedBytes is what the engine holds beside the KV cache.
func (e *Estimate) fixedBytes() topology.Bytes {
	bytes := e.WeightBytes() + e.Activations + e.Other
	if e.GraphsInBudget {
		bytes += e.Graphs
	}
	return bytes
}

// Share is the share of the GPU's total that gives the engine no more than the given
// memory, driver's context included: what to state as vLLM's gpu_memory_utilization
// where a server gets a part of a GPU. It is rounded down to hundredths.
func (e *Estimate) Share(memory topology.Bytes) float64 {
	if e.GPU.Total <= 0 {
		return 0
	}
	hundredths := int64(memory-ContextSize-e.outsideBytes()) / max(1, int64(e.GPU.Total)/100)
	return float64(max(0, min(100, hundredths))) / 100
}
