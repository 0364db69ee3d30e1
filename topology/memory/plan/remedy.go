package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

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
	// DataParallelRemedy is several copies of the server, each for a part of the requests.
	DataParallelRemedy RemedyKind = "data-parallel"
	QuantisationRemedy RemedyKind = "quantised-while-loading"
	CopyRemedy         RemedyKind = "quantised-copy"
	ShorterRemedy      RemedyKind = "shorter-requests"
	// FewerRemedy takes fewer requests at once than are wanted, SequencesRemedy states how many
	// the engine takes at most, for each of which it keeps memory.
	FewerRemedy     RemedyKind = "fewer-requests"
	SequencesRemedy RemedyKind = "sequences"
	CacheRemedy     RemedyKind = "8-bit-cache"
	EagerRemedy     RemedyKind = "without-graphs"
	// UtilisationRemedy states another share of the GPU than the launch's.
	UtilisationRemedy RemedyKind = "utilisation"
	OffloadRemedy     RemedyKind = "cpu-offload"
	// WideRemedy is 32-bit numbers where the GPU has no bfloat16 and the model's do not fit float16.
	WideRemedy RemedyKind = "float32"
	// UnflaggedRemedy leaves out the flag for which the engine refuses to start.
	UnflaggedRemedy RemedyKind = "without-the-flag"
)

// kindOrder are the kinds as they are listed.
var kindOrder = []RemedyKind{
	UnflaggedRemedy, WideRemedy, TensorParallelRemedy, PipelineParallelRemedy, DataParallelRemedy, QuantisationRemedy, CopyRemedy,
	ShorterRemedy, FewerRemedy, SequencesRemedy, CacheRemedy, EagerRemedy, UtilisationRemedy, OffloadRemedy,
}

// RankRemedy orders remedies: those first that cost the least speed and quality, and a copy in the scheme
// that the launch names before others. Files of 4 bits serve better than what is cut down to them
// while loading.
func (r *FitRemedy) RankRemedy() int {
	if r.confirms {
		return 1
	}
	rank := 2 * slices.Index(kindOrder, r.Kind)
	if r.Kind == QuantisationRemedy && loadedBits(r.Scheme) < 8 {
		rank += 3
	}
	return rank
}

// FitRemedy is one change of the request with which a server certainly fits an offer.
type FitRemedy struct {
	Kind RemedyKind
	// Option is how the server runs then, all copies of it together, and Launch how it is started.
	Option *Option
	Launch memory.Launch
	// PipelineParallel are the stages, for PipelineParallelRemedy.
	PipelineParallel int64
	// Scheme is the engine's word, for QuantisationRemedy. Unflagged is the field whose flag is
	// left out, for UnflaggedRemedy, and Stated what it said.
	Scheme    string
	Unflagged launch.Field
	Stated    string
	// Copy is the model to serve instead, for CopyRemedy; confirms says that its files are in the
	// scheme that the launch names.
	Copy     *model.Model
	confirms bool
	// MaxModelLen is the longest request in tokens, 0 for as long as was asked for.
	MaxModelLen int64
	// Requests is how many fit at once, for FewerRemedy.
	Requests int64
	// Cost says in a phrase what is lost by it, beside the GPUs that Option counts.
	Cost string
}

// FindRemedies lists what makes the server fit the GPU or slice of an option that it does not
// fit: more GPUs, in tensor parallel, in stages or as copies of the server; the same GPUs with
// weights quantised while loading, or with a copy of the model that is quantised; shorter or
// fewer requests; settings that leave more for the KV cache; weights in host memory. Each is
// the least change of its kind, those first that cost no speed or quality.
func (a *Answer) FindRemedies(o *Option) []FitRemedy {
	if o.Fits || o.Form == ShareForm || o.Err != nil && !errors.As(o.Err, new(*memory.TooManyGPUs)) {
		return nil
	}
	r := a.Request
	if o.TensorParallel > 0 {
		r.Launch.TensorParallel = o.TensorParallel
	}
	return r.RemediesOn(&o.Offer)
}

// RemediesOn is FindRemedies for one kind of GPU or slice, whose Hardware need not be known; nil
// if the server certainly fits it.
func (r Request) RemediesOn(offer *Offer) []FitRemedy {
	asked := r.optionOn(offer)
	if asked.isSure() {
		return nil
	}
	var remedies []FitRemedy
	if r.refusesEverywhere() {
		remedies = r.startRemedies(offer)
	} else {
		remedies = slices.Concat(r.otherNumbers(offer, asked), r.moreGPUs(offer), r.moreStages(offer), r.moreCopies(offer, asked),
			r.quantiseWhileLoading(offer), r.quantisedCopies(offer), r.shorterRequests(offer), r.fewerRequests(offer, asked),
			r.otherSettings(offer, asked), r.offloadWeights(offer, asked))
	}
	for i := range remedies {
		remedies[i].Cost = r.costOf(&remedies[i], asked)
	}
	slices.SortStableFunc(remedies, func(a, b FitRemedy) int { return cmp.Compare(a.RankRemedy(), b.RankRemedy()) })
	return remedies
}

