package memory

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Demand is what a server is wanted for, beyond starting.
type Demand struct {
	// Context is how long requests are in tokens, prompt and output together; 0 for
	// as long as the server allows.
	Context int64
	// Requests is how many of them run at once; 0 for one.
	Requests int64
}

// Estimate accounts for the memory of one GPU, the fullest of those that a server
// takes, the way its engine does.
type Estimate struct {
	GPU   GPU
	Stage int64 // pipeline stage of that GPU

	// The launch with the engine's defaults filled in.
	MaxModelLen, MaxSequences, MaxBatchedTokens, BlockSize int64
	Utilisation                                            float64

	// Budget is what the engine lets itself use of the GPU's total.
	Budget topology.Bytes
	// Weights by part, and Loading: what the engine keeps beside the files' tensors
	// once they are loaded (rotary tables, padding, repacked copies).
	Weights [model.PartCount]topology.Bytes
	Loading topology.Bytes
	// Activations is the peak of a step, Graphs what captured CUDA graphs take, Other
	// what libraries allocate past the engine's allocator (NCCL, cuBLAS, FlashInfer).
	Activations, Graphs, Other topology.Bytes
	// Tried is what the engine sends through a model's towers before it measures, in words: "1 video of 12288 tokens"; "" for
	// nothing.
	Tried string
	// GraphsInBudget says whether the engine leaves Graphs out of the KV cache or lets
	// them lie outside its budget.
	GraphsInBudget bool
	// KV is what is left for the KV cache; negative when nothing is.
	KV topology.Bytes
	// Margin is by how much KV may be off, to either side.
	Margin topology.Bytes
	// Compared is what stands behind the margin.
	Compared StartComparison

	// Block is the size of one block of the KV cache, Blocks how many of them there are.
	Block  topology.Bytes
	Blocks int64
	// KVPerToken is what one more token of a long request takes.
	KVPerToken topology.Bytes
	// One is the KV cache that one request of MaxModelLen takes, which engines insist
	// on; Wanted is what the demand takes.
	One, Wanted topology.Bytes
	// LongestContext is the longest request that fits, and ContextForAll the longest
	// of which as many fit as were asked for.
	LongestContext, ContextForAll int64
	// Concurrency is how many requests of the demand's context fit at once.
	Concurrency int64
	// KVTokens is the number that the engine prints as the size of its KV cache.
	KVTokens int64

	demand Demand
	fit    bool
	plain  bool
	// unsupported says why the engine cannot run the model on the GPU at all, and everywhere
	// that it cannot on any.
	unsupported string
	everywhere  bool
	layout      kvPool
}

// Total is what the server holds on the GPU once it runs, KV cache included.
func (e *Estimate) Total() topology.Bytes {
	total := e.WeightBytes() + e.Activations + e.Other + ContextSize + max(0, e.KV)
	if e.GraphsInBudget {
		return total + e.Graphs
	}
	return total
}

// WeightBytes is what the engine reports after loading.
func (e *Estimate) WeightBytes() topology.Bytes {
	sum := e.Loading
	for _, part := range e.Weights {
		sum += part
	}
	return sum
}

// Outcome says whether a server starts.
type Outcome int8

// The outcomes of a start. Close means that the answer lies within the margin.
const (
	OutcomeStarts      Outcome = iota
	OutcomeNoMemory            // the budget is more than the GPU has free
	OutcomeNoBlocks            // nothing is left for the KV cache
	OutcomeTooLong             // the KV cache cannot hold one request of MaxModelLen
	OutcomeUnsupported         // the engine has no kernels for the model on this GPU
)

// Outcome is whether the engine starts, by the middle of the estimate.
func (e *Estimate) Outcome() Outcome { return e.outcomeWith(0) }

// IsCertain reports whether the outcome stays the same within the margin.
func (e *Estimate) IsCertain() bool {
	return e.outcomeWith(e.Margin) == e.Outcome() && (e.outcomeWith(-e.Margin) == OutcomeStarts) == (e.Outcome() == OutcomeStarts)
}

func (e *Estimate) outcomeWith(shift topology.Bytes) Outcome {
	kv := e.KV + shift
	switch {
	case e.unsupported != "":
		return OutcomeUnsupported
	case e.Budget-max(0, shift) > e.GPU.Total-min(ContextSize, e.GPU.Total/64):
		return OutcomeNoMemory
	case e.layout.kinds == 0:
		if kv < 0 {
			return OutcomeNoBlocks
		}
		return OutcomeStarts
	case kv <= 0 || e.Block > 0 && kv < e.Block:
		return OutcomeNoBlocks
	case e.One > kv && !e.fit:
		return OutcomeTooLong
	}
	return OutcomeStarts
}

