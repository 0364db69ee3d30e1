package mig

import "slices"

// Counts sums up the legal states of a GPU, the empty one included.
type Counts struct {
	// Legal is the number of states, Multisets that of states that differ in more
	// than where the instances lie.
	Legal, Multisets int64
	// Full is the number of states to which nothing can be added, FullMultisets
	// that of their multisets.
	Full, FullMultisets int64
}

// Count enumerates the legal states of the given profiles. A state is full if none
// of these profiles can be added, whatever else t offers.
func Count(t *Table, profiles []ProfileID) Counts {
	var counts Counts
	seen, seenFull := map[string]bool{}, map[string]bool{}
	e := &stateEnumeration{table: t, choices: choicesOf(t, profiles)}
	e.visited = func() {
		multiset := e.profileMultiset()
		counts.Legal++
		seen[multiset] = true
		if e.isFull() {
			counts.Full++
			seenFull[multiset] = true
		}
	}
	e.visitFrom(0, Occupancy{})
	counts.Multisets, counts.FullMultisets = int64(len(seen)), int64(len(seenFull))
	return counts
}

// instanceChoice is one instance that could be created on an empty GPU.
type instanceChoice struct {
	profile   *Profile
	placement Placement
}

func choicesOf(t *Table, profiles []ProfileID) []instanceChoice {
	var choices []instanceChoice
	for i := range t.Profiles {
		p := &t.Profiles[i]
		if !slices.Contains(profiles, p.ID) {
			continue
		}
		for _, pl := range p.Placements {
			choices = append(choices, instanceChoice{p, pl})
		}
	}
	return choices
}

// stateEnumeration walks the subsets of choices depth first, in the order of choices.
type stateEnumeration struct {
	table   *Table
	choices []instanceChoice
	// visited is called in every state.
	visited func()

	state    []Instance
	occupied Occupancy
}

// visitFrom goes to the current state and then to those that add one of choices[from:].
func (e *stateEnumeration) visitFrom(from int, o Occupancy) {
	e.occupied = o
	e.visited()
	for i := from; i < len(e.choices); i++ {
		c := e.choices[i]
		if !e.table.CanPlace(o, c.profile, c.placement) {
			continue
		}
		e.state = append(e.state, Instance{c.profile.ID, c.placement})
		e.visitFrom(i+1, o.Place(c.profile, c.placement))
		e.state = e.state[:len(e.state)-1]
	}
}

func (e *stateEnumeration) isFull() bool {
	for _, c := range e.choices {
		if e.table.CanPlace(e.occupied, c.profile, c.placement) {
			return false
		}
	}
	return true
}

// profileMultiset is the state without its placements, as a map key: choices are in the
// order of their profiles, so equal multisets give equal keys.
func (e *stateEnumeration) profileMultiset() string {
	key := make([]byte, 0, len(e.state))
	for _, instance := range e.state {
		for i := range e.table.Profiles {
			if e.table.Profiles[i].ID == instance.Profile {
				key = append(key, byte(i))
			}
		}
	}
	return string(key)
}
