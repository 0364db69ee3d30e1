package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// The hub's own rules, which leave no room for anything but a name: no dots that
// climb, nothing that ends a path or begins a query.
var (
	nameForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$`)
	revisionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
)

// Invalid is a hub's address, a revision or a model's name that cannot be one.
type Invalid struct{ message string }

func (e *Invalid) Error() string { return e.message }

func invalidf(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// CheckName refuses what is not a model's name.
func CheckName(model string) error {
	if !nameForm.MatchString(model) || strings.Contains(model, "..") || strings.HasSuffix(model, ".git") {
		return invalidf("%q is not a model's name on a hub: want one like meta-llama/Llama-3.1-8B-Instruct", model)
	}
	return nil
}

func checkRevision(revision string) error {
	if !revisionForm.MatchString(revision) || strings.Contains(revision, "..") || strings.Contains(revision, "//") {
		return invalidf("--revision %q: want a branch, tag or commit", revision)
	}
	return nil
}
