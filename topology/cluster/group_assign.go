package cluster

import (
	"slices"
)

// The bounds of an exact assignment: entries of the table, and steps to fill it.
const (
	maxTableEntries = 4 << 20
	maxTableSteps   = 48 << 20
	maxNodeConfigs  = 1 << 14
)

// assignOn looks for an assignment of all members to nodes that placing them one after the
// other did not find. It goes from node to node and keeps, for each number of members of
// the other shapes that have a place, how many of the most numerous shape can have one
// beside them: that is exact. Where this table would be too large members are moved out of
// each other's way instead.
func (g *groupSearch) assignOn(nodes []int) bool {
	last, entries := 0, 1
	for k := range g.shapes {
		if len(g.shapes[k].members) > len(g.shapes[last].members) {
			last = k
		}
	}
	table := assignTable{search: g, last: last, stride: make([]int, len(g.shapes))}
	for k := range g.shapes {
		if k == last {
			continue
		}
		table.stride[k] = entries
		if entries *= len(g.shapes[k].members) + 1; entries > maxTableEntries {
			return g.assignByMoves(nodes)
		}
	}
	steps := 0
	for _, node := range nodes {
		configs, known := g.configsOf(g.cellOf[node], last)
		if steps += entries * (1 + len(configs)); !known || steps > maxTableSteps {
			return g.assignByMoves(nodes)
		}
	}
	if entries*len(nodes) > maxTableEntries {
		return g.assignByMoves(nodes)
	}
	return table.fillFrom(nodes, entries)
}

// configsOf lists which members a node of a cell can hold together, without those to which
// another could be added; false if there are too many.
func (g *groupSearch) configsOf(cell *groupCell, last int) (configs [][]int, known bool) {
	if cell.configs != nil {
		return cell.configs, true
	}
	counts := make([]int, len(g.shapes))
	tries := 0
	var walk func(k int) bool
	walk = func(k int) bool {
		if k == len(counts) {
			if tries++; tries > maxNodeConfigs {
				return false
			}
			if most := g.mostBeside(cell, counts, last); most >= 0 {
				config := slices.Clone(counts)
				config[last] = most
				configs = append(configs, config)
			}
			return true
		}
		if k == last {
			return walk(k + 1)
		}
		for counts[k] = 0; counts[k] <= cell.room[k]; counts[k]++ {
			if counts[k] > 0 && !g.fitsCell(cell, counts) {
				break
			}
			if !walk(k + 1) {
				counts[k] = 0
				return false
			}
		}
		counts[k] = 0
		return true
	}
	if !walk(0) {
		return nil, false
	}
	cell.configs = withoutDominated(configs)
	return cell.configs, true
}

// mostBeside is how many members of a shape fit beside the others, -1 if these do not fit.
func (g *groupSearch) mostBeside(cell *groupCell, counts []int, k int) int {
	with := slices.Clone(counts)
	low, high := -1, cell.room[k]
	for low < high {
		with[k] = (low + high + 1) / 2
		if g.fitsCell(cell, with) {
			low = with[k]
		} else {
			high = with[k] - 1
		}
	}
	return low
}

// withoutDominated leaves out sets of members of which another has as many of each shape,
// and the empty one.
func withoutDominated(configs [][]int) [][]int {
	kept := [][]int{}
	for i, c := range configs {
		dominated := !slices.ContainsFunc(c, func(count int) bool { return count > 0 })
		for j, other := range configs {
			dominated = dominated || i != j && atLeast(other, c) && (j < i || !slices.Equal(other, c))
		}
		if !dominated {
			kept = append(kept, c)
		}
	}
	return kept
}

// atLeast reports whether a has as many of each shape as b.
func atLeast(a, b []int) bool {
	for k := range a {
		if a[k] < b[k] {
			return false
		}
	}
	return true
}

// assignTable finds out how many members of each shape nodes can hold together. An entry
// stands for a number of members of each shape but the last.
type assignTable struct {
	search *groupSearch
	last   int
	stride []int
	// choices are by node and entry.
	choices []assignChoice
}

// assignChoice is how a table came to an entry: what the node holds, -1 for nothing, and
// the entry before it.
type assignChoice struct{ config, from int32 }

// fillFrom goes through the nodes and places the group if they can hold it.
func (t *assignTable) fillFrom(nodes []int, entries int) bool {
	g := t.search
	best := slices.Repeat([]int32{-1}, entries)
	best[0] = 0
	full, wanted := entries-1, int32(len(g.shapes[t.last].members))
	next := make([]int32, entries)
	digits := make([]int, len(g.shapes))
	for i, node := range nodes {
		if best[full] == wanted {
			nodes = nodes[:i]
			break
		}
		copy(next, best)
		for range entries {
			t.choices = append(t.choices, assignChoice{config: -1})
		}
		choices := t.choices[i*entries:]
		for entry, value := range best {
			if value < 0 {
				continue
			}
			t.readEntry(entry, digits)
			for c, config := range g.cellOf[node].configs {
				to, gained := t.entryWith(digits, config), min(wanted, value+int32(config[t.last]))
				if gained > next[to] {
					next[to], choices[to] = gained, assignChoice{int32(c), int32(entry)}
				}
			}
		}
		best, next = next, best
	}
	if best[full] < wanted {
		g.noteAttempt(nodes, t.mostIn(best), true)
		return false
	}
	counts := map[int][]int{}
	for i, entry := len(nodes)-1, full; i >= 0; i-- {
		if choice := t.choices[i*entries+entry]; choice.config >= 0 {
			counts[nodes[i]] = g.cellOf[nodes[i]].configs[choice.config]
			entry = int(choice.from)
		}
	}
	g.takeCounts(nodes, counts)
	return true
}

// readEntry spells out an entry as members of each shape.
func (t *assignTable) readEntry(entry int, digits []int) {
	for k := range digits {
		if k != t.last {
			digits[k] = entry / t.stride[k] % (len(t.search.shapes[k].members) + 1)
		}
	}
}

// entryWith is the entry to which a node's members lead.
func (t *assignTable) entryWith(digits, config []int) int {
	entry := 0
	for k, count := range config {
		if k != t.last {
			entry += min(len(t.search.shapes[k].members), digits[k]+count) * t.stride[k]
		}
	}
	return entry
}

// mostIn is the most members in any entry.
func (t *assignTable) mostIn(best []int32) int {
	most, digits := 0, make([]int, len(t.search.shapes))
	for entry, value := range best {
		if value < 0 {
			continue
		}
		t.readEntry(entry, digits)
		sum := int(value)
		for k, count := range digits {
			if k != t.last {
				sum += count
			}
		}
		most = max(most, sum)
	}
	return most
}

// takeCounts decides for members by how many of each shape a node is to hold. Nodes may
// have been given more than there are.
func (g *groupSearch) takeCounts(nodes []int, counts map[int][]int) {
	given := make([]int, len(g.shapes))
	for _, node := range nodes {
		if counts[node] == nil {
			continue
		}
		pack := g.packOn(g.cellOf[node].groupMake, counts[node])
		for k, members := range pack.given {
			for _, member := range members {
				if given[k] == len(g.shapes[k].members) {
					break
				}
				decision := Decision{Node: node, Devices: member.devices, NodeScore: NodeScore{Rating: member.rating}}
				g.placed[g.shapes[k].members[given[k]]] = decision
				given[k]++
			}
		}
	}
}
