package launch

import (
	"fmt"
	"strings"
)

// arity is how many words a flag takes.
type arity int8

const (
	takesOne  arity = iota
	takesNone       // --enforce-eager, and --no-enforce-eager
	takesMany       // one or more, up to the next flag
)

// setting is one flag of a server.
type setting struct {
	// names are all its spellings, the one to show first.
	names []string
	takes arity
	// env is the environment variable that says the same, "" for none.
	env string
	// fields are what it may set, by their names in Reading and Launch.
	fields []string
	// read sets them. It sees no text with holes. nil ignores the flag: it has no bearing
	// on memory.
	read func(*application, given) error
	// object says that --name.key value is a way to write its JSON, partial that read
	// copes with holes among the members.
	object, partial bool
}

// given is a flag as it was given.
type given struct {
	name, text, place string
	list              []string // of flags that take many
	negated           bool
	object            map[string]any // of dotted flags
}

// where says where a flag was given, for people.
func (g given) where() string {
	words := strings.TrimSpace(g.name + " " + g.text)
	if len(words) > 120 {
		words = words[:120] + "..."
	}
	if g.place == "" {
		return words
	}
	return g.place + ": " + words
}

func (g given) errorf(format string, args ...any) error {
	err := fmt.Errorf("%s: %w", g.where(), fmt.Errorf(format, args...))
	if strings.Contains(g.text, "$") {
		return fmt.Errorf("%w (no shell puts variables in here: Kubernetes replaces $(NAME))", err)
	}
	return err
}
