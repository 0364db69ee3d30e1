package model

import (
	"slices"
	"strconv"
	"strings"
)

// mixture is a feed-forward layer of which each token visits a few experts.
type mixture struct {
	experts, active, width int64
	// shared is the width of what every token visits beside its experts.
	shared     int64
	sharedGate bool
	// latentNorm is a norm of that width.
	latentNorm bool
	// latent is the width into which tokens are projected for their experts; 0 where
	// those take them as they are.
	latent int64
	// router is how the router is stored where it differs from the rest.
	router Format
	// correction is a 32-bit number per expert by which the router is balanced.
	correction bool
	bias       bool
	plain      bool
	// module is the name of the layer's part, "mlp" if empty.
	module string
	at     func(layer int64) bool
}

// mixture reads how many experts there are and in which layers; nil if none.
func (b *builder) mixture(d shape) *mixture {
	experts := b.within(0, maxExperts, expertKeys)
	if experts <= 1 {
		return nil
	}
	m := &mixture{
		experts:    experts,
		active:     b.at(0, "num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k", "top_k_experts"),
		width:      b.at(0, "moe_intermediate_size", "expert_intermediate_size", "moe_ffn_hidden_size", "expert_ffn_hidden_size"),
		latent:     b.dimension("routed_expert_hidden_size"),
		latentNorm: b.flag(false, "latent_moe_use_norm"),
		correction: b.text("topk_method") == "noaux_tc" || b.flag(false, "moe_router_enable_expert_bias", "use_expert_bias", "use_routing_bias"),
		at:         b.mixtureLayers(),
	}
	m.active = max(1, m.active)
	if m.active > experts {
		b.fail("num_experts_per_tok", "%d is more than the %d experts there are", m.active, experts)
	}
	if m.width == 0 {
		m.width = d.ff
	}
	if m.width == 0 {
		b.fail("moe_intermediate_size", "missing, and intermediate_size too")
	}
	m.shared = b.count("shared_expert_intermediate_size", "shared_intermediate_size")
	m.sharedGate = m.shared > 0 && b.has("shared_expert_intermediate_size")
	if m.shared == 0 {
		width := m.width
		if own := b.count("moe_shared_expert_intermediate_size", "share_expert_dim"); own > 0 {
			width = own
		}
		m.shared = width * b.at(0, "n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
	}
	return m
}

// mixtureLayers says in which layers the experts are. Sources: the configuration
// classes of DeepSeek, Qwen, Llama 4 and GLM in Transformers.
func (b *builder) mixtureLayers() func(layer int64) bool {
	dense := b.count("first_k_dense_replace", "moe_layer_start_index", "num_dense_layers")
	end := int64(maxLayers)
	if b.has("moe_layer_end_index") {
		if last, _ := whole(b.values["moe_layer_end_index"]); last >= 0 {
			end = b.count("moe_layer_end_index")
		}
	}
	if prefix := b.list("dense_layers"); len(prefix) > 0 {
		dense = int64(len(prefix))
	}
	step := max(1, b.dimension("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval"))
	only := b.ints("mlp_only_layers")
	named := b.ints("moe_layers")
	if text := b.text("moe_layers_enum"); text != "" {
		for _, number := range strings.Split(text, ",") {
			layer, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil {
				b.fail("moe_layers_enum", "%q is not a number", number)
			}
			named = append(named, layer)
		}
	}
	var frequency []int64
	if _, value := b.find([]string{"moe_layer_freq"}); value != nil {
		if _, isList := value.([]any); isList {
			frequency = b.ints("moe_layer_freq")
		} else {
			step = max(1, b.dimension("moe_layer_freq"))
			if dense > 0 || step == 1 {
				return func(layer int64) bool { return layer >= dense && layer%step == 0 }
			}
		}
	}
	return func(layer int64) bool {
		switch {
		case int64(len(frequency)) > layer:
			return frequency[layer] != 0
		case len(named) > 0:
			return slices.Contains(named, layer)
		}
		return layer >= dense && layer <= end && !slices.Contains(only, layer) && (layer+1)%step == 0
	}
}

func (m *mixture) add(b *builder, d shape) {
	router := b.matrix("mlp.gate", Other, m.experts, d.hidden, Replicated)
	if m.router.Bits > 0 {
		router.Format = m.router
	}
	if m.correction {
		b.vector("mlp.gate.e_score_correction_bias", Other, m.experts, Replicated).Format = Bits32
	}
	if m.bias {
		b.vector("mlp.router.bias", Other, m.experts, Replicated)
	}
	in := d.hidden
	if m.latent > 0 {
		in = m.latent
		b.matrix("mlp.fc1_latent_proj", MLP, in, d.hidden, Replicated)
		b.matrix("mlp.fc2_latent_proj", MLP, d.hidden, in, Replicated)
		if m.latentNorm {
			b.vector("mlp.latent_norm", Other, in, Replicated)
		}
	}
	m.routed(b, "up_proj", m.width, in, Rows)
	if !m.plain {
		m.routed(b, "gate_proj", m.width, in, Rows)
	}
	m.routed(b, "down_proj", in, m.width, Columns)
	if m.shared > 0 {
		b.feedForward("mlp.shared_experts", MLP, d.hidden, m.shared, !m.plain, false)
		if m.sharedGate {
			b.matrix("mlp.shared_expert_gate", Other, 1, d.hidden, Replicated)
		}
	}
	b.model.ActiveExperts, b.model.ExpertWidth = m.active, m.width
	b.model.FeedForward = max(b.model.FeedForward, m.shared)
}

// routed adds one matrix of every expert.
func (m *mixture) routed(b *builder, name string, rows, columns int64, split Split) {
	module := m.module
	if module == "" {
		module = "mlp"
	}
	name = module + ".experts.0." + name
	b.add(Tensor{Name: name, Part: Experts, Rows: rows, Columns: columns, Count: m.experts, Split: split, Routed: true}, true)
	if !m.bias {
		return
	}
	biasSplit := Replicated
	if split == Rows {
		biasSplit = Rows
	}
	b.add(Tensor{Name: name + ".bias", Part: Experts, Rows: rows, Columns: 1, Count: m.experts, Split: biasSplit, Routed: true}, false)
}
