package model

// gptOSS has a bias everywhere, a learned sink per head, and experts of which the
// router, too, has a bias.
func gptOSS(b *builder) {
	s := style{qkvBias: true, outBias: true, sinks: true, pattern: alternate}
	d := b.shape(&s)
	b.outer(&s, d)
	b.model.RotaryDim = d.headDim
	moe := b.mixture(d)
	if moe == nil {
		b.fail("num_local_experts", "missing")
		return
	}
	moe.bias = true
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		b.attention(&s, d, b.window(&s, layer))
		moe.add(b, d)
	})
}