// UnsupportedReason says why the engine cannot run the model on the GPU at all; "" if it can.
func (e *Estimate) UnsupportedReason() string { return e.unsupported }

// Holds reports whether the server starts and holds the demand.
func (e *Estimate) Holds() bool {
	return e.Outcome() == OutcomeStarts && e.Wanted <= e.KV && (e.layout.kinds == 0 || e.demand.Requests <= e.MaxSequences)
}

// Explain says in a sentence, with the arithmetic, why the outcome is what it is.
func (e *Estimate) Explain() string {
	parts := fmt.Sprintf("%s of %s for the engine - %s weights - %s activations", e.Budget, e.GPU.Total, e.WeightBytes(), e.Activations)
	if e.GraphsInBudget && e.Graphs > 0 {
		parts += fmt.Sprintf(" - %s CUDA graphs", e.Graphs)
	}
	parts += fmt.Sprintf(" - %s other = %s", e.Other, e.KV)
	switch e.Outcome() {
	case OutcomeUnsupported:
		if e.everywhere {
			return e.unsupported
		}
		return fmt.Sprintf("%s: %s", e.GPU.Name, e.unsupported)
	case OutcomeNoMemory:
		return fmt.Sprintf("%s: the engine claims %s of %s, and the driver's context leaves less free", e.GPU.Name, e.Budget, e.GPU.Total)
	case OutcomeNoBlocks:
		if e.plain {
			return fmt.Sprintf("%s: it takes more than there is: %s", e.GPU.Name, parts)
		}
		return fmt.Sprintf("%s: nothing is left for the KV cache: %s", e.GPU.Name, parts)
	case OutcomeTooLong:
		return fmt.Sprintf("%s: a request of %d tokens takes %s of KV cache, more than what is left: %s; the longest that fits is %d tokens",
			e.GPU.Name, e.MaxModelLen, e.One, parts, e.LongestContext)
	}
	if e.layout.kinds > 0 && e.demand.Requests > e.MaxSequences {
		return fmt.Sprintf("%s: starts, but runs no more than %d requests at once, and %d are wanted", e.GPU.Name, e.MaxSequences,
			e.demand.Requests)
	}
	if e.Wanted > e.KV {
		return fmt.Sprintf("%s: starts, but %d requests of %d tokens take %s of KV cache, more than what is left: %s; %d fit at once",
			e.GPU.Name, e.demand.Requests, e.demand.Context, e.Wanted, parts, e.Concurrency)
	}
	if e.plain && e.layout.kinds == 0 {
		return fmt.Sprintf("%s: %s left", e.GPU.Name, parts)
	}
	return fmt.Sprintf("%s: %s for the KV cache, %s needed", e.GPU.Name, parts, e.Wanted)
}

// shortensLength are the engines that serve shorter requests where the KV cache cannot hold
// one of the model's length, rather than refuse to start. Sources: sgl-project/sglang
// issue 30326; NVIDIA/TensorRT-LLM issues 5880 and 5974; TGI's warm-up.
var shortensLength = map[Engine]bool{SGLang: true, TensorRTLLM: true, TGI: true}

// On estimates the server on the given GPU, of which it takes as many as GPUs says.
func (s *Server) On(g GPU, d Demand) Estimate {
	account := engineAccounts[s.Launch.Engine]
	var worst Estimate
	for i := range s.stages {
		e := Estimate{GPU: g, Stage: int64(i), Weights: s.stages[i].weights, fit: s.Launch.FitModelLen || shortensLength[s.Launch.Engine],
			plain: s.Launch.Engine.LoadsOnly(), unsupported: s.unsupportedReason(g), everywhere: s.StartRefusal() != ""}
		e.Compared = s.startComparison()
		account(s, &s.stages[i], &e)
		if s.Launch.KVMemory > 0 { // replaces the share of the GPU
			e.KV = s.Launch.KVMemory
			e.Budget = e.fixedBytes() + e.KV
		}
		s.fillMemory(&e, d)
		if i == 0 || e.leavesLess(&worst) {
			worst = e
		}
	}
	return worst
}

