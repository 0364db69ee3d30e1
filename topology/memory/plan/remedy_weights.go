package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

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
			remedy := r.remedyOf(QuantisationRemedy, option, length)
			remedy.Scheme = scheme
			best = []FitRemedy{remedy}
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
			remedy := r.remedyOf(CopyRemedy, option, length)
			remedy.Copy, remedy.confirms = c, confirmsScheme(stated, c)
			remedies = append(remedies, remedy)
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

// leaveOutFlag is the server without the flag for which the engine refuses to start.
func (r Request) leaveOutFlag(offer *Offer) []FitRemedy {
	field, stated := launch.FieldQuantisation, r.Launch.Quantisation
	if stated != "" {
		r.Launch.Quantisation = ""
	} else {
		field, stated = launch.FieldDtype, r.Launch.Dtype
		r.Launch.Dtype = ""
	}
	return r.withoutFlag(offer, field, stated)
}

// withoutFlag is the remedy of a request whose flag for a field has been left out.
func (r Request) withoutFlag(offer *Offer, field launch.Field, stated string) []FitRemedy {
	option, length := r.surelyOn(offer)
	if option == nil || stated == "" {
		return nil
	}
	remedy := r.remedyOf(UnflaggedRemedy, option, length)
	remedy.Unflagged, remedy.Stated = field, stated
	return []FitRemedy{remedy}
}

// otherNumbers are the numbers in which a model runs on a GPU that has no bfloat16: float16,
// which engines take by themselves if --dtype does not say bfloat16, or 32 bits for a model whose
// numbers float16 does not hold.
func (r Request) otherNumbers(offer *Offer, asked *Option) []FitRemedy {
	if asked.Err != nil || asked.Estimate.Outcome() != memory.OutcomeUnsupported || !lacksBfloat16(offer) {
		return nil
	}
	if stated := r.Launch.Dtype; stated == "bfloat16" || stated == "float16" {
		r.Launch.Dtype = ""
		if found := r.withoutFlag(offer, launch.FieldDtype, stated); found != nil {
			return found
		}
	}
	if r.Launch.Engine != memory.VLLM || r.Model.Quantisation != "" {
		return nil
	}
	r.Launch.Dtype = "float32"
	option, length := r.surelyOn(offer)
	if option == nil {
		return nil
	}
	return []FitRemedy{r.remedyOf(WideRemedy, option, length)}
}

// offloadWeights keeps as few GiB of the layers in host memory as are enough, if that is at most
// half of the weights.
func (r Request) offloadWeights(offer *Offer, asked *Option) []FitRemedy {
	l := &r.Launch
	_, known := launch.ArgumentName(l.Engine, launch.FieldCPUOffload)
	if !known || asked.Err != nil || l.CPUOffload > 0 || l.Draft != "" || l.Quantisation == "bitsandbytes" || keepsStates(r.Model) {
		return nil
	}
	l.TensorParallel = asked.TensorParallel
	// Layers are moved, and nothing beside them.
	movable := asked.Estimate.Weights[model.AttentionPart] + asked.Estimate.Weights[model.MLPPart] + asked.Estimate.Weights[model.ExpertsPart]
	low, high := int64(1), int64(min(movable, asked.Estimate.WeightBytes()/2)/topology.GiB)
	enough := func(gigabytes int64) *Option {
		l.CPUOffload = topology.Bytes(gigabytes) * topology.GiB
		if option := r.optionOn(offer); option.isSure() {
			return option
		}
		return nil
	}
	if high < low || enough(high) == nil {
		return nil
	}
	for low < high {
		if middle := low + (high-low)/2; enough(middle) != nil {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return []FitRemedy{r.remedyOf(OffloadRemedy, enough(high), 0)}
}

// keepsStates reports whether layers of a model keep a state rather than keys and values, for which
// vLLM arranges its batches anew after loading, and not while weights are in host memory. Source:
// vLLM issue 26206.
func keepsStates(m *model.Model) bool {
	for i := range m.Layers {
		for _, c := range m.Layers[i].Caches {
			if c.Attention == model.RecurrentState {
				return true
			}
		}
	}
	return false
}
