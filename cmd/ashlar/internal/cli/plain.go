package cli

import (
	"strings"
	"unicode"
)

// PlainText is a text of the cluster's for a terminal: what does not print, such as an escape sequence, is
// a question mark, and so is a line break.
func PlainText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return '?'
	}, text)
}
