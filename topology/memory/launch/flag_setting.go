package launch

import (
	"fmt"
	"strings"
)

// flagArity is how many words a flag takes.
type flagArity int8

const (
	takesOne     flagArity = iota
	takesNone              // --enforce-eager, and --no-enforce-eager
	takesSeveral           // one or more, up to the next flag
)

// flagSetting is one flag of a server.
type flagSetting struct {
	// names are all its spellings, the one to show first.
	names []string
	takes flagArity
	// env is the environment variable that says the same, "" for none.
	env string
	// fields are what it may set.
	fields []Field
	// read sets them. It sees no unknown text. nil ignores the flag: it has no bearing
	// on memory.
	read func(*flagReader, givenFlag) error
	// object says that --name.key value is a way to write its JSON, partial that read
	// copes with unknown text among the members.
	object, partial bool
}

// givenFlag is a flag as it was given.
type givenFlag struct {
	name, text, place string
	list              []string // of flags that take many
	negated           bool
	object            map[string]any // of dotted flags
}

// whereGiven says where a flag was given, for people.
func (g givenFlag) whereGiven() string {
	words := strings.TrimSpace(g.name + " " + g.text)
	if len(words) > 120 {
		words = words[:120] + "..."
	}
	if g.place == "" {
		return words
	}
	return g.place + ": " + words
}

// RefusedNumber is an error about a number with which no release of an engine starts,
// stated in the pod itself.
type RefusedNumber struct{ err error }

func (e *RefusedNumber) Error() string { return e.err.Error() }

// Unwrap is the error itself.
func (e *RefusedNumber) Unwrap() error { return e.err }

// refuseNumber is refuseValue for a number that is out of bounds. Text that something may
// still be put into is not a number.
func (g givenFlag) refuseNumber(format string, args ...any) error {
	err := g.refuseValue(format, args...)
	if strings.ContainsAny(g.text, "${<") {
		return err
	}
	return &RefusedNumber{err}
}

func (g givenFlag) refuseValue(format string, args ...any) error {
	err := fmt.Errorf("%s: %w", g.whereGiven(), fmt.Errorf(format, args...))
	if strings.Contains(g.text, "$") {
		return fmt.Errorf("%w (no shell puts variables in here: Kubernetes replaces $(NAME))", err)
	}
	return err
}
