package yamlfile

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// What the library reads past, although it is no YAML, or YAML for something else.
const (
	followsValue   = "is not YAML: a value ends before this: put the whole in quotes, or this on a line of its own"
	missingComma   = "is not YAML: a comma is missing before this"
	missingItem    = "is not YAML: nothing is before this comma: take it out"
	noOpenBracket  = "is not YAML: there is no such bracket to close: put the text in quotes"
	strangeStart   = "is not YAML: a text may not start with such a character: put it in quotes"
	bracketInText  = "is not YAML: a text between brackets has a bracket or comma in it: put it in quotes"
	tabInText      = "has a tab in a text without quotes: put it in quotes"
	tabInQuotes    = "has a tab in double quotes: write \\t, or single quotes"
	commentInText  = "has a comment in a text without quotes: put it in quotes"
	mergeInName    = "is no merge key, as more than << is before the colon: put the name in quotes"
	wideStart      = "starts with an empty line that has more spaces than the text: take the spaces out"
	noSpace        = "is not read: put a space after the colon, or the whole in quotes"
	explicitKey    = "is not read: a field's name must be a word, and have a value: write name: value"
	noPlainStart   = ",[]{}#&*!|>'\"%@`"
	flowIndicators = ",[]{}"
)

// strayProblem says what is wrong with a token where it stands, "" if it is fine.
func strayProblem(next *token.Token, inFlow bool) string {
	afterValue := endsValue(next.Prev) && startsValue(next)
	switch {
	case afterValue && inFlow:
		return missingComma
	case afterValue && blockHeader(next.Prev) == nil && lastLine(next.Prev) == next.Position.Line:
		return followsValue
	case next.Type == token.CollectEntryType && isOpening(next.PreviousType()):
		return missingItem
	case inFlow && isBareColon(next.Prev) && startsValue(next) && strings.TrimLeft(next.Origin, " \t\r\n") == next.Origin:
		return noSpace
	case next.Type == token.MergeKeyType && strings.TrimSpace(next.Origin) != "<<":
		return mergeInName
	case hasWideStart(next):
		return wideStart
	case next.Type == token.MappingKeyType && !isSimpleKey(next, inFlow):
		return explicitKey
	case next.Type == token.DoubleQuoteType && hasInnerTab(next.Origin):
		return tabInQuotes
	case isPlain(next):
		return plainProblem(next, inFlow)
	}
	return ""
}

// plainProblem says what is wrong with a text without quotes.
func plainProblem(text *token.Token, inFlow bool) string {
	switch {
	case text.Value != "" && strings.IndexByte(noPlainStart, text.Value[0]) >= 0:
		return strangeStart
	case inFlow && strings.ContainsAny(text.Value, flowIndicators):
		return bracketInText
	case strings.Contains(text.Value, " #"):
		return commentInText
	case hasInnerTab(text.Origin):
		return tabInText
	}
	return ""
}

// hasInnerTab reports whether a tab is between the words of a line. The library drops it, or
// in double quotes what follows them.
func hasInnerTab(origin string) bool {
	if !strings.Contains(origin, "\t") {
		return false
	}
	for line := range strings.FieldsFuncSeq(origin, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.Contains(strings.Trim(line, " \t"), "\t") {
			return true
		}
	}
	return false
}

// isSimpleKey reports whether the ? is before a scalar, and that before a colon: below the ?,
// or anywhere between brackets.
func isSimpleKey(question *token.Token, inFlow bool) bool {
	next := question.Next
	for next != nil && (next.Type == token.TagType || next.Type == token.AnchorType) {
		if next.Type == token.AnchorType && next.Next != nil {
			next = next.Next
		}
		next = next.Next
	}
	if next != nil && (next.Type == token.LiteralType || next.Type == token.FoldedType || next.Type == token.AliasType) {
		next = next.Next
	}
	if next == nil || !isScalar(next) {
		return false
	}
	for next = next.Next; next != nil && next.Type == token.CommentType; {
		next = next.Next
	}
	if next == nil || next.Type != token.MappingValueType {
		return false
	}
	return inFlow || next.Position.Line > question.Position.Line && next.Position.Column == question.Position.Column
}

// isScalar reports whether a token is a text, in quotes or without, or the name of an
// anchor or alias.
func isScalar(t *token.Token) bool {
	switch t.Type {
	case token.SingleQuoteType, token.DoubleQuoteType, token.NullType, token.InfinityType, token.NanType, token.IntegerType,
		token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType, token.FloatType, token.StringType, token.BoolType:
		return true
	}
	return false
}

// isBareColon reports whether a token is the colon after a name without quotes. The library
// ends the name there, and YAML only before a space.
func isBareColon(t *token.Token) bool {
	return t != nil && t.Type == token.MappingValueType && t.Prev != nil && isPlain(t.Prev)
}

// isOpening reports whether an item is to follow: after a bracket or comma.
func isOpening(kind token.Type) bool {
	return kind == token.SequenceStartType || kind == token.MappingStartType || kind == token.CollectEntryType
}

func isQuoted(t *token.Token) bool {
	return t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
}

func isPlain(t *token.Token) bool { return isScalar(t) && !isQuoted(t) && blockHeader(t) == nil }

func endsValue(t *token.Token) bool {
	if t == nil {
		return false
	}
	return isScalar(t) && t.PreviousType() != token.AnchorType || t.Type == token.SequenceEndType || t.Type == token.MappingEndType
}

func startsValue(t *token.Token) bool {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType, token.AnchorType, token.AliasType, token.TagType, token.LiteralType,
		token.FoldedType, token.MergeKeyType, token.SequenceEntryType, token.MappingKeyType:
		return true
	}
	return isScalar(t)
}

// lastLine is the one in which a token ends; texts in quotes have several.
func lastLine(t *token.Token) int {
	if !isQuoted(t) {
		return t.Position.Line
	}
	text := strings.TrimLeft(t.Origin, " \t\r\n")
	return t.Position.Line + strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}
