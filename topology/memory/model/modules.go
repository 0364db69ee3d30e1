package model

import (
	"regexp"
	"strings"
)

// maxPatterns bounds the expressions of one set: published lists have dozens.
const maxPatterns = 2048

// modules is a set of modules as quantisation tools write them: whole names, parts
// of names between dots, globs, and "re:" before a regular expression.
type modules struct {
	names    map[string]bool
	patterns []*regexp.Regexp
	// towers says that something beside the language model is named.
	towers bool
}

// towerWords are in the names of vision and audio modules.
var towerWords = []string{"vis", "tower", "audio", "projector", "mlp1", "image"}

// fused are the modules that hold several of the matrices counted here.
var fused = strings.NewReplacer(
	".q_proj", ".qkv_proj", ".k_proj", ".qkv_proj", ".v_proj", ".qkv_proj",
	".gate_proj", ".gate_up_proj", ".up_proj", ".gate_up_proj",
)

func (m *modules) add(f *fields, key string, entries ...string) {
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
			glob := strings.ReplaceAll(regexp.QuoteMeta(entry), `\*`, ".*")
			pattern = `(?:.*\.)?` + glob + `(?:\..*)?$`
		}
		if len(pattern) > 4096 || len(m.patterns) == maxPatterns {
			f.fail(key, "more or longer patterns than can be read")
			return
		}
		expression, err := regexp.Compile("^(?:" + pattern + ")")
		if err != nil {
			f.fail(key, "%v", err)
			return
		}
		m.patterns = append(m.patterns, expression)
	}
}

func (m *modules) empty() bool { return len(m.names) == 0 && len(m.patterns) == 0 }

// have reports whether a module is in the set, under any of its names.
func (m *modules) have(names []string) bool {
	if m.empty() {
		return false
	}
	for _, name := range names {
		if m.has(name) || m.has(fused.Replace(name)) {
			return true
		}
	}
	return false
}

func (m *modules) has(name string) bool {
	if len(m.names) > 0 && m.hasPart(name) {
		return true
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
func (m *modules) hasPart(name string) bool {
	parts := strings.Split(name, ".")
	for first := range parts {
		for last := first + 1; last <= len(parts); last++ {
			if m.names[strings.Join(parts[first:last], ".")] {
				return true
			}
		}
	}
	return false
}
