package model

// gemma4Audio is a conformer over a spectrogram, and the matrix that joins it to the
// language model. Source: modeling_gemma4.py.
func gemma4Audio(b *modelBuilder, audio *configFields, hidden int64) {
	width, layers := audio.readRequired("hidden_size"), audio.readRequired("num_hidden_layers")
	heads := audio.readRequired("num_attention_heads")
	channels := audio.readInts("subsampling_conv_channels")
	if len(channels) != 2 || heads == 0 || layers > maxLayers {
		audio.addError("subsampling_conv_channels", "two numbers are needed")
		return
	}
	b.addConvolution("subsample.layer0", channels[0], 1, 9)
	b.addConvolution("subsample.layer1", channels[1], channels[0], 9)
	b.addVector("subsample.norms", OtherPart, channels[0]+channels[1], SplitNone)
	b.addLinear("subsample.input_proj_linear", MLPPart, width, channels[0]/4*channels[1], SplitNone)
	clipped := audio.readFlag(true, "use_clipped_linears")
	b.repeatLayers(layers, func() {
		for range 2 { // one feed-forward layer before and one after attention
			b.feedForward("feed_forward", MLPPart, width, 4*width, false, false)
			b.addVector("feed_forward.norms", OtherPart, 2*width, SplitNone)
		}
		for _, name := range []string{"q_proj", "k_proj", "v_proj", "post", "relative_k_proj"} {
			b.addLinear("self_attn."+name, AttentionPart, width, width, SplitRows)
		}
		b.addVector("self_attn.per_dim_scale", OtherPart, width/heads, SplitNone)
		b.addLinear("lconv1d.linear_start", MLPPart, 2*width, width, SplitRows)
		b.addLinear("lconv1d.linear_end", MLPPart, width, width, SplitColumns)
		b.addMatrix("lconv1d.depthwise_conv1d", OtherPart, width, audio.readRequired("conv_kernel_size"), SplitNone)
		b.addVector("norms", OtherPart, 5*width, SplitNone)
		if clipped {
			b.addVector("bounds", OtherPart, 4*10, SplitNone)
		}
	})
	out := audio.readRequired("output_proj_dims")
	b.addBiased("output_proj", MLPPart, out, width, SplitNone)
	b.addLinear("embed_audio.embedding_projection", MLPPart, hidden, out, SplitNone)
}

// addConvolution has a window of the given area and no bias.
func (b *modelBuilder) addConvolution(name string, out, in, area int64) {
	b.addMatrix(name, OtherPart, out, in*area, SplitNone)
}

// gemma3nAudio is the conformer of the Universal Speech Model. Source:
// modeling_gemma3n.py.
func gemma3nAudio(b *modelBuilder, audio *configFields, hidden int64) {
	width, layers := audio.readRequired("hidden_size"), audio.readRequired("conf_num_hidden_layers")
	heads := audio.readRequired("conf_num_attention_heads")
	channels := audio.readInts("sscp_conv_channel_size")
	if len(channels) != 2 || heads == 0 || layers > maxLayers {
		audio.addError("sscp_conv_channel_size", "two numbers are needed")
		return
	}
	b.addConvolution("subsample.conv_0", channels[0], 1, 9)
	b.addConvolution("subsample.conv_1", channels[1], channels[0], 9)
	b.addVector("subsample.norms", OtherPart, channels[0]+channels[1], SplitNone)
	b.addLinear("subsample.input_proj_linear", MLPPart, width, audio.readRequired("input_feat_size")/4*channels[1], SplitNone)
	b.repeatLayers(layers, func() {
		for range 2 {
			b.feedForward("feed_forward", MLPPart, width, 4*width, false, false)
			b.addVector("feed_forward.norms", OtherPart, 2*width, SplitNone)
		}
		for _, name := range []string{"q_proj", "k_proj", "v_proj", "post", "pos_proj"} {
			b.addLinear("self_attn."+name, AttentionPart, width, width, SplitRows)
		}
		b.addVector("self_attn.per_dim_scale", OtherPart, width/heads, SplitNone)
		b.addLinear("lconv1d.linear_start", MLPPart, 2*width, width, SplitRows)
		b.addLinear("lconv1d.linear_end", MLPPart, width, width, SplitColumns)
		b.addMatrix("lconv1d.depthwise_conv1d", OtherPart, width, audio.readRequired("conf_conv_kernel_size"), SplitNone)
		b.addVector("norms", OtherPart, 5*width, SplitNone)
	})
	vocab := audio.readRequired("vocab_size")
	b.addMatrix("embed_audio.embedding", OtherPart, vocab, width, SplitNone)
	b.addVector("embed_audio.norms", OtherPart, 2*width, SplitNone)
	b.addLinear("embed_audio.embedding_projection", MLPPart, hidden, width, SplitNone)
}
