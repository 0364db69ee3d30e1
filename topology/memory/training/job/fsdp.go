package job

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// addFSDP takes FSDP's settings, whose keys may leave out "fsdp_" as TrainingArguments' do.
func (s *saidValues) addFSDP(content map[string]any, place string) {
	for _, key := range sortedKeys(content) {
		name := plainName(key)
		if !strings.HasPrefix(name, "fsdp_") {
			name = "fsdp_" + name
		}
		text := scalarText(content[key])
		if meaning := meaningOf(name); meaning != "" {
			s.addStatement(meaning, text, place+": "+key+": "+text)
		}
	}
}

// shardingStrategies are FSDP's, as PyTorch and Accelerate spell and number them; FSDP2 says
// whether weights are sharded again after the forward pass instead.
var shardingStrategies = map[string]training.ShardingStage{
	"full_shard": training.ShardParameters, "1": training.ShardParameters, "true": training.ShardParameters,
	"shard_grad_op": training.ShardGradOp, "2": training.ShardGradOp, "false": training.ShardGradOp,
	"no_shard": training.ShardNothing, "3": training.ShardNothing,
	"hybrid_shard": training.ShardHybrid, "4": training.ShardHybrid, "hybrid_shard_zero2": training.ShardGradOp, "5": training.ShardGradOp,
	"_hybrid_shard_zero2": training.ShardGradOp,
}

// parseFSDP reads the Trainer's --fsdp: words like "full_shard auto_wrap offload". found is false if none
// of them is a strategy.
func parseFSDP(text string) (stage training.ShardingStage, offload, found bool) {
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == ',' }) {
		strategy, known := shardingStrategies[word]
		switch {
		case word == "offload":
			offload = true
		case known:
			stage, found = strategy, true
		}
	}
	return stage, offload, found
}
