package model

import "strings"

// moduleName is what a layer's module is called here, and in the files of a family.
type moduleName struct{ here, files string }

// checkpointNames are the modules that families call otherwise than Llama, by model_type: the lists
// of a quantised model name those of its files. Sources: the modelling code of the same names in Transformers, and
// remote code where there is none.
var checkpointNames = map[string][]moduleName{
	"dbrx":             {{"mlp.", "ffn."}},
	"gemma4_text":      {{"mlp.experts.", "experts."}},
	"granitemoe":       {{"mlp.", "block_sparse_moe."}},
	"granitemoehybrid": {{"mlp.experts.", "block_sparse_moe.experts."}},
	"granitemoeshared": {{"mlp.experts.", "block_sparse_moe.experts."}},
	"jamba":            {{"mlp.", "feed_forward."}},
	"kimi_linear":      {{"mlp.experts.", "block_sparse_moe.experts."}, {"mlp.shared_experts.", "block_sparse_moe.shared_experts."}},
	"lfm2_moe":         {{"mlp.", "feed_forward."}},
	"llama4_text":      {{"mlp.shared_experts.", "feed_forward.shared_expert."}, {"mlp.", "feed_forward."}},
	"minimax":          {{"mlp.", "block_sparse_moe."}},
	"minimax_m2":       {{"mlp.", "block_sparse_moe."}},
	"mixtral":          {{"mlp.", "block_sparse_moe."}},
	"nemotron_h":       {{"mlp.", "mixer."}, {"self_attn.", "mixer."}},
	"phimoe":           {{"mlp.", "block_sparse_moe."}},
	"step3":            {{"mlp.experts.", "moe.experts."}},
}

// checkpointName is what a module is called in the files of a family.
func checkpointName(family, name string) string {
	for _, module := range checkpointNames[family] {
		if rest, found := strings.CutPrefix(name, module.here); found {
			return module.files + rest
		}
	}
	return name
}
