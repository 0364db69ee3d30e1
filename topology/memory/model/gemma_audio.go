package model

// gemma4Audio is a conformer over a spectrogram, and the matrix that joins it to the
// language model. Source: modeling_gemma4.py.
func gemma4Audio(b *builder, audio *fields, hidden int64) {
	width, layers := audio.required("hidden_size"), audio.required("num_hidden_layers")
	heads := audio.required("num_attention_heads")
	channels := audio.ints("subsampling_conv_channels")
	if len(channels) != 2 || heads == 0 || layers > maxLayers {
		audio.fail("subsampling_conv_channels", "two numbers are needed")
		return
	}
	b.convolution("subsample.layer0", channels[0], 1, 9)
	b.convolution("subsample.layer1", channels[1], channels[0], 9)
	b.vector("subsample.norms", Other, channels[0]+channels[1], Replicated)
	b.linear("subsample.input_proj_linear", MLP, width, channels[0]/4*channels[1], Replicated)
	clipped := audio.flag(true, "use_clipped_linears")
	b.times(layers, func() {
		for range 2 { // one feed-forward layer before and one after attention
			b.feedForward("feed_forward", MLP, width, 4*width, false, false)
			b.vector("feed_forward.norms", Other, 2*width, Replicated)
		}
		for _, name := range []string{"q_proj", "k_proj", "v_proj", "post", "relative_k_proj"} {
			b.linear("self_attn."+name, AttentionPart, width, width, Rows)
		}
		b.vector("self_attn.per_dim_scale", Other, width/heads, Replicated)
		b.linear("lconv1d.linear_start", MLP, 2*width, width, Rows)
		b.linear("lconv1d.linear_end", MLP, width, width, Columns)
		b.matrix("lconv1d.depthwise_conv1d", Other, width, audio.required("conv_kernel_size"), Replicated)
		b.vector("norms", Other, 5*width, Replicated)
		if clipped {
			b.vector("bounds", Other, 4*10, Replicated)
		}
	})
	out := audio.required("output_proj_dims")
	b.biased("output_proj", MLP, out, width, Replicated)
	b.linear("embed_audio.embedding_projection", MLP, hidden, out, Replicated)
}

// convolution has a window of the given area and no bias.
func (b *builder) convolution(name string, out, in, area int64) {
	b.matrix(name, Other, out, in*area, Replicated)
}

// gemma3nAudio is the conformer of the Universal Speech Model. Source:
// modeling_gemma3n.py.
func gemma3nAudio(b *builder, audio *fields, hidden int64) {
	width, layers := audio.required("hidden_size"), audio.required("conf_num_hidden_layers")
	heads := audio.required("conf_num_attention_heads")
	channels := audio.ints("sscp_conv_channel_size")
	if len(channels) != 2 || heads == 0 || layers > maxLayers {
		audio.fail("sscp_conv_channel_size", "two numbers are needed")
		return
	}
	b.convolution("subsample.conv_0", channels[0], 1, 9)
	b.convolution("subsample.conv_1", channels[1], channels[0], 9)
	b.vector("subsample.norms", Other, channels[0]+channels[1], Replicated)
	b.linear("subsample.input_proj_linear", MLP, width, audio.required("input_feat_size")/4*channels[1], Replicated)
	b.times(layers, func() {
		for range 2 {
			b.feedForward("feed_forward", MLP, width, 4*width, false, false)
			b.vector("feed_forward.norms", Other, 2*width, Replicated)
		}
		for _, name := range []string{"q_proj", "k_proj", "v_proj", "post", "pos_proj"} {
			b.linear("self_attn."+name, AttentionPart, width, width, Rows)
		}
		b.vector("self_attn.per_dim_scale", Other, width/heads, Replicated)
		b.linear("lconv1d.linear_start", MLP, 2*width, width, Rows)
		b.linear("lconv1d.linear_end", MLP, width, width, Columns)
		b.matrix("lconv1d.depthwise_conv1d", Other, width, audio.required("conf_conv_kernel_size"), Replicated)
		b.vector("norms", Other, 5*width, Replicated)
	})
	vocab := audio.required("vocab_size")
	b.matrix("embed_audio.embedding", Other, vocab, width, Replicated)
	b.vector("embed_audio.norms", Other, 2*width, Replicated)
	b.linear("embed_audio.embedding_projection", MLP, hidden, width, Replicated)
}
