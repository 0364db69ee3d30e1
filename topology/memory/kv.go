package memory

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// layerCaches is what a run of layers keeps alike.
type layerCaches struct {
	attention model.Attention
	// token is the bytes per token and layer on one GPU, of which index are those of a
	// sparse indexer rather than keys and values; request is those per request.
	token, index, request topology.Bytes
	window                int64
	layers                int64
}

// addCache notes that n layers of the stage keep c.
func (st *pipelineStage) addCache(s *Server, c model.Cache, n int64) {
	if c.Attention == model.NoCache || n == 0 {
		return
	}
	one := layerCaches{attention: s.chargedAttention(c), window: c.Window, index: topology.Bytes(c.IndexBytes), request: s.perRequest(c)}
	one.token = s.perToken(c) + one.index
	if one.attention == model.FullAttention {
		one.window = 0
	}
	for i := range st.caches {
		existing := st.caches[i]
		existing.layers = 0
		if existing == one {
			st.caches[i].layers += n
			return
		}
	}
	one.layers = n
	st.caches = append(st.caches, one)
}

// perToken is what one layer keeps for one token on one GPU. Keys and values are
// divided by heads until each GPU has one; a latent vector is kept by every GPU.
func (s *Server) perToken(c model.Cache) topology.Bytes {
	switch c.Attention {
	case model.RecurrentState:
		return 0
	case model.LatentAttention:
		switch s.Launch.KVFormat {
		case KVFP8MLA:
			return topology.Bytes(c.LatentDim + c.LatentDim*80/576)
		case KVFP8:
			return topology.Bytes(c.LatentDim)
		}
		return topology.Bytes(c.LatentDim * s.kvBits() / 8)
	}
	heads, width := model.LocalHeads(c.KVHeads, s.parallel.Tensor), c.KeyDim+c.ValueDim
	switch s.Launch.KVFormat {
	case KVNVFP4:
		return topology.Bytes(heads * (ceilDiv(width, 2) + ceilDiv(width, 16)))
	case KVINT4:
		return topology.Bytes(heads * (ceilDiv(width, 2) + 8))
	case KVFP8Head:
		return topology.Bytes(heads * (width + 8))
	case KVFP8, KVFP8MLA:
		return topology.Bytes(heads * width)
	}
	return topology.Bytes(heads * width * s.kvBits() / 8)
}

func (s *Server) kvBits() int64 {
	if s.Launch.Dtype == "float32" {
		return 32
	}
	return 16
}

// draftedTokens is how many tokens are drafted at once for each request.
func (s *Server) draftedTokens() int64 {
	if s.Launch.DraftTokens == 0 && s.Launch.Draft == OwnDraft {
		return max(1, s.Model.DraftLayers)
	}
	return s.Launch.DraftTokens
}

// perRequest is what a layer with a fixed state keeps for one request on one GPU.
func (s *Server) perRequest(c model.Cache) topology.Bytes {
	if c.Attention != model.RecurrentState {
		return 0
	}
	return c.StateBytes(s.parallel.Tensor, s.draftedTokens())
}

// kvPool is the KV cache of one GPU: blocks of one size, of which a request takes so
// many for each group of layers. Source: vllm/v1/core/kv_cache_utils.py.
type kvPool struct {
	block  topology.Bytes
	groups [maxGroups]cacheGroup
	kinds  int
	// spread is over how many GPUs a request's tokens are dealt out.
	spread int64
	// states is how many blocks a state takes.
	states int64
	step   int64 // tokens computed in one step
}

// maxGroups is the most kinds of cache that one model mixes; published ones have
// at most four.
const maxGroups = 8

// cacheGroup is the layers that keep alike, in runs of as many layers as a block serves.
type cacheGroup struct {
	attention model.Attention
	window    int64
	tokens    int64 // per block
	runs      int64
}

// attentionAlign is the multiple of tokens to which a block is widened when it has to
// be as large as a state.
const attentionAlign = 16

