package mig

import "slices"

// Occupancy is what the instances of one GPU hold together. The zero value is a
// GPU without instances. It is a plain value: copy it to try a placement.
type Occupancy struct {
	Slices Slices
	Media  Media
}

// Full is the occupancy of a GPU on which nothing more can be created, for
// example because it is given away whole.
func (t *Table) Full() Occupancy {
	return Occupancy{Slices: Placement{Size: t.MemorySlices}.Slices(), Media: t.Media}
}

// CanPlace reports whether an instance of p could be created at pl beside what o
// holds. p must be one of t's profiles.
func (t *Table) CanPlace(o Occupancy, p *Profile, pl Placement) bool {
	return slices.Contains(p.Placements, pl) && pl.Slices()&o.Slices == 0 && t.hasMedia(o, p)
}

func (t *Table) hasMedia(o Occupancy, p *Profile) bool {
	return o.Media.Plus(p.Media).Within(t.Media)
}

// Place returns o with an instance of p at pl. The caller has asked CanPlace.
func (o Occupancy) Place(p *Profile, pl Placement) Occupancy {
	return Occupancy{Slices: o.Slices | pl.Slices(), Media: o.Media.Plus(p.Media)}
}

// Release returns o without the instance of p at pl, which o must hold; it undoes
// Place.
func (o Occupancy) Release(p *Profile, pl Placement) Occupancy {
	return Occupancy{Slices: o.Slices &^ pl.Slices(), Media: o.Media.Minus(p.Media)}
}

// Placeable counts the pairs of profile and placement that could still be
// created, one at a time. Of two placements that serve a request equally, the one
// that leaves more is the better choice: on an empty 7-slice GPU, 1g at slice 6
// rather than 0. It does not allocate.
func (t *Table) Placeable(o Occupancy) int64 {
	count := int64(0)
	for i := range t.Profiles {
		p := &t.Profiles[i]
		if !t.hasMedia(o, p) {
			continue
		}
		for _, pl := range p.Placements {
			if pl.Slices()&o.Slices == 0 {
				count++
			}
		}
	}
	return count
}
