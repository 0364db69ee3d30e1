package memory

import (
	"fmt"
	"math"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Bounds of what a launch may state. They are far above what any engine accepts and
// keep every product within an int64.
const (
	maxDegree   = 1 << 12
	maxTokens   = 1 << 32
	maxRequests = 1 << 20
	maxBlock    = 1 << 20
	maxMemory   = 1 << 50
)

// LaunchError is a setting of a launch with which no engine would run the model.
type LaunchError struct {
	// Field is the setting by its name in Launch: "TensorParallel".
	Field string
	// Value is what the launch states, Problem what it may be instead, or why not that.
	Value, Problem string
}

func (e *LaunchError) Error() string { return fmt.Sprintf("%s is %s: %s", e.Field, e.Value, e.Problem) }

// launchErrorf is a LaunchError whose problem is formatted as fmt.Sprintf does.
func launchErrorf(field string, value any, format string, args ...any) error {
	return &LaunchError{Field: field, Value: fmt.Sprint(value), Problem: fmt.Sprintf(format, args...)}
}

// checkLaunch reports the first field of the launch that no engine would accept.
func (l *Launch) checkLaunch(m *model.Model) error {
	for _, field := range []struct {
		name      string
		value     int64
		low, high int64
	}{
		{"TensorParallel", l.TensorParallel, 0, maxDegree},
		{"PipelineParallel", l.PipelineParallel, 0, maxDegree},
		{"DataParallel", l.DataParallel, 0, maxDegree},
		{"ContextParallel", l.ContextParallel, 0, maxDegree},
		{"MaxModelLen", l.MaxModelLen, 0, maxTokens},
		{"MaxSequences", l.MaxSequences, 0, maxRequests},
		{"MaxBatchedTokens", l.MaxBatchedTokens, 0, maxTokens},
		{"GraphBatch", l.GraphBatch, 0, maxRequests},
		{"KVMemory", int64(l.KVMemory), 0, maxMemory},
		{"KVTokens", l.KVTokens, 0, maxTokens},
		{"KVBlocks", l.KVBlocks, 0, maxTokens},
		{"BlockSize", l.BlockSize, 0, maxBlock},
		{"CPUOffload", int64(l.CPUOffload), 0, maxMemory},
		{"Adapters", l.Adapters, 0, maxRequests},
		{"AdapterRank", l.AdapterRank, 0, 1 << 16},
		{"DraftTokens", l.DraftTokens, 0, 1 << 10},
	} {
		if field.value < field.low || field.value > field.high {
			return launchErrorf(field.name, field.value, "it must be between %d and %d", field.low, field.high)
		}
	}
	if l.Utilisation < 0 || l.Utilisation > 1 || math.IsNaN(l.Utilisation) {
		return launchErrorf("Utilisation", l.Utilisation, "it must be above 0 and at most 1")
	}
	if err := l.checkDivisible(m); err != nil {
		return err
	}
	layers := int64(len(m.Order))
	if l.PipelineParallel > layers {
		return launchErrorf("PipelineParallel", l.PipelineParallel, "the model has only %d layers", layers)
	}
	if len(l.StageLayers) > 0 {
		var sum int64
		for i, n := range l.StageLayers {
			if n < 0 || n > layers {
				return launchErrorf(fmt.Sprintf("StageLayers[%d]", i), n, "it must be between 0 and %d", layers)
			}
			sum += n
		}
		if int64(len(l.StageLayers)) != max(1, l.PipelineParallel) || sum != layers {
			return fmt.Errorf("StageLayers %v: %d stages that add up to %d layers are needed",
				l.StageLayers, max(1, l.PipelineParallel), layers)
		}
	}
	return nil
}

// checkDivisible reports why engines refuse to divide the model by TensorParallel. Sources: the
// assertions in vllm/model_executor/layers/linear.py, models/llama.py and
// quantization/fp8.py, which SGLang and TGI share.
func (l *Launch) checkDivisible(m *model.Model) error {
	degree := l.TensorParallel
	if degree <= 1 {
		return nil
	}
	if m.Heads%degree != 0 {
		return launchErrorf("TensorParallel", degree, "it does not divide the model's %d attention heads", m.Heads)
	}
	p := model.Parallel{Tensor: degree, Pipeline: 1, Expert: 1}
	if l.ExpertParallel {
		p.Expert = degree
	}
	for i := range m.Layers {
		for _, c := range m.Layers[i].Caches {
			if heads := c.KVHeads; heads > 0 && heads%degree != 0 && degree%heads != 0 {
				return launchErrorf("TensorParallel", degree, "neither it nor the model's %d KV heads divide the other", heads)
			}
		}
		for j := range m.Layers[i].Tensors {
			if err := checkPartition(&m.Layers[i].Tensors[j], p); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPartition reports why a tensor cannot be divided: its widths must, and what each
// GPU gets must be whole groups of quantised numbers. MXFP4's kernels pad instead.
func checkPartition(t *model.Tensor, p model.Parallel) error {
	if t.Split != model.SplitRows && t.Split != model.SplitColumns || t.Routed && p.Expert > 1 || t.Format == model.MXFP4 {
		return nil
	}
	width, group := t.Rows, t.Format.GroupRows
	if t.Split == model.SplitColumns {
		width, group = t.Columns, t.Format.GroupColumns
	}
	if width%p.Tensor != 0 {
		return launchErrorf("TensorParallel", p.Tensor, "it does not divide the width %d of %s", width, t.Name)
	}
	if t.Format.Quantised() && group > 1 && width >= group && width/p.Tensor%group != 0 {
		return launchErrorf("TensorParallel", p.Tensor, "the %d numbers of %s that each GPU gets are not whole groups of %d",
			width/p.Tensor, t.Name, group)
	}
	return nil
}

// cappedProduct multiplies what may be absurdly large and stops at a quarter of what an
// int64 holds, so that sums of results do not overflow either.
func cappedProduct(a, b int64) int64 {
	const most = math.MaxInt64 / 4
	if a > 0 && b > most/a {
		return most
	}
	return a * b
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// inGiB is an amount in GiB, for constants that logs give in GiB.
func inGiB(amount float64) topology.Bytes { return topology.Bytes(amount * float64(topology.GiB)) }
