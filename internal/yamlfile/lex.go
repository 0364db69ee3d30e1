package yamlfile

import (
	"slices"
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

// withAnchoredNull adds the null that an anchor without a value stands for at the end of a
// document, which the library takes for an error. Elsewhere it adds one itself.
func withAnchoredNull(document token.Tokens) token.Tokens {
	last := len(document) - 1
	for last >= 0 && document[last].Type == token.CommentType {
		last--
	}
	if last < 1 || document[last-1].Type != token.AnchorType {
		return document
	}
	at := *document[last].Position
	at.Column += len(document[last].Value) + 1
	null := token.New("null", " null", &at)
	null.Type = token.ImplicitNullType
	null.Prev, null.Next = document[last], document[last].Next
	return slices.Insert(document, last+1, null)
}
