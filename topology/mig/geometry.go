package mig

import (
	"fmt"
	"slices"
	"strings"
)

// Instance is one GPU instance on a GPU.
type Instance struct {
	Profile   ProfileID
	Placement Placement
}

// Legal reports the first rule that instances violate on one GPU, nil if all of
// them can exist together. The order of the instances does not matter.
func (t *Table) Legal(instances []Instance) error {
	_, err := t.Occupied(instances)
	return err
}

// Occupied returns what instances hold together, or the error that Legal reports.
func (t *Table) Occupied(instances []Instance) (Occupancy, error) {
	var o Occupancy
	for i, instance := range instances {
		p, found := t.Profile(instance.Profile)
		if !found {
			return Occupancy{}, fmt.Errorf("%s has no MIG profile %d", t.Name, instance.Profile)
		}
		pl := instance.Placement
		if !slices.Contains(p.Placements, pl) {
			return Occupancy{}, fmt.Errorf("%s cannot be at %s: its placements are %s", p.Name, pl, placementList(p.Placements))
		}
		if pl.Slices()&o.Slices != 0 {
			return Occupancy{}, fmt.Errorf("%s at %s overlaps %s", p.Name, pl, t.overlappingInstance(instances[:i], pl))
		}
		if engine, used, total := t.shortEngine(o, p); engine != "" {
			return Occupancy{}, fmt.Errorf("%s at %s needs more %s than are left: %d of %d are taken", p.Name, pl, engine, used, total)
		}
		o = o.Place(p, pl)
	}
	return o, nil
}

// overlappingInstance names the first of instances that shares a slice with pl.
func (t *Table) overlappingInstance(instances []Instance, pl Placement) string {
	for _, instance := range instances {
		if instance.Placement.Slices()&pl.Slices() != 0 {
			p, _ := t.Profile(instance.Profile)
			return fmt.Sprintf("%s at %s", p.Name, instance.Placement)
		}
	}
	return "nothing"
}

// shortEngine names the first kind of media engine that p needs and o leaves too
// few of, "" if there is none.
func (t *Table) shortEngine(o Occupancy, p *Profile) (engine string, used, total int64) {
	for _, kind := range []struct {
		name               string
		used, needs, total int64
	}{
		{"decoders", o.Media.Decoders, p.Media.Decoders, t.Media.Decoders},
		{"encoders", o.Media.Encoders, p.Media.Encoders, t.Media.Encoders},
		{"JPEG engines", o.Media.JPEG, p.Media.JPEG, t.Media.JPEG},
		{"OFA engines", o.Media.OFA, p.Media.OFA, t.Media.OFA},
	} {
		if kind.used+kind.needs > kind.total {
			return kind.name, kind.used, kind.total
		}
	}
	return "", 0, 0
}

func placementList(placements []Placement) string {
	words := make([]string, len(placements))
	for i, pl := range placements {
		words[i] = pl.String()
	}
	return strings.Join(words, ", ")
}
