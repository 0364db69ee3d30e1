package admission

import (
	"regexp"
	"slices"
	"strings"
)

// longestWarning is how long the API server lets a warning be before it may cut it.
const longestWarning = 256

// mostWarnings is how many there are at most: all together have 4 KiB.
const mostWarnings = 15

// shortenWarnings are warnings as clients show them: in one line each, each once, none longer
// than the API server passes on.
func shortenWarnings(all []string) []string {
	var short []string
	for _, text := range all {
		text = shortenWarning(oneLine(text))
		if text != "" && !slices.Contains(short, text) && len(short) < mostWarnings {
			short = append(short, text)
		}
	}
	return short
}

// asides are explanations in brackets.
var asides = regexp.MustCompile(` \([^()]*\)`)

// shortenWarning leaves out what explains where not all has room: what is in brackets, then the clauses
// between cause and remedy.
func shortenWarning(text string) string {
	if len(text) > longestWarning {
		text = asides.ReplaceAllString(text, "")
	}
	if len(text) <= longestWarning {
		return text
	}
	if clauses := strings.Split(text, ": "); len(clauses) > 2 {
		short := clauses[0] + ": " + clauses[len(clauses)-1]
		if len(clauses[0]) < 40 && len(clauses) > 3 {
			short = clauses[0] + ": " + clauses[1] + ": " + clauses[len(clauses)-1]
		}
		if len(short) <= longestWarning {
			return short
		}
	}
	const dots = "..."
	cut := text[:longestWarning-len(dots)]
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	return strings.ToValidUTF8(cut, "") + dots
}

// oneLine keeps text in one line.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?")))
}
