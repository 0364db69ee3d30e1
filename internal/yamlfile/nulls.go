package yamlfile

import (
	"github.com/goccy/go-yaml/token"
)

// withNulls adds the nulls that a document's empty items and fields stand for, and anchors and
// tags without a value. The library takes what follows them for their value, whatever it is
// indented.
func withNulls(document token.Tokens) token.Tokens {
	var with token.Tokens
	flow, line, key := 0, 0, 0
	for i, next := range document {
		with = append(with, next)
		if next.Position.Line != line {
			line, key = next.Position.Line, 0
		}
		if next.Type != token.SequenceEntryType && next.Type != token.DocumentHeaderType && key == 0 {
			key = next.Position.Column
		}
		switch next.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		}
		parent := parentColumn{column: key}
		switch {
		case next.Type == token.MappingValueType:
		case next.Type == token.SequenceEntryType:
			parent = parentColumn{column: next.Position.Column, isItem: true}
		case isProperty(next) && flow > 0: // there indentation says nothing
		case isProperty(next):
			parent = parentOf(document, i)
		default:
			continue
		}
		if lacksValue(next, followingToken(document, i), parent, flow > 0) {
			with = append(with, nullAfter(next))
		}
	}
	return with
}

// parentColumn is where an item or field starts: what is not to the right of it is not in it,
// but for the items of a field.
type parentColumn struct {
	column int
	isItem bool
}

// isProperty reports whether a token ends an anchor or a tag.
func isProperty(t *token.Token) bool {
	return t.Type == token.TagType || t.PreviousType() == token.AnchorType
}

// parentOf is the item or field whose value the property at i is of.
func parentOf(document token.Tokens, i int) parentColumn {
	for i--; i >= 0; i-- {
		switch before := document[i]; {
		case before.Type == token.SequenceEntryType:
			return parentColumn{column: before.Position.Column, isItem: true}
		case before.Type == token.MappingValueType:
			return parentColumn{column: fieldColumn(document, i)}
		case !isProperty(before) && before.Type != token.AnchorType && before.Type != token.CommentType:
			return parentColumn{}
		}
	}
	return parentColumn{}
}

// fieldColumn is where the field of the colon at i starts: at the first token of its line that
// is no dash.
func fieldColumn(document token.Tokens, i int) int {
	column := document[i].Position.Column
	for j := i; j >= 0 && document[j].Position.Line == document[i].Position.Line; j-- {
		if document[j].Type == token.SequenceEntryType || document[j].Type == token.DocumentHeaderType {
			break
		}
		column = document[j].Position.Column
	}
	return column
}

// followingToken is the next one that is no comment, nil at the end.
func followingToken(document token.Tokens, i int) *token.Token {
	for _, next := range document[i+1:] {
		if next.Type != token.CommentType {
			return next
		}
	}
	return nil
}

// lacksValue reports whether the token that follows a colon, dash or property is not its value.
func lacksValue(t, following *token.Token, parent parentColumn, inFlow bool) bool {
	switch {
	case following == nil:
		return isProperty(t)
	case inFlow:
		switch following.Type {
		case token.CollectEntryType, token.SequenceEndType, token.MappingEndType:
			return isProperty(t)
		}
		return false
	case following.Position.Line == t.Position.Line:
		return false
	case following.Type == token.SequenceEntryType && !parent.isItem:
		return following.Position.Column < parent.column
	}
	return following.Position.Column <= parent.column
}

// nullAfter is a null as the library makes them for fields without a value.
func nullAfter(t *token.Token) *token.Token {
	at := *t.Position
	at.Column += 2
	null := token.New("null", " null", &at)
	null.Type = token.ImplicitNullType
	null.Prev, null.Next = t, t.Next
	return null
}
