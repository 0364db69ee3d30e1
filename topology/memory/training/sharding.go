package training

import (
	"fmt"
	"strings"
)

// ShardingStage is what data-parallel GPUs share instead of each holding all of it.
type ShardingStage int8

// The stages. Those of ZeRO each shard what the one before does.
const (
	ShardNothing    ShardingStage = iota
	ShardOptimizer                // ZeRO 1: moments and the 32-bit copy
	ShardGradients                // ZeRO 2
	ShardParameters               // ZeRO 3, and FSDP's full sharding
	// ShardHybrid is FSDP's full sharding within a group, which other groups repeat.
	ShardHybrid
	// ShardGradOp is FSDP's SHARD_GRAD_OP: weights are sharded between steps, and whole from the
	// forward to the backward pass.
	ShardGradOp
)

var stageNames = [...]string{"none", "zero-1", "zero-2", "zero-3", "fsdp-hybrid", "fsdp-shard-grad-op"}

// otherStageNames are further names under which the stages are known.
var otherStageNames = map[string]ShardingStage{
	"ddp": ShardNothing, "zero1": ShardOptimizer, "zero2": ShardGradients, "zero3": ShardParameters, "fsdp": ShardParameters,
	"fsdp-full": ShardParameters,
}

func (s ShardingStage) String() string { return stageNames[s] }

// StageNames are the names that ParseStage reads, without those that mean the same.
func StageNames() []string {
	return []string{"none", "ddp", "zero-1", "zero-2", "zero-3", "fsdp", "fsdp-hybrid", "fsdp-shard-grad-op"}
}

// ParseStage reads a stage: "none" or "ddp", "zero-1" to "zero-3" (or "zero1" to "zero3"), "fsdp",
// which shards what zero-3 does, "fsdp-hybrid" or "fsdp-shard-grad-op".
func ParseStage(text string) (ShardingStage, error) {
	if stage, known := otherStageNames[text]; known {
		return stage, nil
	}
	for stage, name := range stageNames {
		if name == text {
			return ShardingStage(stage), nil
		}
	}
	return 0, fmt.Errorf("%q: want one of none, zero-1, zero-2, zero-3, fsdp, %s", text, strings.Join(stageNames[ShardHybrid:], ", "))
}

// isZeRO reports whether the stage is one that DeepSpeed alone has.
func (s ShardingStage) isZeRO() bool { return s == ShardOptimizer || s == ShardGradients }

// HostOffload is what stands in host memory instead of the GPU's.
type HostOffload string

// What may be moved to the host.
const (
	OffloadNothing HostOffload = "none"
	// OffloadOptimizer moves moments and the 32-bit copy, and gradients as they are computed.
	OffloadOptimizer HostOffload = "optimizer"
	// OffloadAll moves the weights too, as FSDP's CPUOffload and ZeRO-Infinity do.
	OffloadAll HostOffload = "all"
)

// Offloads lists them, the usual one first.
func Offloads() []HostOffload { return []HostOffload{OffloadNothing, OffloadOptimizer, OffloadAll} }

// ShardsWeights reports whether weights are sharded between steps, as FSDP and ZeRO 3 do.
func (s ShardingStage) ShardsWeights() bool { return s >= ShardParameters }
