package plan

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// RemedyKind is what is changed so that a server fits.
type RemedyKind string

// The kinds of remedies.
const (
	TensorParallelRemedy   RemedyKind = "tensor-parallel"
	PipelineParallelRemedy RemedyKind = "pipeline-parallel"
	QuantisationRemedy     RemedyKind = "quantised-while-loading"
	CopyRemedy             RemedyKind = "quantised-copy"
	ShorterRemedy          RemedyKind = "shorter-requests"
	// UnflaggedRemedy leaves out the flag for which the engine refuses to start.
	UnflaggedRemedy RemedyKind = "without-the-flag"
)

// FitRemedy is one change of the request with which a server certainly fits an offer.
type FitRemedy struct {
	Kind RemedyKind
	// Option is how the server runs then.
	Option *Option
	// PipelineParallel are the stages, for PipelineParallelRemedy.
	PipelineParallel int64
	// Scheme is the engine's word, for QuantisationRemedy. Unflagged is the field whose flag is
	// left out, for UnflaggedRemedy, and Stated what it said.
	Scheme    string
	Unflagged launch.Field
	Stated    string
	// Copy is the model to serve instead, for CopyRemedy.
	Copy *model.Model
	// MaxModelLen is the longest request in tokens, 0 for as long as was asked for.
	MaxModelLen int64
}

// FindRemedies lists what makes the server fit the GPU or slice of an option that it does not
// fit: more GPUs, in tensor parallel or in stages; the same GPUs with weights quantised
// while loading, or with a copy of the model that is quantised; shorter requests. Each is
// the least change of its kind.
func (a *Answer) FindRemedies(o *Option) []FitRemedy {
	if o.Fits || o.Form == ShareForm || o.Err != nil && !errors.As(o.Err, new(*memory.TooManyGPUs)) {
		return nil
	}
	r := a.Request
	if o.TensorParallel > 0 {
		r.Launch.TensorParallel = o.TensorParallel
	}
	if a.Refusal != "" {
		return r.startRemedies(&o.Offer)
	}
	remedies := slices.Concat(r.moreGPUs(&o.Offer), r.moreStages(&o.Offer), r.quantiseWhileLoading(&o.Offer), r.quantisedCopies(&o.Offer))
	if option, length := r.surelyOn(&o.Offer); option != nil && length > 0 {
		remedies = append(remedies, FitRemedy{Kind: ShorterRemedy, Option: option, MaxModelLen: length})
	}
	return remedies
}

// startRemedies are the changes after which an engine starts that refuses to: on as many GPUs,
// or where none fits those, on the fewest that are enough for one of them.
func (r Request) startRemedies(offer *Offer) []FitRemedy {
	for {
		found := slices.Concat(r.leaveOutFlag(offer), r.quantisedCopies(offer), r.quantiseWhileLoading(offer))
		r.Launch.TensorParallel = max(1, r.Launch.TensorParallel) * 2
		if len(found) > 0 || offer.Profile != "" || r.Launch.TensorParallel > offer.Most {
			return found
		}
	}
}

// surelyOn is how the server certainly fits an offer, if need be with requests of at most
// so many tokens; nil if it does not.
func (r Request) surelyOn(offer *Offer) (option *Option, length int64) {
	if option = r.optionOn(offer); option.isSure() {
		return option, 0
	}
	if option.Err != nil {
		return nil, 0
	}
	r.Launch.TensorParallel = option.TensorParallel
	if length = r.longestOn(offer, option.TensorParallel); length == 0 {
		return nil, 0
	}
	r.Launch.MaxModelLen = length
	if option = r.optionOn(offer); !option.isSure() {
		return nil, 0
	}
	return option, length
}

// isSure reports whether an option fits, whatever the margin.
func (o *Option) isSure() bool { return o.Fits && !o.Close && !o.StateFloat16 }

// leaveOutFlag is the server without the flag for which the engine refuses to start.
func (r Request) leaveOutFlag(offer *Offer) []FitRemedy {
	remedy := FitRemedy{Kind: UnflaggedRemedy}
	if remedy.Unflagged, remedy.Stated = launch.FieldQuantisation, r.Launch.Quantisation; remedy.Stated != "" {
		r.Launch.Quantisation = ""
	} else {
		remedy.Unflagged, remedy.Stated = launch.FieldDtype, r.Launch.Dtype
		r.Launch.Dtype = ""
	}
	if remedy.Option, remedy.MaxModelLen = r.surelyOn(offer); remedy.Option == nil {
		return nil
	}
	return []FitRemedy{remedy}
}

// moreGPUs is the smallest degree of tensor parallelism that is enough on one node.
func (r Request) moreGPUs(offer *Offer) []FitRemedy {
	l := &r.Launch
	if offer.Profile != "" {
		return nil
	}
	for l.TensorParallel = max(1, l.TensorParallel) * 2; l.TensorParallel <= offer.Most; l.TensorParallel *= 2 {
		if option := r.optionOn(offer); option.isSure() {
			return []FitRemedy{{Kind: TensorParallelRemedy, Option: option}}
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
			return []FitRemedy{{Kind: PipelineParallelRemedy, Option: option, PipelineParallel: stages}}
		}
	}
	return nil
}

