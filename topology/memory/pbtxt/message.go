package pbtxt

import (
	"fmt"
)

// Message is a message's fields in the order of the text; a field may stand several times.
type Message []Field

// Field is one field: a message, or the text of a scalar, without quotes.
type Field struct {
	Name   string
	Text   string
	Nested Message
	// IsNested says that the field is a message, which may be empty.
	IsNested bool
	Line     int
}

// Bounds on texts that come from anybody.
const (
	maxText  = 1 << 20
	maxDepth = 32
)

// Parse reads a text. Errors name the line.
func Parse(text string) (Message, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("longer than %d bytes", maxText)
	}
	p := &textParser{textScanner: textScanner{text: text, line: 1}}
	m, err := p.readFields(0, "")
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return m, nil
}

type textParser struct{ textScanner }

// readFields reads fields up to the closing bracket, or the end.
func (p *textParser) readFields(depth int, closing string) (Message, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("messages within messages, more than %d deep", maxDepth)
	}
	var m Message
	for {
		t, err := p.nextToken()
		switch {
		case err != nil:
			return nil, err
		case t.kind == endToken && closing == "":
			return m, nil
		case t.text == closing && t.kind == signToken:
			return m, nil
		case t.kind == signToken && (t.text == "," || t.text == ";"):
			continue
		case t.kind != wordToken:
			return nil, fmt.Errorf("%q where a field's name should stand", t.text)
		}
		fields, err := p.readValue(t.text, depth)
		if err != nil {
			return nil, err
		}
		m = append(m, fields...)
	}
}

// readValue reads what stands behind a field's name: several fields for a list.
func (p *textParser) readValue(name string, depth int) ([]Field, error) {
	line := p.line
	t, err := p.nextToken()
	if err == nil && t.kind == signToken && t.text == ":" {
		t, err = p.nextToken()
	}
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind == signToken && (t.text == "{" || t.text == "<"):
		nested, err := p.readFields(depth+1, closings[t.text])
		return []Field{{Name: name, Nested: nested, IsNested: true, Line: line}}, err
	case t.kind == signToken && t.text == "[":
		return p.readList(name, depth)
	case t.kind == wordToken || t.kind == stringToken:
		return []Field{{Name: name, Text: t.text, Line: line}}, nil
	}
	return nil, fmt.Errorf("field %s has no value", name)
}

var closings = map[string]string{"{": "}", "<": ">"}

// readList reads [a, b] as the field once for each.
func (p *textParser) readList(name string, depth int) ([]Field, error) {
	var all []Field
	for {
		line := p.line
		t, err := p.nextToken()
		switch {
		case err != nil:
			return nil, err
		case t.kind == signToken && t.text == "]":
			return all, nil
		case t.kind == signToken && t.text == ",":
		case t.kind == signToken && (t.text == "{" || t.text == "<"):
			nested, err := p.readFields(depth+1, closings[t.text])
			if err != nil {
				return nil, err
			}
			all = append(all, Field{Name: name, Nested: nested, IsNested: true, Line: line})
		case t.kind == wordToken || t.kind == stringToken:
			all = append(all, Field{Name: name, Text: t.text, Line: line})
		default:
			return nil, fmt.Errorf("the list of %s is not closed", name)
		}
	}
}
