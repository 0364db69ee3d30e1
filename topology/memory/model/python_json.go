package model

import "bytes"

// nonFinite are the numbers that Python writes into JSON, which JSON has not. Transformers and the
// engines read configs with them.
var nonFinite = [][]byte{[]byte("-Infinity"), []byte("Infinity"), []byte("NaN")}

// StandardJSON is a text as Python's json module writes it with null in the place of the numbers that are
// no JSON. Lines stay where they are.
func StandardJSON(text []byte) []byte {
	var out []byte
	copied, inString := 0, false
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case inString && c == '\\':
			at++
		case c == '"':
			inString = !inString
		case !inString && (c == '-' || c == 'I' || c == 'N'):
			for _, word := range nonFinite {
				if bytes.HasPrefix(text[at:], word) {
					out = append(append(out, text[copied:at]...), "null"...)
					at += len(word) - 1
					copied = at + 1
					break
				}
			}
		}
	}
	if copied == 0 {
		return text
	}
	return append(out, text[copied:]...)
}