// loadingSchemes are the words by which engines quantise any 16-bit model while loading,
// the one that costs the least accuracy first.
var loadingSchemes = map[memory.Engine][]string{
	memory.VLLM:   {"fp8", "bitsandbytes"},
	memory.SGLang: {"fp8"},
	memory.TGI:    {"fp8", "bitsandbytes-nf4"},
}

// quantiseWhileLoading is the first scheme with which the weights are small enough; one that
// leaves requests as long as they are, if there is one.
func (r Request) quantiseWhileLoading(offer *Offer) []FitRemedy {
	l := &r.Launch
	_, use := memory.FindScheme(l.Engine, l.Quantisation)
	if r.Model.Quantisation != "" || use != memory.SchemeNotKnown && use != memory.SchemeOfFiles {
		return nil
	}
	var best []FitRemedy
	for _, scheme := range loadingSchemes[l.Engine] {
		l.Quantisation, _ = memory.FindScheme(l.Engine, scheme)
		// How much the others hold before they have quantised is not known.
		if l.Engine != memory.VLLM && !r.holdsUnquantised(offer) {
			continue
		}
		option, length := r.surelyOn(offer)
		if option != nil && (best == nil || length == 0) {
			best = []FitRemedy{{Kind: QuantisationRemedy, Option: option, Scheme: scheme, MaxModelLen: length}}
		}
		if option != nil && length == 0 {
			break
		}
	}
	return best
}

// holdsUnquantised reports whether the weights fit the offer as they are in the files.
func (r Request) holdsUnquantised(offer *Offer) bool {
	r.Launch.Quantisation = ""
	option := r.optionOn(offer)
	return option.Err == nil && option.Estimate.WeightBytes() < offer.GPU.Total-memory.ContextSize
}

// quantisedCopies are copies of the model that the catalogue knows, the largest that fits
// first; of those of about one size, the one of the scheme that the launch names.
func (r Request) quantisedCopies(offer *Offer) []FitRemedy {
	stated, served := r.Launch.Quantisation, r.Model
	r.Launch.Quantisation = ""
	copies := model.QuantisedCopies(served)
	slices.SortStableFunc(copies, func(a, b *model.Model) int {
		return cmp.Or(compareTrue(confirmsScheme(stated, a), confirmsScheme(stated, b)),
			compareTrue(a.Quantisation == "awq", b.Quantisation == "awq"))
	})
	var remedies []FitRemedy
	for _, c := range copies {
		if areAlike(served, c) || slices.ContainsFunc(remedies, func(other FitRemedy) bool { return areAlike(other.Copy, c) }) {
			continue
		}
		r.Model = c
		r.Config, _ = model.Config(c.Name)
		if option, length := r.surelyOn(offer); option != nil {
			remedies = append(remedies, FitRemedy{Kind: CopyRemedy, Option: option, Copy: c, MaxModelLen: length})
		}
	}
	slices.SortStableFunc(remedies, func(a, b FitRemedy) int {
		return cmp.Or(compareTrue(confirmsScheme(stated, a.Copy), confirmsScheme(stated, b.Copy)), cmp.Compare(b.Copy.Loaded(), a.Copy.Loaded()))
	})
	return remedies
}

// confirmsScheme reports whether a stated scheme is that of a model's files: awq_marlin and awq.
func confirmsScheme(stated string, m *model.Model) bool {
	return stated != "" && strings.Contains(stated, m.Quantisation)
}

// areAlike reports whether two models have about the same size, by a twentieth.
func areAlike(a, b *model.Model) bool {
	larger, smaller := max(a.Loaded(), b.Loaded()), min(a.Loaded(), b.Loaded())
	return larger-smaller < larger/20
}

// CheapestRemedies says, where the server fits no offer, how it would fit some: with more
// GPUs, quantised while loading, and with a copy of the model that the catalogue knows, each
// on the cheapest offer.
func (a *Answer) CheapestRemedies(offers []Offer) []FitRemedy {
	r := a.Request
	best := map[string]FitRemedy{}
	for i := range offers {
		found := slices.Concat(r.quantiseWhileLoading(&offers[i]), r.quantisedCopies(&offers[i]))
		if a.Refusal != "" {
			found = append(found, r.leaveOutFlag(&offers[i])...)
		}
		if a.Refusal == "" && r.Launch.TensorParallel > 0 {
			found = append(found, r.moreGPUs(&offers[i])...)
		}
		for _, remedy := range found {
			if remedy.MaxModelLen > 0 && a.Refusal == "" {
				continue // Shorter says where the model itself does for shorter requests
			}
			key := string(remedy.Kind)
			if remedy.Copy != nil {
				key = remedy.Copy.Name
			}
			if other, have := best[key]; !have || compareRemedies(&remedy, &other) < 0 {
				best[key] = remedy
			}
		}
	}
	all := slices.SortedFunc(maps.Values(best), func(a, b FitRemedy) int { return compareRemedies(&a, &b) })
	return all[:min(len(all), mostShorter)]
}

// compareRemedies puts those first that leave requests as long as they are, then the cheapest.
func compareRemedies(a, b *FitRemedy) int {
	return cmp.Or(compareTrue(a.MaxModelLen == 0, b.MaxModelLen == 0), compareOptions(a.Option, b.Option), cmp.Compare(a.Kind, b.Kind))
}
