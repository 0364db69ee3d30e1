package model

import (
	"regexp"
	"strings"
)

// maxPatterns bounds the expressions of one set: published lists have dozens.
// maxMatches bounds how often they are matched, a second or two.
const (
	maxPatterns = 512
	maxMatches  = 1 << 20
)

// moduleSet is a set of modules as quantisation tools write them: whole names, parts
// of names between dots, globs, and "re:" before a regular expression.
type moduleSet struct {
	names    map[string]bool
	patterns []*regexp.Regexp
	// towers says that something beside the language model is named.
	towers bool
	// matches counts how often patterns were looked at.
	matches int
}

// towerWords are in the names of vision and audio modules.
var towerWords = []string{"vis", "tower", "audio", "projector", "mlp1", "image"}

// fusedNames are the modules that hold several of the matrices counted here.
var fusedNames = strings.NewReplacer(
	".q_proj", ".qkv_proj", ".k_proj", ".qkv_proj", ".v_proj", ".qkv_proj",
	".gate_proj", ".gate_up_proj", ".up_proj", ".gate_up_proj",
)

func (m *moduleSet) addEntries(f *configFields, key string, entries ...string) {
	for _, entry := range entries {
		for _, word := range towerWords {
			m.towers = m.towers || strings.Contains(entry, word)
		}
		pattern, isExpression := strings.CutPrefix(entry, "re:")
		if !isExpression && !strings.Contains(entry, "*") {
			if m.names == nil {
				m.names = map[string]bool{}
			}
			m.names[strings.Trim(entry, ".")] = true
			continue
		}
		if !isExpression {
			pattern = globPattern(entry)
		}
		if len(pattern) > 4096 || len(m.patterns) == maxPatterns {
			f.addError(key, "more or longer patterns than can be read")
			return
		}
		expression, err := compilePattern(pattern)
		if err != nil {
			f.addError(key, "%v", err)
			return
		}
		m.patterns = append(m.patterns, expression)
	}
}

func (m *moduleSet) isEmpty() bool { return len(m.names) == 0 && len(m.patterns) == 0 }

// hasAny reports whether a module is in the set, under any of its names.
func (m *moduleSet) hasAny(names []string) bool {
	if m.isEmpty() {
		return false
	}
	for _, name := range names {
		if m.hasName(name) {
			return true
		}
		if whole := fusedNames.Replace(name); whole != name && m.hasName(whole) {
			return true
		}
	}
	return false
}

func (m *moduleSet) hasName(name string) bool {
	if len(m.names) > 0 && m.hasPart(name) {
		return true
	}
	m.matches += len(m.patterns)
	if m.matches > maxMatches {
		return false
	}
	for _, pattern := range m.patterns {
		if pattern.MatchString(name) {
			return true
		}
	}
	return false
}

// hasPart looks for every run of the name's parts, so that the length of the list
// does not matter.
func (m *moduleSet) hasPart(name string) bool {
	for first := 0; first <= len(name); {
		for last := first; last < len(name); {
			next := strings.IndexByte(name[last:], '.')
			if next < 0 {
				next = len(name) - last
			}
			if m.names[name[first:last+next]] {
				return true
			}
			last += next + 1
		}
		dot := strings.IndexByte(name[first:], '.')
		if dot < 0 {
			break
		}
		first += dot + 1
	}
	return false
}

// globPattern writes an entry with stars as an expression. It may begin after any dot of a
// name and end before one.
func globPattern(entry string) string {
	start, end := `(?:.*\.)?`, `(?:\..*)?$`
	if rest, anywhere := strings.CutPrefix(entry, "*"); anywhere {
		entry, start = rest, ".*"
	}
	if rest, anything := strings.CutSuffix(entry, "*"); anything {
		entry, end = rest, ""
	}
	return start + strings.ReplaceAll(regexp.QuoteMeta(entry), `\*`, ".*") + end
}

// compilePattern makes an expression that is matched from a name's start. One that begins
// with anything is looked for instead, which is much faster.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	rest, floats := strings.CutPrefix(pattern, ".*")
	if floats && !hasAlternatives(rest) && !strings.HasPrefix(rest, "?") {
		if _, err := regexp.Compile(pattern); err != nil {
			return nil, err
		}
		return regexp.Compile(rest)
	}
	return regexp.Compile("^(?:" + pattern + ")")
}

// hasAlternatives reports whether there may be a choice outside all parentheses.
func hasAlternatives(pattern string) bool {
	depth := 0
	for _, letter := range pattern {
		switch letter {
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth <= 0 {
				return true
			}
		}
	}
	return false
}
