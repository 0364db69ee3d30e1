package model

import (
	"slices"
	"strconv"
	"strings"
)

// expertMixture is a feed-forward layer of which each token visits a few experts.
type expertMixture struct {
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

// readMixture reads how many experts there are and in which layers; nil if none.
func (b *modelBuilder) readMixture(d attentionShape) *expertMixture {
	experts := b.readWithin(0, maxExperts, expertKeys)
	if experts <= 1 {
		return nil
	}
	m := &expertMixture{
		experts:    experts,
		active:     b.valueAtLayer(0, "num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k", "top_k_experts"),
		width:      b.valueAtLayer(0, "moe_intermediate_size", "expert_intermediate_size", "moe_ffn_hidden_size", "expert_ffn_hidden_size"),
		latent:     b.readDimension("routed_expert_hidden_size"),
		latentNorm: b.readFlag(false, "latent_moe_use_norm"),
		correction: b.readText("topk_method") == "noaux_tc" || b.readFlag(false, "moe_router_enable_expert_bias", "use_expert_bias",
			"use_routing_bias"),
		at: b.mixtureLayers(),
	}
	m.active = max(1, m.active)
	if m.active > experts {
		b.addError("num_experts_per_tok", "%d is more than the %d experts there are", m.active, experts)
	}
	if m.width == 0 {
		m.width = d.ff
	}
	if m.width == 0 {
		b.addError("moe_intermediate_size", "missing, and intermediate_size too")
	}
	m.shared = b.readCount("shared_expert_intermediate_size", "shared_intermediate_size")
	m.sharedGate = m.shared > 0 && b.hasKey("shared_expert_intermediate_size")
	if m.shared == 0 {
		width := m.width
		if own := b.readCount("moe_shared_expert_intermediate_size", "share_expert_dim"); own > 0 {
			width = own
		}
		m.shared = width * b.valueAtLayer(0, "n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
	}
	return m
}

// mixtureLayers says in which layers the experts are. Sources: the configuration
// classes of DeepSeek, Qwen, Llama 4 and GLM in Transformers.
func (b *modelBuilder) mixtureLayers() func(layer int64) bool {
	dense := b.readCount("first_k_dense_replace", "moe_layer_start_index", "num_dense_layers")
	end := int64(maxLayers)
	if b.hasKey("moe_layer_end_index") {
		if last, _ := wholeNumber(b.values["moe_layer_end_index"]); last >= 0 {
			end = b.readCount("moe_layer_end_index")
		}
	}
	if prefix := b.readList("dense_layers"); len(prefix) > 0 {
		dense = int64(len(prefix))
	}
	step := max(1, b.readDimension("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval"))
	only := b.readInts("mlp_only_layers")
	named := b.readInts("moe_layers")
	if text := b.readText("moe_layers_enum"); text != "" {
		for _, number := range strings.Split(text, ",") {
			layer, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil {
				b.addError("moe_layers_enum", "%q is not a number", number)
			}
			named = append(named, layer)
		}
	}
	var frequency []int64
	if _, value := b.findKey([]string{"moe_layer_freq"}); value != nil {
		if _, isList := value.([]any); isList {
			frequency = b.readInts("moe_layer_freq")
		} else {
			step = max(1, b.readDimension("moe_layer_freq"))
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

func (m *expertMixture) addTo(b *modelBuilder, d attentionShape) {
	router := b.addMatrix("mlp.gate", OtherPart, m.experts, d.hidden, SplitNone)
	if m.router.Bits > 0 {
		router.Format = m.router
	}
	if m.correction {
		b.addVector("mlp.gate.e_score_correction_bias", OtherPart, m.experts, SplitNone).Format = Bits32
	}
	if m.bias {
		b.addVector("mlp.router.bias", OtherPart, m.experts, SplitNone)
	}
	in := d.hidden
	if m.latent > 0 {
		in = m.latent
		b.addMatrix("mlp.fc1_latent_proj", MLPPart, in, d.hidden, SplitNone)
		b.addMatrix("mlp.fc2_latent_proj", MLPPart, d.hidden, in, SplitNone)
		if m.latentNorm {
			b.addVector("mlp.latent_norm", OtherPart, in, SplitNone)
		}
	}
	m.addRouted(b, "up_proj", m.width, in, SplitRows)
	if !m.plain {
		m.addRouted(b, "gate_proj", m.width, in, SplitRows)
	}
	m.addRouted(b, "down_proj", in, m.width, SplitColumns)
	if m.shared > 0 {
		b.feedForward("mlp.shared_experts", MLPPart, d.hidden, m.shared, !m.plain, false)
		if m.sharedGate {
			b.addMatrix("mlp.shared_expert_gate", OtherPart, 1, d.hidden, SplitNone)
		}
	}
	b.model.ActiveExperts, b.model.ExpertWidth = m.active, m.width
	b.model.FeedForward = max(b.model.FeedForward, m.shared)
}

// addRouted adds one matrix of every expert.
func (m *expertMixture) addRouted(b *modelBuilder, name string, rows, columns int64, split Split) {
	module := m.module
	if module == "" {
		module = "mlp"
	}
	name = module + ".experts.0." + name
	b.addTensor(Tensor{Name: name, Part: ExpertsPart, Rows: rows, Columns: columns, Count: m.experts, Split: split, Routed: true}, true)
	if !m.bias {
		return
	}
	biasSplit := SplitNone
	if split == SplitRows {
		biasSplit = SplitRows
	}
	b.addTensor(Tensor{Name: name + ".bias", Part: ExpertsPart, Rows: rows, Columns: 1, Count: m.experts, Split: biasSplit, Routed: true},
		false)
}
