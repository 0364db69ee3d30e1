package mig

// Plus adds the engines of two instances.
func (m Media) Plus(n Media) Media {
	return Media{m.Decoders + n.Decoders, m.Encoders + n.Encoders, m.JPEG + n.JPEG, m.OFA + n.OFA}
}

// Minus takes the engines of an instance away again.
func (m Media) Minus(n Media) Media {
	return Media{m.Decoders - n.Decoders, m.Encoders - n.Encoders, m.JPEG - n.JPEG, m.OFA - n.OFA}
}

// Within reports whether limit has at least as many engines of every kind.
func (m Media) Within(limit Media) bool {
	return m.Decoders <= limit.Decoders && m.Encoders <= limit.Encoders && m.JPEG <= limit.JPEG && m.OFA <= limit.OFA
}
