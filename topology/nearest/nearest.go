package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// maxNames is how many names are suggested.
const maxNames = 4

// Names returns up to four of names, the nearest first: those that contain name, or else
// those that differ from it in at most a third of its letters; case is ignored.
func Names(name string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var candidates []candidate
	folded := strings.ToLower(name)
	for _, other := range names {
		distance := editDistance(folded, strings.ToLower(other))
		if folded != "" && strings.Contains(strings.ToLower(other), folded) {
			distance = 0
		}
		if distance <= max(1, len(name)/3) {
			candidates = append(candidates, candidate{other, distance})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var near []string
	for _, c := range candidates[:min(len(candidates), maxNames)] {
		near = append(near, c.name)
	}
	return near
}

// editDistance is the number of bytes to insert, delete or replace to turn a into
// b (Levenshtein), in O(len(a)*len(b)) time.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
