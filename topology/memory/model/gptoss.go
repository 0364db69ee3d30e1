package model

// gptOSS has a bias everywhere, a learned sink per head, and experts of which the
// router, too, has a bias.
func gptOSS(b *modelBuilder) {
	s := decoderStyle{qkvBias: true, outBias: true, sinks: true, pattern: isOddLayer}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	b.model.RotaryDim = d.headDim
	moe := b.readMixture(d)
	if moe == nil {
		b.addError("num_local_experts", "missing")
		return
	}
	moe.bias = true
	b.eachLayer(d.layers, func(layer int64) {
		b.addNorms(&s, d)
		b.addAttention(&s, d, b.layerWindow(&s, layer))
		moe.addTo(b, d)
	})
}
