package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Bounds of what is said about a file.
const (
	maxPrinted = 20   // faults that an error prints
	maxFaults  = 1000 // faults that are looked for
	maxProblem = 1000 // bytes of one
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	File string
	Position
	// Path is the field, as in "workloads[2].gpus", "" for the whole document.
	Path string
	// Problem is what is wrong and what to do about it.
	Problem string
	// meant is the field that was perhaps meant, "" if none is near.
	meant string
}

func (f *Fault) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
	if f.Path != "" {
		where += f.Path + ": "
	}
	return where + f.Problem
}

// Faults are all things that are wrong with a file.
type Faults []*Fault

// addFault notes a fault while there are not too many. What a fault quotes of the file may be
// as long as the file, and is cut.
func (f *Faults) addFault(fault *Fault) {
	if len(*f) >= maxFaults {
		return
	}
	for _, text := range []*string{&fault.Path, &fault.Problem} {
		if len(*text) > maxProblem {
			*text = strings.ToValidUTF8((*text)[:maxProblem], "") + "..."
		}
	}
	*f = append(*f, fault)
}

// Err is nil if there are none, and else an error that has them sorted by line.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return sorted
}

// Error prints a line for each, up to twenty of them.
func (f Faults) Error() string {
	var lines []string
	for _, fault := range f[:min(len(f), maxPrinted)] {
		lines = append(lines, fault.Error())
	}
	if more := len(f) - maxPrinted; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more", f[0].File, more))
	}
	return strings.Join(lines, "\n")
}

// Concern reports whether any is about the field, something above it or below it, or a
// field that was perhaps meant to be it. What else is found about such a field would only
// say again that it could not be read.
func (f Faults) Concern(path string) bool {
	return slices.ContainsFunc(f, func(fault *Fault) bool {
		return isWithin(fault.Path, path) || isWithin(path, fault.Path) || fault.meant != "" && fault.meant == path
	})
}

// isWithin reports whether the inner path is the outer one or below it.
func isWithin(inner, outer string) bool {
	rest, found := strings.CutPrefix(inner, outer)
	return found && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}
