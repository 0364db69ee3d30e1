package launch

import (
	"strings"
)

// word reads one word. It is empty if no word begins here.
func (p *parser) word() (word, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var w word
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			w = append(w, part{text: plain.String()})
			plain.Reset()
		}
	}
	for p.at < len(p.text) {
		c := p.peek()
		switch {
		case c == '\\':
			if p.take("\\\n") {
				continue
			}
			p.at++
			if p.at < len(p.text) {
				flush()
				w = append(w, part{quoted: true, text: string(p.text[p.at])})
				p.at++
			}
			continue
		case c == '\'':
			flush()
			inside, _, closed := strings.Cut(p.text[p.at+1:], "'")
			if !closed {
				return nil, p.errorf("' is not closed")
			}
			w = append(w, part{quoted: true, text: inside})
			p.at += len(inside) + 2
			continue
		case c == '"':
			flush()
			p.at++
			parts, err := p.quoted()
			if err != nil {
				return nil, err
			}
			w = append(w, parts...)
			continue
		case c == '$' || c == '`':
			flush()
			found, err := p.dollar(false)
			if err != nil {
				return nil, err
			}
			w = append(w, found)
			continue
		case (c == '<' || c == '>') && len(w) == 0 && plain.Len() == 0 && p.at+1 < len(p.text) && p.text[p.at+1] == '(':
			start := p.at
			p.at += 2
			if err := p.skipTo(")"); err != nil {
				return nil, err
			}
			w = append(w, part{opaque: p.text[start:p.at], because: "the shell runs it"})
			continue
		case strings.IndexByte(" \t\n;&|()<>", c) >= 0:
			flush()
			return w, nil
		}
		plain.WriteByte(c)
		p.at++
	}
	flush()
	return w, nil
}

// someWord reads a word where there must be one.
func (p *parser) someWord() (word, error) {
	start := p.at
	w, err := p.word()
	if err == nil && p.at == start {
		err = p.errorf("%q is not expected here", p.rest(12))
	}
	return w, err
}

// quoted reads the inside of double quotes and the closing one.
func (p *parser) quoted() (word, error) {
	w := word{{quoted: true}} // "" is a word
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			w = append(w, part{quoted: true, text: plain.String()})
			plain.Reset()
		}
	}
	for p.at < len(p.text) {
		switch c := p.peek(); {
		case c == '"':
			p.at++
			flush()
			return w, nil
		case c == '\\' && p.at+1 < len(p.text):
			switch next := p.text[p.at+1]; next {
			case '\n':
			case '$', '`', '"', '\\':
				plain.WriteByte(next)
			default:
				plain.WriteString(p.text[p.at : p.at+2])
			}
			p.at += 2
		case c == '$' || c == '`':
			flush()
			found, err := p.dollar(true)
			if err != nil {
				return nil, err
			}
			w = append(w, found)
		default:
			plain.WriteByte(c)
			p.at++
		}
	}
	return nil, p.errorf(`" is not closed`)
}

// skipTo goes past a closing bracket, minding quotes and brackets within.
func (p *parser) skipTo(closing string) error {
	if err := p.deeper(); err != nil {
		return err
	}
	defer func() { p.depth-- }()
	opening := map[string]string{")": "(", "}": "{"}[closing]
	for p.at < len(p.text) {
		switch {
		case p.take(closing):
			return nil
		case p.take(opening):
			if err := p.skipTo(closing); err != nil {
				return err
			}
		case p.peek() == '\\':
			p.at += 2
		case p.peek() == '\'':
			inside, _, closed := strings.Cut(p.text[p.at+1:], "'")
			if !closed {
				return p.errorf("' is not closed")
			}
			p.at += len(inside) + 2
		case p.peek() == '"':
			p.at++
			if _, err := p.quoted(); err != nil {
				return err
			}
		default:
			p.at++
		}
	}
	p.at = len(p.text)
	return p.errorf("%s is missing", closing)
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'e': "\x1b", 'f': "\f", 'v': "\v", '?': "?"}

// ansi reads the rest of $'...'.
func (p *parser) ansi() (part, error) {
	start := p.at
	var text strings.Builder
	known := true
	for p.at < len(p.text) {
		c := p.peek()
		p.at++
		switch {
		case c == '\'' && known:
			return part{quoted: true, text: text.String()}, nil
		case c == '\'':
			return part{quoted: true, opaque: "$'" + p.text[start:p.at], because: "the shell decodes it"}, nil
		case c == '\\' && p.at < len(p.text):
			escaped, found := escapes[p.peek()]
			known = known && found
			text.WriteString(escaped)
			p.at++
		default:
			text.WriteByte(c)
		}
	}
	return part{}, p.errorf("' is not closed")
}
