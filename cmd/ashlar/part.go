package main

import (
	"fmt"
	"strconv"
	"strings"
)

// part is a flag's value: which part of a sweep to run, "3/20" for the fourth of 20.
// The zero part is all of it.
type part struct{ index, of int }

// maxParts bounds how many parts a sweep is divided into.
const maxParts = 100_000

// String implements pflag.Value.
func (p *part) String() string {
	if p.of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.index, p.of)
}

// Type implements pflag.Value.
func (p *part) Type() string { return "INDEX/PARTS" }

// Set implements pflag.Value.
func (p *part) Set(text string) error {
	first, second, _ := strings.Cut(text, "/")
	index, err := strconv.Atoi(first)
	of, errOf := strconv.Atoi(second)
	if err != nil || errOf != nil || of < 1 || of > maxParts || index < 0 || index >= of {
		return fmt.Errorf("want an index from 0 and the number of parts, like 0/20, not %q", text)
	}
	*p = part{index, of}
	return nil
}

// partOf takes every parts-th element: neighbours, which cost alike, go to different parts.
func partOf[T any](p part, all []T) []T {
	if p.of == 0 {
		return all
	}
	var mine []T
	for i := p.index; i < len(all); i += p.of {
		mine = append(mine, all[i])
	}
	return mine
}
