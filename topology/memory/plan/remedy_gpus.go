package plan

import (
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// moreGPUs is the smallest degree of tensor parallelism that is enough on one node, of those by
// which the model's heads and widths divide.
func (r Request) moreGPUs(offer *Offer) []FitRemedy {
	l := &r.Launch
	if offer.Profile != "" || l.Engine.LoadsOnly() {
		return nil
	}
	for l.TensorParallel = max(1, l.TensorParallel) + 1; l.TensorParallel <= offer.Most; l.TensorParallel++ {
		if option := r.optionOn(offer); option.isSure() {
			return []FitRemedy{r.remedyOf(TensorParallelRemedy, option, 0)}
		}
	}
	return nil
}

// stagedEngines are the engines that divide a model into pipeline stages.
var stagedEngines = map[memory.Engine]bool{memory.VLLM: true, memory.SGLang: true, memory.TensorRTLLM: true}

// mostStages is how many pipeline stages are looked at.
const mostStages = 8

// moreStages is the smallest number of pipeline stages that is enough.
func (r Request) moreStages(offer *Offer) []FitRemedy {
	l := &r.Launch
	if !stagedEngines[l.Engine] || l.PipelineParallel > 1 || offer.Profile != "" || l.Draft != "" {
		return nil
	}
	for stages := int64(2); stages <= mostStages; stages++ {
		l.PipelineParallel = stages
		if option := r.optionOn(offer); option.isSure() {
			remedy := r.remedyOf(PipelineParallelRemedy, option, 0)
			remedy.PipelineParallel = stages
			return []FitRemedy{remedy}
		}
	}
	return nil
}

// mostCopies is how many copies of a server are looked at.
const mostCopies = 8

// moreCopies is the smallest number of copies of the server that hold the demand together, where
// one starts and holds only a part of it.
func (r Request) moreCopies(offer *Offer, asked *Option) []FitRemedy {
	if r.Demand.Requests < 2 || asked.Err != nil || asked.Estimate.Outcome() != memory.OutcomeStarts || r.Launch.DataParallel > 1 {
		return nil
	}
	all := r.Demand.Requests
	for copies := int64(2); copies <= min(all, mostCopies); copies++ {
		r.Demand.Requests = (all + copies - 1) / copies
		option := r.optionOn(offer)
		if !option.isSure() {
			continue
		}
		together := *option
		together.GPUs *= copies
		if option.Cost != nil {
			cost := *option.Cost * catalogue.MicroDollars(copies)
			together.Cost = &cost
		}
		remedy := r.remedyOf(DataParallelRemedy, &together, 0)
		remedy.Launch.DataParallel = copies
		return []FitRemedy{remedy}
	}
	return nil
}
