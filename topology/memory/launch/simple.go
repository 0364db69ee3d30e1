package launch

import (
	"regexp"
	"slices"
	"strings"
)

var assignmentHead = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(\[[^\]=\s]*\])?(\+?)=`)

func (p *parser) simple() (node, error) {
	s := &simple{at: p.at}
	test := false // inside [[ ]], where < > && || ( ) are words
	for {
		p.blanks()
		if p.at >= len(p.text) || p.peek() == '\n' && !test {
			break
		}
		if test {
			closed, err := p.testWord(s)
			if err != nil {
				return nil, err
			}
			test = !closed
			continue
		}
		if found, err := p.redirection(); err != nil {
			return nil, err
		} else if found {
			continue
		}
		if strings.IndexByte(";&|()", p.peek()) >= 0 {
			break
		}
		declares := len(s.words) > 0 && slices.Contains(declarations, s.words[0].leading())
		if head := assignmentHead.FindStringSubmatch(p.text[p.at:]); head != nil && (len(s.words) == 0 || declares) {
			p.at += len(head[0])
			a, err := p.assignment(head[1], head[3] == "+")
			if err != nil {
				return nil, err
			}
			if head[2] != "" { // one element of an array
				a.value = word{{opaque: head[1] + head[2], because: "element of an array"}}
			}
			s.assigns = append(s.assigns, a)
			continue
		}
		w, err := p.word()
		if err != nil {
			return nil, err
		}
		s.words = append(s.words, w)
		test = len(s.words) == 1 && w.leading() == "[["
	}
	if len(s.words) == 0 && len(s.assigns) == 0 && p.at < len(p.text) && strings.IndexByte(";&|()", p.peek()) >= 0 {
		return nil, p.errorf("%q is not expected here", p.rest(12))
	}
	return s, nil
}

// declarations are commands whose arguments are assignments.
var declarations = []string{"export", "declare", "typeset", "local", "readonly"}

func (p *parser) assignment(name string, appends bool) (assignment, error) {
	a := assignment{name: name, appends: appends}
	if !p.take("(") {
		if p.at >= len(p.text) || strings.IndexByte(" \t\n;&|()", p.peek()) >= 0 {
			return a, nil
		}
		value, err := p.word()
		a.value = value
		return a, err
	}
	a.isArray = true
	for {
		p.newlines()
		if p.take(")") {
			return a, nil
		}
		if p.at >= len(p.text) || strings.IndexByte(";&|(", p.peek()) >= 0 {
			return a, p.errorf(") is missing after an array")
		}
		w, err := p.someWord()
		if err != nil {
			return a, err
		}
		a.array = append(a.array, w)
	}
}

// testWord reads one word of [[ ]] and reports whether it is the last.
func (p *parser) testWord(s *simple) (closed bool, err error) {
	if p.take("]]") {
		s.words = append(s.words, word{{text: "]]"}})
		return true, nil
	}
	for _, operator := range []string{"&&", "||", "(", ")", "<", ">", "\n"} {
		if p.take(operator) {
			s.words = append(s.words, word{{text: operator}})
			return false, nil
		}
	}
	if len(s.words) > 0 && s.words[len(s.words)-1].leading() == "=~" {
		// A regular expression may hold brackets and bars.
		end := p.at
		for end < len(p.text) && strings.IndexByte(" \t\n", p.text[end]) < 0 {
			end++
		}
		s.words = append(s.words, word{{text: p.text[p.at:end], quoted: true}})
		p.at = end
		return false, nil
	}
	if strings.IndexByte(";&|", p.peek()) >= 0 {
		return false, p.errorf("]] is missing")
	}
	w, err := p.word()
	s.words = append(s.words, w)
	return false, err
}

var redirectionHead = regexp.MustCompile(`^(?:[0-9]+|\{[A-Za-z_]+\})?(?:<<<|<<-?|<>|<&|>>|>&|>\||&>>|&>|<|>)`)

// redirection skips one redirection, if there is one.
func (p *parser) redirection() (bool, error) {
	head := redirectionHead.FindString(p.text[p.at:])
	if head == "" || (p.has("<(") || p.has(">(")) {
		return false, nil
	}
	p.at += len(head)
	p.blanks()
	start := p.at
	w, err := p.word()
	if err != nil {
		return false, err
	}
	if p.at == start {
		return false, p.errorf("nothing after %s", head)
	}
	if kind := strings.TrimLeft(head, "0123456789"); kind == "<<" || kind == "<<-" {
		end, _ := w.literal()
		p.documents = append(p.documents, document{end: end, tabs: kind == "<<-"})
	}
	return true, nil
}

func isName(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
