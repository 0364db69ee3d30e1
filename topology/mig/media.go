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

// Only keeps the kinds of engines of which limit has any.
func (m Media) Only(limit Media) Media {
	if limit.Decoders == 0 {
		m.Decoders = 0
	}
	if limit.Encoders == 0 {
		m.Encoders = 0
	}
	if limit.JPEG == 0 {
		m.JPEG = 0
	}
	if limit.OFA == 0 {
		m.OFA = 0
	}
	return m
}

// Scarce is what a GPU has of the engines that can run out before its memory
// slices do: those of which some instance smaller than the GPU takes all that
// there are. On H100 that is the OFA engine alone, which 1g+me takes; on A100 and
// A30 the JPEG engine, which goes with it, as well; on RTX PRO 6000 every kind,
// because of the +me.all profiles. Compute slices, SMs and copy engines never bind
// once memory slices are disjoint. all is what the GPU has, parts what each
// profile smaller than the GPU takes.
func Scarce(all Media, parts []Media) Media {
	var taken Media // kinds that one part takes entirely
	for _, part := range parts {
		if part.Decoders == all.Decoders {
			taken.Decoders = all.Decoders
		}
		if part.Encoders == all.Encoders {
			taken.Encoders = all.Encoders
		}
		if part.JPEG == all.JPEG {
			taken.JPEG = all.JPEG
		}
		if part.OFA == all.OFA {
			taken.OFA = all.OFA
		}
	}
	return taken
}

// ScarceMedia is Scarce for a table.
func (t *Table) ScarceMedia() Media {
	var parts []Media
	for i := range t.Profiles {
		if t.Profiles[i].MemorySlices < t.MemorySlices {
			parts = append(parts, t.Profiles[i].Media)
		}
	}
	return Scarce(t.Media, parts)
}
