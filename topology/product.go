package topology

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// makers are the words before a product's own name, which drivers and tools print or
// leave out: "A100-SXM4-40GB" is what drivers before 470 call "NVIDIA A100-SXM4-40GB".
var makers = []string{"nvidia", "tesla", "geforce", "quadro"}

// sxmSocket is the form factor with its generation, which early drivers leave out:
// "A100-SXM-80GB" is A100-SXM4-80GB.
var sxmSocket = regexp.MustCompile(`^sxm[0-9]?$`)

// SameProduct reports whether two product names are one product's: with or without
// "NVIDIA", "Tesla", "GeForce" or "Quadro" before it, and whatever the case and what
// separates its words (labels of nodes have dashes). An empty name is no product's.
func SameProduct(a, b string) bool {
	words := productWords(a)
	return len(words) > 0 && slices.EqualFunc(words, productWords(b), func(a, b string) bool {
		return a == b || (a == "sxm" || b == "sxm") && sxmSocket.MatchString(a) && sxmSocket.MatchString(b)
	})
}

// productWords are the words of a product name that tell it from others.
func productWords(name string) []string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for len(words) > 1 && slices.Contains(makers, words[0]) {
		words = words[1:]
	}
	return words
}
