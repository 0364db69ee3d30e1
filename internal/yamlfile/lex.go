package yamlfile

import (
	"strings"

	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// bytesPerToken divides the bound of a file's bytes for that of its tokens. Each token
// costs the library some 400 bytes, and manifests have one for every 8 bytes or more.
const bytesPerToken = 8

// countTokens is at least the number of tokens that the library makes of a text up to the
// first that is invalid, without making them. Indicators count wherever they are, also in
// quotes, comments and block scalars.
func countTokens(text string) int {
	count, quotes := 0, 0
	pending := false   // there is text since the last indicator or line break
	directive := false // in which each word is a token
	end := func() {
		if pending {
			count++
		}
		pending = false
	}
	for i := range len(text) {
		switch c := text[i]; c {
		case '\n', '\r':
			end()
			directive = false
			if strings.HasPrefix(text[i+1:], "...") {
				count++
			}
		case ' ', '\t':
			if directive {
				end()
			}
		case '[', ']', '{', '}', ',', ':', '!', '#':
			end()
			count++
		case '&', '*', '|', '>': // with a name or a text
			end()
			count += 2
		case '%':
			end()
			count++
			directive = true
		case '-', '?':
			if i+1 == len(text) || strings.IndexByte(" \t\r\n", text[i+1]) >= 0 {
				end()
				count++
			} else {
				pending = true
			}
		case '"', '\'':
			quotes++
			pending = false // it is the text in quotes, or goes on
		default:
			pending = true
		}
	}
	end()
	return count + (quotes+1)/2
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