// kvPoolOf lays out the KV cache for blocks of blockSize tokens and steps of step tokens.
func (s *Server) kvPoolOf(st *pipelineStage, blockSize, step int64) kvPool {
	p := kvPool{spread: s.Launch.ContextParallel, step: step, states: 1}
	if s.Launch.Engine == VLLM && !s.Launch.Version.Before(0, 15) && !s.Launch.Library && !s.Launch.NoPrefixCaching {
		// To find states again by prefix, vLLM keeps the one before beside the current
		// one: from start-up logs, not in 0.10.2 and 0.13, in 0.17.1 and later, and not
		// where it is driven as a library, which caches no prefixes of such models.
		p.states = 2
	}
	if s.Launch.Engine == VLLM {
		// A state for each token that is drafted, which may be refused: num_speculative_blocks of MambaSpec in
		// vllm/v1/kv_cache_interface.py.
		p.states += s.draftedTokens()
	}
	var page, fewest, most, tokens topology.Bytes
	for i := range st.caches {
		c := &st.caches[i]
		tokens = max(tokens, c.token)
		if n := topology.Bytes(c.layers); fewest == 0 || n < fewest {
			fewest = n
		}
		most = max(most, topology.Bytes(c.layers))
		page = max(page, topology.Bytes(cappedProduct(int64(c.token), blockSize)))
	}
	if len(st.caches) == 0 {
		return p
	}
	// A state lies in one block, so blocks are widened until it fits.
	for i := range st.caches {
		if c := &st.caches[i]; c.request > page {
			page = c.request
			if tokens > 0 {
				blockSize = attentionAlign * ceilDiv(int64(c.request), cappedProduct(int64(tokens), attentionAlign))
				page = topology.Bytes(cappedProduct(int64(tokens), blockSize))
			}
		}
	}
	if st.fullOnly() {
		// Layers that all keep every token need not be of one size.
		p.kinds = 1
		p.groups[0] = cacheGroup{attention: model.FullAttention, tokens: blockSize, runs: 1}
		for _, c := range st.caches {
			p.block += topology.Bytes(cappedProduct(cappedProduct(int64(c.token), blockSize), c.layers))
		}
		return p
	}
	run := fewest
	if 2*most < 3*fewest {
		run = most
	}
	p.block = page * run
	for _, c := range st.caches {
		if p.kinds == maxGroups {
			break
		}
		g := cacheGroup{attention: c.attention, window: c.window, tokens: blockSize, runs: ceilDiv(c.layers, int64(run))}
		if c.token > 0 {
			g.tokens = max(1, int64(page)/int64(c.token))
		}
		p.groups[p.kinds] = g
		p.kinds++
	}
	return p
}

func (st *pipelineStage) fullOnly() bool {
	for i := range st.caches {
		if st.caches[i].attention != model.FullAttention {
			return false
		}
	}
	return true
}

// blocksFor is how many blocks a request of the given length takes.
func (p *kvPool) blocksFor(length int64) int64 {
	var sum int64
	length = ceilDiv(length, p.spread)
	for i := range p.kinds {
		g := &p.groups[i]
		var n int64
		switch g.attention {
		case model.FullAttention:
			n = ceilDiv(length, g.tokens)
		case model.SlidingAttention:
			n = ceilDiv(min(g.window-1+p.step, length), g.tokens) + 1
		case model.ChunkedAttention:
			n = ceilDiv(min(g.window+p.step, length), g.tokens)
		case model.CrossAttention:
			n = ceilDiv(g.window, g.tokens)
		case model.RecurrentState:
			n = p.states
		}
		sum += cappedProduct(n, g.runs)
	}
	return sum
}

// bytesFor is the memory that one request of the given length takes.
func (p *kvPool) bytesFor(length int64) topology.Bytes {
	return topology.Bytes(cappedProduct(p.blocksFor(length), int64(p.block)))
}

// longestWith is the longest request of which n fit into so many blocks, 0 if none.
func (p *kvPool) longestWith(blocks, n, limit int64) int64 {
	if p.kinds == 0 {
		return limit
	}
	low, high := int64(0), limit
	for low < high {
		middle := low + (high-low+1)/2
		if cappedProduct(p.blocksFor(middle), n) <= blocks {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// chargedAttention is as which kind of attention the engine reserves memory for a layer.
func (s *Server) chargedAttention(c model.Cache) model.Attention {
	switch {
	case c.Attention == model.LatentAttention: // one vector for each token, as keys and values
		return model.FullAttention
	case c.Attention == model.ChunkedAttention && s.Launch.Engine == VLLM:
		// vLLM turns its hybrid cache off for chunked attention unless told otherwise.
		return model.FullAttention
	case c.Attention == model.ChunkedAttention, c.Attention == model.SlidingAttention:
		if s.Launch.NoHybridKV || s.Model.MaxPositions > 0 && c.Window >= s.Model.MaxPositions {
			return model.FullAttention
		}
	}
	return c.Attention
}
