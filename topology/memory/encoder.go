package memory

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// encoderRun is what vLLM sends through a model's towers before it measures: as many of the largest item as its
// budget holds, which is that of a step or, if that is less, the item itself. Sources: MultiModalBudget in
// vllm/multimodal, compute_mm_encoder_budget in vllm/v1/core/encoder_cache_manager.py, profile_run in
// vllm/v1/worker/gpu_model_runner.py.
type encoderRun struct {
	item model.MediaItem
	// tokens is what one item counts as, budget what is looked at together, items how many of them.
	tokens, budget, items int64
}

// String says what is tried.
func (r encoderRun) String() string {
	plural := "s"
	if r.items == 1 {
		plural = ""
	}
	return fmt.Sprintf("%d %s%s of %d tokens", r.items, r.item.Kind, plural, r.tokens)
}

// encoderRunOf is that of a server; false if its towers are not tried.
func (s *Server) encoderRunOf(e *Estimate) (run encoderRun, tried bool) {
	if e.Weights[model.TowerPart] == 0 || s.Launch.Media.Unprofiled {
		return encoderRun{}, false
	}
	limits := &s.Launch.Media
	for _, item := range s.mediaItems() {
		if limits.ofKind(item.Kind) == NoMedia {
			continue
		}
		item = s.limitedItem(item, e)
		tokens := item.Vectors
		if s.Launch.Version.Before(0, 14) { // vLLM pull request 30475 leaves text out
			tokens += item.Between
		}
		if tokens > run.tokens || tokens == run.tokens && item.Kind > run.item.Kind {
			run.item, run.tokens = item, tokens
		}
	}
	if run.tokens == 0 {
		return encoderRun{}, false
	}
	run.budget = max(e.MaxBatchedTokens, run.tokens)
	perRequest := max(1, e.MaxModelLen/run.tokens)
	if limit := limits.ofKind(run.item.Kind); limit > 0 {
		perRequest = min(perRequest, int64(limit))
	}
	run.items = max(1, min(run.budget/run.tokens, cappedProduct(e.MaxSequences, perRequest)))
	return run, true
}

// mediaItems are what the model takes; where that is not known, a picture of the size that its tower is made for.
func (s *Server) mediaItems() []model.MediaItem {
	if len(s.Model.Media) > 0 {
		return s.Model.Media
	}
	patches := s.Model.Tower.Patches
	return []model.MediaItem{{Kind: model.PictureMedia, Vectors: ceilDiv(patches, 4), Patches: patches}}
}

// limitedItem is an item as large as the launch lets it be.
func (s *Server) limitedItem(item model.MediaItem, e *Estimate) model.MediaItem {
	limits, tower := &s.Launch.Media, &s.Model.Tower
	if pixels := limits.MaxPixels; pixels > 0 && item.Kind != model.SoundMedia && tower.Patch > 0 {
		if most := max(1, pixels/(tower.Patch*tower.Patch)); most < item.Patches {
			item.Vectors = max(1, item.Vectors*most/item.Patches)
			item.Between = item.Between * most / item.Patches
			item.Patches = most
		}
	}
	if tiles := limits.MaxTiles + 1; limits.MaxTiles > 0 && item.Kind == model.PictureMedia && tower.Patches > 0 {
		if most := cappedProduct(tiles, tower.Patches+1); most < item.Patches {
			item.Vectors = max(1, item.Vectors*most/item.Patches)
			item.Patches = most
		}
	}
	if item.MostSteps > 0 {
		room := e.MaxModelLen
		if item.BesidePicture || s.Launch.Version.Before(0, 11) {
			room -= s.pictureVectors()
		}
		most := item.MostSteps
		if s.Launch.Version.Before(0, 11) {
			most *= 300 / 7 // up to 600 frames rather than 14
		}
		steps := max(1, min(most, room/max(1, item.Vectors)))
		item.Vectors, item.Between, item.Patches = steps*item.Vectors, steps*item.Between, steps*item.Patches
	}
	return item
}

// pictureVectors is how many vectors the largest picture has, 0 if requests may hold none.
func (s *Server) pictureVectors() int64 {
	for _, item := range s.Model.Media {
		if item.Kind == model.PictureMedia && s.Launch.Media.Pictures != NoMedia {
			return item.Vectors
		}
	}
	return 0
}

// heldVectors is how many vectors lie in the encoder's cache while a step is tried. v0.11 made each item as long as
// the budget, v0.12 and v0.13 as long as what it counts as. Sources: vLLM pull requests 25810 and 29386.
func (s *Server) heldVectors(run encoderRun) int64 {
	each, v := run.item.Vectors, s.Launch.Version
	switch {
	case v.Before(0, 11) || !v.Before(0, 14):
	case v.Before(0, 12):
		each = max(each, run.budget)
	default:
		each = max(each, run.tokens)
	}
	return cappedProduct(each, run.items)
}

// encoderPeaks is what the towers take while they run, and what lies there of their output while a step of the language
// model is tried: in a layer of the tower, its input and its norm stand beside what the feed-forward layer puts out before
// and after its activation.
func (s *Server) encoderPeaks(e *Estimate) (running, held topology.Bytes) {
	run, tried := s.encoderRunOf(e)
	if !tried {
		return 0, 0
	}
	e.Tried = run.String()
	m := s.Model
	width := m.MediaWidth
	if width == 0 {
		width = m.Hidden
	}
	held = topology.Bytes(cappedProduct(s.heldVectors(run), 2*width))
	wide := 2 * ceilDiv(m.Tower.FeedForward, s.parallel.Tensor)
	if m.Tower.Gated {
		wide += ceilDiv(m.Tower.FeedForward, s.parallel.Tensor)
	}
	states := int64(2)
	if m.Tower.Windowed {
		states = windowedStates
	}
	patch := 2 * (m.Tower.Inputs + states*m.Tower.Hidden + wide)
	running = topology.Bytes(cappedProduct(cappedProduct(run.item.Patches, run.items), patch))
	made := topology.Bytes(cappedProduct(cappedProduct(run.item.Vectors, run.items), 2*width))
	if made < held { // both stand there while the one is copied into the other
		running = max(running, made+held)
	}
	return running, held
}

// windowedStates is how many vectors of the tower's width a patch has at the peak where patches are put into another order
// for windows: 15.5 GiB for 458,752 patches of Qwen2.5-VL in a start-up log of v0.23.
const windowedStates = 5

// deepstackBytes is where the outputs of several levels of the tower wait for the layers that take them up.
func (s *Server) deepstackBytes(e *Estimate) topology.Bytes {
	extra := max(0, s.Model.MediaWidth-s.Model.Hidden)
	if e.Weights[model.TowerPart] == 0 {
		return 0
	}
	return topology.Bytes(cappedProduct(e.MaxBatchedTokens, 2*extra))
}

// towerPeak is what an engine without such a run keeps for a step of a model with a tower: the tower's output, the
// embeddings it is mixed into, and a layer over the picture that it is made for.
func (s *Server) towerPeak(e *Estimate) topology.Bytes {
	if e.Weights[model.TowerPart] == 0 {
		return 0
	}
	tower := &s.Model.Tower
	layer := cappedProduct(tower.Patches, 3*tower.Hidden+2*ceilDiv(tower.FeedForward, s.parallel.Tensor))
	return topology.Bytes(2*layer + cappedProduct(cappedProduct(e.MaxBatchedTokens, s.Model.Hidden), 4))
}
