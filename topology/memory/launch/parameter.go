package launch

import (
	"strings"
)

// dollar reads what begins with $ or a backtick.
func (p *parser) dollar(quoted bool) (part, error) {
	start := p.at
	opaque := func(because string) part {
		return part{quoted: quoted, opaque: p.text[start:p.at], because: because}
	}
	if p.take("`") {
		for p.at < len(p.text) && p.peek() != '`' {
			if p.peek() == '\\' {
				p.at++
			}
			p.at++
		}
		if p.at >= len(p.text) {
			return part{}, p.errorf("` is not closed")
		}
		p.at++
		return opaque("the shell runs it"), nil
	}
	if p.has("$((") {
		p.at++
		found, err := p.arithmetic()
		found.quoted = quoted
		return found, err
	}
	if p.take("$(") {
		if err := p.skipTo(")"); err != nil {
			return part{}, err
		}
		return opaque("the shell runs it"), nil
	}
	if !quoted && p.take("$'") {
		return p.ansi()
	}
	if !quoted && p.has(`$"`) {
		p.at++
		return part{quoted: true}, nil // a translated string: the quotes follow
	}
	if p.take("${") {
		return p.parameter(quoted)
	}
	p.at++ // the $
	switch c := p.peek(); {
	case c == '@' || c == '*' || '0' <= c && c <= '9':
		p.at++
		return part{quoted: quoted, name: string(c)}, nil
	case strings.IndexByte("#?$!-", c) >= 0 && c != 0:
		p.at++
		return opaque("the shell counts it"), nil
	}
	end := p.at
	for end < len(p.text) && isName(p.text[end]) {
		end++
	}
	if end == p.at {
		return part{quoted: quoted, text: "$"}, nil
	}
	name := p.text[p.at:end]
	p.at = end
	return part{quoted: quoted, name: name}, nil
}

// operators of ${NAME...} that can be worked out, longest first.
var operators = []string{":-", ":=", ":+", ":?", "-", "=", "+", "?"}

// parameter reads the rest of ${...}.
func (p *parser) parameter(quoted bool) (part, error) {
	start := p.at
	end := start
	if end < len(p.text) && (p.text[end] == '@' || p.text[end] == '*') {
		end++
	}
	for end < len(p.text) && isName(p.text[end]) {
		end++
	}
	found := part{quoted: quoted, name: p.text[start:end]}
	p.at = end
	if p.take("[@]") || p.take("[*]") {
		found.name += "[@]"
	}
	if found.name != "" {
		if p.take("}") {
			return found, nil
		}
		for _, operator := range operators {
			if !p.take(operator) {
				continue
			}
			found.operator = strings.TrimSuffix(operator, "?")
			operand, err := p.operand(quoted)
			found.operand = operand
			if strings.HasSuffix(operator, "?") {
				found.operator, found.operand = "", nil
			}
			return found, err
		}
	}
	// ${#NAME}, ${NAME%.*}, ${NAME/a/b}, ${!NAME}: more than this package works out.
	p.at = start
	if err := p.skipTo("}"); err != nil {
		return part{}, err
	}
	return part{quoted: quoted, opaque: "${" + p.text[start:p.at], because: "the shell works it out"}, nil
}

// operand reads the word after an operator up to the closing brace.
func (p *parser) operand(quoted bool) (word, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var w word
	for p.at < len(p.text) {
		switch c := p.peek(); {
		case c == '}':
			p.at++
			return w, nil
		case c == '"':
			p.at++
			parts, err := p.quoted()
			if err != nil {
				return nil, err
			}
			w = append(w, parts...)
		case c == '\'' && !quoted:
			inside, _, closed := strings.Cut(p.text[p.at+1:], "'")
			if !closed {
				return nil, p.errorf("' is not closed")
			}
			w = append(w, part{quoted: true, text: inside})
			p.at += len(inside) + 2
		case c == '\\' && p.at+1 < len(p.text):
			w = append(w, part{quoted: true, text: string(p.text[p.at+1])})
			p.at += 2
		case c == '$' || c == '`':
			found, err := p.dollar(quoted)
			if err != nil {
				return nil, err
			}
			w = append(w, found)
		default:
			end := p.at + 1
			for end < len(p.text) && strings.IndexByte("}\"'\\$`", p.text[end]) < 0 {
				end++
			}
			w = append(w, part{quoted: quoted, text: p.text[p.at:end]})
			p.at = end
		}
	}
	return nil, p.errorf("} is missing")
}
