package dra

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// IdentityNote says of GPUs that it cannot be told whether they are one: drivers on one node
// that publish nothing to compare, or a UUID on several nodes.
type IdentityNote struct {
	// Nodes publish the GPUs, sorted.
	Nodes []string
	// Text is a sentence.
	Text string
}

func compareNotes(a, b IdentityNote) int {
	return cmp.Or(slices.Compare(a.Nodes, b.Nodes), cmp.Compare(a.Text, b.Text))
}

// NewIdentityNotes are the notes on what is published that it has not returned before, sorted.
// One that no longer holds is forgotten, and new when it holds again.
func (s *Source) NewIdentityNotes() []IdentityNote {
	if s.notedAt == s.pools.generation {
		return nil
	}
	s.notedAt = s.pools.generation
	return s.pools.twins.newNotes()
}

func (x *twinIndex) newNotes() []IdentityNote {
	var fresh []IdentityNote
	said := make(map[string]bool, len(x.notes))
	for _, note := range x.notes {
		key := strings.Join(note.Nodes, ",") + ": " + note.Text
		if !x.said[key] {
			fresh = append(fresh, note)
		}
		said[key] = true
	}
	x.said = said
	return fresh
}

// noteOnIncomparable is about the first GPU of a node of which cannot be told whether
// another driver publishes it too; "" if there is none.
func noteOnIncomparable(pools []*Pool) string {
	for i, p := range pools {
		for _, q := range pools[i+1:] {
			if p.gpus == nil || q.gpus == nil || p.Driver == q.Driver {
				continue
			}
			for _, pair := range [][2]*Pool{{p, q}, {q, p}} {
				if gpu := incomparableGPU(pair[0], pair[1]); gpu >= 0 {
					return fmt.Sprintf(
						"%s and %s both publish GPUs, and whether GPU %d of %s is among those of %s cannot be told: "+
							"they have neither uuid nor resource.kubernetes.io/pciBusID in common; let one of the two drivers publish it",
						p.Driver, q.Driver, gpu, pair[0].Driver, pair[1].Driver)
				}
			}
		}
	}
	return ""
}

// incomparableGPU is a GPU of p that is none of q's as far as is known, while of some it
// cannot be told; -1 if there is none.
func incomparableGPU(p, q *Pool) int {
	for gpu, identity := range p.gpus.identities {
		same := slices.ContainsFunc(q.gpus.identities, identity.SameGPU)
		unknown := slices.ContainsFunc(q.gpus.identities, func(other resourceslices.GPUIdentity) bool { return !identity.ComparableTo(other) })
		if !same && unknown {
			return gpu
		}
	}
	return -1
}

// notesOnMovedGPUs is about UUIDs that several nodes publish.
func notesOnMovedGPUs(byNode map[string][]*Pool) []IdentityNote {
	first := map[string]string{} // node by UUID
	others := map[string][]string{}
	for _, node := range slices.Sorted(maps.Keys(byNode)) {
		for _, p := range byNode[node] {
			for _, identity := range p.gpus.identities {
				known, found := first[identity.UUID]
				switch {
				case identity.UUID == "" || known == node:
				case !found:
					first[identity.UUID] = node
				case !slices.Contains(others[identity.UUID], node):
					others[identity.UUID] = append(others[identity.UUID], node)
				}
			}
		}
	}
	var notes []IdentityNote
	for uuid, more := range others {
		nodes := append([]string{first[uuid]}, more...)
		notes = append(notes, IdentityNote{nodes, fmt.Sprintf(
			"nodes %s publish one and the same GPU %s: delete the slices of the machine that is gone, was renamed or is a copy",
			strings.Join(nodes, ", "), uuid)})
	}
	return notes
}
