package yamlfile

import (
	"strings"

	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// maxTokens bounds the tokens of a file of as many bytes at most. Each token costs the library
// some 500 bytes, and manifests have one for every 8 bytes or more.
func maxTokens(maxBytes int) int { return min(max(1, maxBytes/8), 1<<20) }

// countTokens is at least the number of tokens that the library makes of a text up to the
// first that is invalid, without making them. Indicators count wherever they are, also in
// quotes, comments and block scalars.
func countTokens(text string) int {
	count := 0
	var between wordRun
	directive := false // in which each word is a token
	indicator := func(tokens int) {
		count += between.countTokens() + tokens
		between = wordRun{}
	}
	for i := range len(text) {
		if strings.HasPrefix(text[i:], "...") && (i == 0 || text[i-1] == '\n' || text[i-1] == '\r') {
			count++
		}
		switch c := text[i]; c {
		case '\n', '\r':
			indicator(0)
			directive = false
		case ' ', '\t':
			if directive {
				indicator(0)
			}
		case '[', ']', '{', '}', ',', ':', '!', '#':
			indicator(1)
		case '&', '*', '|', '>': // with a name or a text
			indicator(2)
		case '%':
			indicator(1)
			directive = true
		case '-', '?':
			if i+1 == len(text) || strings.IndexByte(" \t\r\n", text[i+1]) >= 0 {
				indicator(1)
			} else {
				between.addChar(false)
			}
		default:
			between.addChar(c == '"' || c == '\'')
		}
	}
	return count + between.countTokens()
}

// wordRun is what is between two indicators or line breaks: texts in quotes, and then perhaps
// one without.
type wordRun struct {
	chars, quotes int
	first, last   bool // whether the first and last character are quotes
}

func (r *wordRun) addChar(quote bool) {
	if r.chars == 0 {
		r.first = quote
	}
	if r.last = quote; quote {
		r.quotes++
	}
	r.chars++
}

func (r *wordRun) countTokens() int {
	switch {
	case r.chars == 0:
		return 0
	case r.quotes%2 == 0 && r.first && r.last:
		return r.quotes / 2
	}
	return r.quotes/2 + 1
}

// maxTabCost bounds tabCost to what takes the library a second.
const maxTabCost = 1 << 28

// tabCost is how many characters the library looks at to see what follows tabs in quotes: for
// each all of the line.
func tabCost(text string) int {
	cost := 0
	for line := range strings.SplitSeq(text, "\n") {
		if tabs := strings.Count(line, "\t"); tabs > 0 {
			cost += tabs * len(line)
		}
	}
	return cost
}

// lexText makes tokens of a text, up to the first that is invalid.
func lexText(text string) token.Tokens {
	// The library ends a block scalar wrongly if no line break does.
	ended := strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\r")
	whole := text
	if !ended {
		whole += "\n"
	}
	var lines scanner.Scanner
	lines.Init(whole)
	var tokens token.Tokens
	for {
		more, err := lines.Scan()
		tokens.Add(more...)
		if err != nil {
			break
		}
	}
	for i, next := range tokens {
		if isPlain(next) && strings.ContainsAny(strings.TrimSpace(next.Origin), "\r\n") {
			next.Value = plainText(next.Origin)
		}
		header := blockHeader(next)
		if header == nil {
			continue
		}
		origin := next.Origin
		if i == len(tokens)-1 && !ended {
			origin = strings.TrimSuffix(origin, "\n")
		}
		if text, sure := blockText(header, origin); sure {
			next.Value = text
		}
	}
	return tokens
}