// leavesLess orders stages by how little they leave: the pool is as large as the
// smallest stage allows.
func (e *Estimate) leavesLess(other *Estimate) bool {
	if (e.Outcome() == OutcomeStarts) != (other.Outcome() == OutcomeStarts) {
		return e.Outcome() != OutcomeStarts
	}
	if e.layout.kinds == 0 || other.layout.kinds == 0 {
		return e.KV < other.KV
	}
	return e.Blocks < other.Blocks
}

// fillMemory works out what the KV cache holds.
func (s *Server) fillMemory(e *Estimate, d Demand) {
	st := &s.stages[e.Stage]
	if s.Launch.Engine == CTranslate2 || s.Launch.Engine == Triton { // what they cache is among their activations
		st = &pipelineStage{}
	}
	e.layout = s.kvPoolOf(st, e.BlockSize, e.MaxBatchedTokens)
	e.Block, e.KVPerToken = e.layout.block, st.bytesPerToken()
	e.One = e.layout.bytesFor(e.MaxModelLen)
	d.Requests = max(1, d.Requests)
	e.LongestContext, e.ContextForAll = e.MaxModelLen, e.MaxModelLen
	if e.layout.block > 0 {
		s.fillBlocks(e, d.Requests)
	}
	if d.Context == 0 && e.fit && e.LongestContext > 0 {
		d.Context = e.LongestContext // as long as can be served
	}
	if d.Context == 0 || d.Context > e.MaxModelLen {
		d.Context = e.MaxModelLen
	}
	e.demand = d
	e.Wanted = topology.Bytes(cappedProduct(int64(e.layout.bytesFor(d.Context)), d.Requests))
	if !e.fit {
		e.Wanted = max(e.Wanted, e.One)
	}
	e.Concurrency = e.MaxSequences
	if per := e.layout.blocksFor(d.Context); per > 0 {
		e.Concurrency = min(e.Blocks/per, e.MaxSequences)
	}
}

// fillBlocks works out how many blocks there are and how long requests they hold.
func (s *Server) fillBlocks(e *Estimate, requests int64) {
	l, p := &s.Launch, &e.layout
	e.Blocks = max(0, int64(e.KV/p.block))
	if l.KVBlocks > 0 {
		e.Blocks = l.KVBlocks
	}
	if l.KVTokens > 0 {
		e.Blocks = min(e.Blocks, p.blocksFor(l.KVTokens))
	}
	most := max(s.Model.MaxPositions, e.MaxModelLen)
	e.LongestContext = p.longestWith(e.Blocks, 1, most)
	e.ContextForAll = p.longestWith(e.Blocks, requests, most)
	e.KVTokens = cappedProduct(s.kvTokens(e), l.ContextParallel)
}

// MayStart reports whether the server starts if the estimate is off by its margin to
// the server's favour. What may not start is hopeless.
func (e *Estimate) MayStart() bool { return e.outcomeWith(e.Margin) == OutcomeStarts }

// Claims is the memory that the server takes of the GPU, whatever it needs: an
// engine fills what it is given. A plain server takes what it loads.
func (e *Estimate) Claims() topology.Bytes {
	if e.plain {
		return e.fixedBytes() + ContextSize
	}
	return e.Budget + ContextSize + e.outsideBytes()
}

// outsideBytes is what the engine takes beyond its budget: graphs that it does not count.
func (e *Estimate) outsideBytes() topology.Bytes {
	if e.GraphsInBudget {
		return 0
	}
	return e.Graphs
}

// kvTokens is the number that the engine prints as the size of its KV cache. Where
// layers keep different things, vLLM prints blocks by the number of groups up to
// v0.20, and after that how many requests of MaxModelLen fit, times their length.
func (s *Server) kvTokens(e *Estimate) int64 {
	p := &e.layout
	if p.kinds == 1 && p.groups[0].attention == model.FullAttention {
		return cappedProduct(e.Blocks, p.groups[0].tokens)
	}
	if s.Launch.Version.Before(0, 21) {
		groups, tokens := int64(0), int64(0)
		for i := range p.kinds {
			groups += p.groups[i].runs
			if g := &p.groups[i]; g.attention != model.RecurrentState && (tokens == 0 || g.tokens < tokens) {
				tokens = g.tokens
			}
		}
		return cappedProduct(e.Blocks/max(1, groups), tokens)
	}
	per := p.blocksFor(e.MaxModelLen)
	if per == 0 {
		return 0
	}
	return int64(float64(e.Blocks) / float64(per) * float64(e.MaxModelLen))
}