// refusesEverywhere reports whether the engine starts with the model on no GPU whatever.
func (r *Request) refusesEverywhere() bool {
	server, err := memory.NewServer(r.Model, r.Launch)
	return err == nil && server.StartRefusal() != ""
}

// startRemedies are the changes after which an engine starts that refuses to: on as many GPUs,
// or where none fits those, on the fewest that are enough for one of them.
func (r Request) startRemedies(offer *Offer) []FitRemedy {
	for {
		found := slices.Concat(r.leaveOutFlag(offer), r.otherNumbers(offer, r.optionOn(offer)), r.quantisedCopies(offer),
			r.quantiseWhileLoading(offer))
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

// remedyOf is the remedy by which the request became r, with the option that it then has; its
// requests have at most length tokens, if that is not 0.
func (r *Request) remedyOf(kind RemedyKind, option *Option, length int64) FitRemedy {
	remedy := FitRemedy{Kind: kind, Option: option, Launch: r.Launch, MaxModelLen: length}
	remedy.Launch.TensorParallel = option.TensorParallel
	if length > 0 {
		remedy.Launch.MaxModelLen = length
	}
	return remedy
}

// isSure reports whether an option fits, whatever the margin.
func (o *Option) isSure() bool { return o.Fits && !o.Close && !o.StateFloat16 }

// mostCheapest is how many ways are named where nothing fits.
const mostCheapest = 8

// CheapestRemedies says, where the server fits no offer, how it would fit some: with more
// GPUs, quantised while loading, with copies of the model that the catalogue knows, one of each
// width, and for shorter requests, each on the cheapest offer.
func (a *Answer) CheapestRemedies(offers []Offer) []FitRemedy {
	best := map[string]FitRemedy{}
	consider := func(r *Request, asked *Option, remedy FitRemedy) {
		key := string(remedy.Kind)
		if remedy.Copy != nil {
			key = fmt.Sprintf("%s of %d bits", remedy.Kind, quantisedBits(remedy.Copy))
		}
		if other, have := best[key]; !have || compareRemedies(&remedy, &other) < 0 {
			remedy.Cost = r.costOf(&remedy, asked)
			best[key] = remedy
		}
	}
	for i := range offers {
		r := a.Request
		asked := r.optionOn(&offers[i])
		found := slices.Concat(r.quantiseWhileLoading(&offers[i]), r.quantisedCopies(&offers[i]))
		if a.Refusal != "" {
			found = append(found, r.leaveOutFlag(&offers[i])...)
		} else {
			// Shorter says where the model itself does for shorter requests.
			found = slices.DeleteFunc(found, func(remedy FitRemedy) bool { return remedy.MaxModelLen > 0 })
			found = append(found, r.otherNumbers(&offers[i], asked)...)
			found = append(found, r.fewerRequests(&offers[i], asked)...)
			if r.Launch.TensorParallel > 0 {
				found = slices.Concat(found, r.moreGPUs(&offers[i]), r.moreStages(&offers[i]))
			}
		}
		for _, remedy := range found {
			consider(&r, asked, remedy)
		}
	}
	all := slices.SortedFunc(maps.Values(best), func(a, b FitRemedy) int { return compareRemedies(&a, &b) })
	all = slices.Concat(all, a.shorterRemedies(offers))
	return all[:min(len(all), mostCheapest)]
}

// compareRemedies puts those first that leave requests as long as they are, then the cheapest, then those that
// cost less quality. Remedies that differ are never alike.
func compareRemedies(a, b *FitRemedy) int {
	return cmp.Or(compareTrue(a.MaxModelLen == 0, b.MaxModelLen == 0), compareOptions(a.Option, b.Option), cmp.Compare(a.Kind, b.Kind),
		compareCopies(a.Copy, b.Copy))
}

// compareCopies puts no copy first, then copies of more bits, then goes by name.
func compareCopies(a, b *model.Model) int {
	if a == nil || b == nil {
		return compareTrue(a == nil, b == nil)
	}
	return cmp.Or(cmp.Compare(quantisedBits(b), quantisedBits(a)), cmp.Compare(a.Name, b.Name))
}
