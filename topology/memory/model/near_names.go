package model

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// mostNear is how many names are suggested.
const mostNear = 3

// nearNames lists at most three names of the catalogue: those that differ in a few letters,
// and then those that share most words with name.
func nearNames(name string) []string {
	var names []string
	for _, other := range append(samePublished(name), append(mistypedNames(name), mistypedModels(name)...)...) {
		if len(names) < mostNear && !slices.Contains(names, other) {
			names = append(names, other)
		}
	}
	for _, other := range sharingNames(name) {
		if len(names) < mostNear && !slices.Contains(names, other) {
			names = append(names, other)
		}
	}
	return names
}

// mistypedNames lists names of the catalogue that differ from name in a few letters, the
// nearest first. Names come from pods of anybody: few are compared, and no long ones.
func mistypedNames(name string) []string {
	const most, letters = 100, 3
	if len(name) > most {
		return nil
	}
	alike := slices.DeleteFunc(Names(), func(known string) bool {
		return len(known) < len(name)-letters || len(known) > len(name)+letters
	})
	near := nearest.Names(name, alike)
	return near[:min(len(near), mostNear)]
}

// samePublished lists the names that are equal to name but for their publisher.
func samePublished(name string) []string {
	var names []string
	for _, m := range catalogueModels() { // models before their aliases
		for _, known := range append([]string{m.Name}, m.Aliases...) {
			if strings.Contains(name, "/") && strings.EqualFold(path.Base(known), path.Base(name)) {
				names = append(names, known)
			}
		}
	}
	return names
}

// mistypedModels lists names of the catalogue that differ from name in a few letters once their publisher is
// left out, as it may be, and in name too: meta/Llama-3.1-8B-Instruct, Llama-3.1-8B-Instrct.
func mistypedModels(name string) []string {
	const most, letters = 100, 3
	wanted := path.Base(name)
	if len(name) > most || name == "" {
		return nil
	}
	full := map[string]string{}
	var bases []string
	for _, m := range catalogueModels() { // models before their aliases
		for _, known := range append([]string{m.Name}, m.Aliases...) {
			base := path.Base(known)
			if _, seen := full[base]; !seen && len(base) >= len(wanted)-letters && len(base) <= len(wanted)+letters {
				full[base] = known
				bases = append(bases, base)
			}
		}
	}
	var names []string
	for _, base := range nearest.Names(wanted, bases) {
		if !slices.Contains(names, full[base]) {
			names = append(names, full[base])
		}
	}
	return names[:min(len(names), mostNear)]
}

// sharingNames lists at most three names of the catalogue that share most words with name.
func sharingNames(name string) []string {
	type candidate struct {
		name  string
		score int
	}
	wanted := nameWords(name)
	var candidates []candidate
	for i, known := range sortedNames() {
		score := 0
		for _, word := range wordsOfNames()[i] {
			if slices.Contains(wanted, word) {
				score += len(word)
			}
		}
		if score >= 4 {
			candidates = append(candidates, candidate{known, score - len(known)/8})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return b.score - a.score })
	var names []string
	for _, c := range candidates[:min(mostNear, len(candidates))] {
		names = append(names, c.name)
	}
	return names
}

// wordsOfNames are the words of each of sortedNames.
var wordsOfNames = sync.OnceValue(func() [][]string {
	words := make([][]string, 0, len(sortedNames()))
	for _, name := range sortedNames() {
		words = append(words, nameWords(name))
	}
	return words
})

func nameWords(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("/-_. ", r) })
}
