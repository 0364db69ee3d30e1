package launch

import (
	"strings"
)

// flagDialect is how a server reads its command line.
type flagDialect struct {
	settings []flagSetting
	byName   map[string]*flagSetting
	// words is how many words may stand without a flag.
	words int
	// lenient says that the server overlooks flags that it does not know.
	lenient bool
	// underscores says that the server's own documents write _ in names, which settings
	// spell with dashes.
	underscores bool
	// config is the flag that names a file of flags, "" for none.
	config string
	// begin runs before flags are applied, finish after them.
	begin, finish func(*flagReader) error
}

// findFlag looks a flag up as argparse does: by its spelling, or by the beginning of
// only one. negated is set for --no-name.
func (d *flagDialect) findFlag(name string) (found *flagSetting, negated bool) {
	if !strings.HasPrefix(name, "--") {
		return d.findExact(name), false
	}
	if found = d.findExact(name); found != nil {
		return found, false
	}
	if positive, cut := strings.CutPrefix(name, "--no-"); cut {
		if found = d.findExact("--" + positive); found != nil && found.takes == takesNone {
			return found, true
		}
	}
	for i := range d.settings {
		for _, spelling := range d.settings[i].names {
			if len(name) > 4 && strings.HasPrefix(spelling, name) {
				if found != nil && found != &d.settings[i] {
					return nil, false
				}
				found = &d.settings[i]
			}
		}
	}
	return found, false
}

func (d *flagDialect) findExact(name string) *flagSetting { return d.byName[name] }

// withIndex readies a dialect for use. The first setting of a name counts.
func (d *flagDialect) withIndex() *flagDialect {
	d.byName = map[string]*flagSetting{}
	for i := range d.settings {
		for _, name := range d.settings[i].names {
			if _, taken := d.byName[name]; !taken {
				d.byName[name] = &d.settings[i]
			}
		}
	}
	return d
}

// canonicalName writes a flag as d.settings do: with dashes, up to the first point.
func canonicalName(name string) string {
	if !strings.HasPrefix(name, "--") {
		return name
	}
	head, tail, dotted := strings.Cut(name, ".")
	head = strings.ReplaceAll(head, "_", "-")
	if dotted {
		return head + "." + tail
	}
	return head
}

// isFlagWord reports whether a word is a flag rather than a value.
func isFlagWord(text string) bool {
	if len(text) < 2 || text[0] != '-' || hasUnknown(text) && indexUnknown(text) < 2 {
		return false
	}
	if _, err := parseFraction(text); err == nil {
		return false // a negative number
	}
	name, _, _ := strings.Cut(text, "=")
	return !strings.ContainsAny(name, " \n")
}
