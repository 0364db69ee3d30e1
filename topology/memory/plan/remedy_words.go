package plan

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// SettingChange is a setting that a remedy states, or leaves out where it has no value.
type SettingChange struct {
	Field launch.Field
	// Value is as the engine's command line has it, "" for a switch and a flag that is left out.
	Value string
	// Dropped says that the flag is left out.
	Dropped bool
}

// ListChanges are the settings in which a remedy's launch differs from that of a request, in the
// order in which people state them.
func (r *FitRemedy) ListChanges(from *memory.Launch) []SettingChange {
	var changes []SettingChange
	count := func(field launch.Field, was, is int64) {
		if is > 0 && max(1, is) != max(1, was) {
			changes = append(changes, SettingChange{Field: field, Value: fmt.Sprint(is)})
		}
	}
	to := &r.Launch
	if r.Kind == UnflaggedRemedy {
		changes = append(changes, SettingChange{Field: r.Unflagged, Value: r.Stated, Dropped: true})
	}
	count(launch.FieldTensorParallel, from.TensorParallel, to.TensorParallel)
	count(launch.FieldPipelineParallel, from.PipelineParallel, to.PipelineParallel)
	count(launch.FieldDataParallel, from.DataParallel, to.DataParallel)
	if r.Scheme != "" {
		changes = append(changes, SettingChange{Field: launch.FieldQuantisation, Value: r.Scheme})
	}
	if to.Dtype != "" && to.Dtype != from.Dtype {
		changes = append(changes, SettingChange{Field: launch.FieldDtype, Value: to.Dtype})
	}
	if to.CPUOffload > 0 && to.CPUOffload != from.CPUOffload {
		changes = append(changes, SettingChange{Field: launch.FieldCPUOffload, Value: fmt.Sprint(int64(to.CPUOffload / topology.GiB))})
	}
	if to.MaxModelLen > 0 && to.MaxModelLen != from.MaxModelLen {
		changes = append(changes, SettingChange{Field: launch.FieldMaxModelLen, Value: fmt.Sprint(to.MaxModelLen)})
	}
	count(launch.FieldMaxSequences, from.MaxSequences, to.MaxSequences)
	if to.KVFormat != from.KVFormat {
		changes = append(changes, SettingChange{Field: launch.FieldKVFormat, Value: cacheEngines[to.Engine]})
	}
	if to.Eager && !from.Eager {
		changes = append(changes, SettingChange{Field: launch.FieldEager})
	}
	if to.Utilisation != from.Utilisation {
		changes = append(changes, SettingChange{Field: launch.FieldUtilisation, Value: fmt.Sprintf("%.2f", to.Utilisation)})
	}
	return changes
}

// hostLink is what a GPU reads of host memory in a second over PCIe 4 with 16 lanes.
const hostLink = 25 * topology.GiB

// costOf says in a phrase what a remedy costs, compared with what was asked for.
func (r *Request) costOf(remedy *FitRemedy, asked *Option) string {
	var words []string
	if more := remedy.Option.GPUs - max(1, asked.GPUs); more > 0 {
		words = append(words, DescribeMore(more))
	}
	switch remedy.Kind {
	case TensorParallelRemedy:
		words = append(words, "fast where NVLink joins them")
	case PipelineParallelRemedy:
		words = append(words, "a request passes them one after the other, no faster than one")
	case DataParallelRemedy:
		words = append(words, "each copy of the server answers a part of the requests")
	case QuantisationRemedy:
		words = append(words, qualityOf(loadedBits(remedy.Scheme)))
		if remedy.Option.Offer.GPU.Compute.Less(least8Bits) || loadedBits(remedy.Scheme) < 8 {
			words = append(words, "and steps are no faster")
		}
	case CopyRemedy:
		words = append(words, qualityOf(quantisedBits(remedy.Copy)))
	case FewerRemedy:
		words = append(words, fmt.Sprintf("the other %d of %d wait", r.Demand.Requests-remedy.Requests, r.Demand.Requests))
	case SequencesRemedy:
		words = append(words, "more requests than that wait")
	case CacheRemedy:
		words = append(words, "a little quality, of long requests (8-bit keys and values)")
	case EagerRemedy:
		words = append(words, "slower steps, as no CUDA graphs are captured")
	case UtilisationRemedy:
		if remedy.Launch.Utilisation < asked.Estimate.Utilisation {
			words = append(words, "a smaller KV cache")
		} else {
			words = append(words, "others have less of the GPU")
		}
	case OffloadRemedy:
		words = append(words, describeOffload(&remedy.Launch))
	case WideRemedy:
		words = append(words, "twice the memory, and slow: 32-bit numbers")
	}
	if remedy.MaxModelLen > 0 {
		words = append(words, "longer requests are refused")
	}
	if len(words) == 0 && remedy.Unflagged == launch.FieldDtype && lacksBfloat16(&remedy.Option.Offer) {
		return "nothing, it runs in float16"
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// DescribeMore is what so many GPUs or slices cost that a server takes beside those that it has.
func DescribeMore(n int64) string {
	if n == 1 {
		return "1 GPU more"
	}
	return fmt.Sprintf("%d GPUs more", n)
}

// describeOffload is what weights in host memory cost. From v0.20 on, vLLM runs many models by a
// runner that ignores the flag (vLLM issue 51396, pull request 48468).
func describeOffload(l *memory.Launch) string {
	kept := l.CPUOffload * topology.Bytes(l.GPUCount())
	text := fmt.Sprintf("%s of host memory, of which a step reads %s a GPU over PCIe: %.1fs or more", kept, l.CPUOffload,
		float64(l.CPUOffload)/float64(hostLink))
	if l.Engine == memory.VLLM && !l.Version.Before(0, 20) {
		text += "; set VLLM_USE_V2_MODEL_RUNNER=0, or it may be ignored"
	}
	return text
}

// loadedBits is how wide the words of loadingSchemes leave weights.
func loadedBits(scheme string) int64 {
	if scheme == "fp8" {
		return 8
	}
	return 4
}

// quantisedBits is how wide most of a model's quantised numbers are.
func quantisedBits(m *model.Model) int64 {
	count := map[int64]int64{}
	for _, kind := range m.Order {
		for i := range m.Layers[kind].Tensors {
			if t := &m.Layers[kind].Tensors[i]; t.Format.Quantised() {
				count[t.Format.Bits] += t.Rows * t.Columns
			}
		}
	}
	bits, most := int64(16), int64(0)
	for b, n := range count {
		if n > most || n == most && b < bits {
			bits, most = b, n
		}
	}
	return bits
}

// qualityOf is what so many bits cost.
func qualityOf(bits int64) string {
	if bits >= 8 {
		return fmt.Sprintf("a little quality (%d-bit weights)", bits)
	}
	return fmt.Sprintf("some quality (%d-bit weights)", bits)
}
