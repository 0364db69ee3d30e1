package launch

import (
	"fmt"
	"regexp"
	"strings"
)

// maxNesting bounds how deep commands lie in one another.
const maxNesting = 64

// parser reads a script in the POSIX shell's language and what of bash's is common
// in pods: arrays, [[ ]], $'...', here-documents. It follows "Shell Command
// Language", IEEE Std 1003.1-2017, section 2.
type parser struct {
	text      string
	at        int
	depth     int
	documents []document // whose text begins after the next newline
}

// document is a here-document.
type document struct {
	end  string
	tabs bool
}

// parse reads a whole script.
func parse(script string) (list, error) {
	p := &parser{text: strings.ReplaceAll(script, "\r\n", "\n")}
	commands, err := p.list()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.errorf("%q is not expected here", p.rest(12))
	}
	return commands, nil
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("shell script, line %d: %w", p.line(), fmt.Errorf(format, args...))
}

func (p *parser) line() int { return 1 + strings.Count(p.text[:min(p.at, len(p.text))], "\n") }

func (p *parser) rest(n int) string { return p.text[p.at:min(len(p.text), p.at+n)] }

func (p *parser) peek() byte {
	if p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) has(prefix string) bool { return strings.HasPrefix(p.text[p.at:], prefix) }

func (p *parser) take(prefix string) bool {
	if !p.has(prefix) {
		return false
	}
	p.at += len(prefix)
	return true
}

// blanks skips spaces, tabs, continued lines and, at the start of a word, comments.
func (p *parser) blanks() {
	for p.at < len(p.text) {
		switch {
		case p.peek() == ' ' || p.peek() == '\t':
			p.at++
		case p.take("\\\n"):
		case p.peek() == '#':
			for p.at < len(p.text) && p.peek() != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}

// newlines skips blanks and empty lines.
func (p *parser) newlines() {
	for p.blanks(); p.peek() == '\n'; p.blanks() {
		p.newline()
	}
}

// newline goes to the next line, and past here-documents that begin there.
func (p *parser) newline() {
	p.at++
	for _, d := range p.documents {
		for p.at < len(p.text) {
			line, _, _ := strings.Cut(p.text[p.at:], "\n")
			p.at = min(len(p.text), p.at+len(line)+1)
			if d.tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if line == d.end {
				break
			}
		}
	}
	p.documents = nil
}

// reserved are words that end a list.
var reserved = []string{"then", "else", "elif", "fi", "do", "done", "esac", "}"}

// keyword reports the reserved word ahead, if it stands alone.
func (p *parser) keyword(words ...string) string {
	for _, w := range words {
		if !p.has(w) {
			continue
		}
		if end := p.at + len(w); end == len(p.text) || strings.IndexByte(" \t\n;&|()", p.text[end]) >= 0 {
			return w
		}
	}
	return ""
}

func (p *parser) expect(word string) error {
	p.newlines()
	if p.keyword(word) == "" {
		return p.errorf("%q is missing", word)
	}
	p.at += len(word)
	return nil
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxNesting {
		return p.errorf("commands lie more than %d deep", maxNesting)
	}
	return nil
}

// list reads commands up to a closing word or bracket, which it leaves.
func (p *parser) list() (list, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var all list
	for {
		p.newlines()
		if p.at >= len(p.text) || p.peek() == ')' || p.has(";;") || p.keyword(reserved...) != "" {
			return all, nil
		}
		command, err := p.command()
		if err != nil {
			return nil, err
		}
		p.blanks()
		operator := ";"
		switch {
		case p.has(";;"):
		case p.take("&&"):
			operator = "&&"
		case p.take("||"):
			operator = "||"
		case p.take("|&"), p.take("|"):
			operator = "|"
		case p.take("&"):
			operator = "&"
		case p.take(";"):
		case p.peek() == '\n' || p.peek() == ')' || p.at >= len(p.text):
		default:
			return nil, p.errorf("%q is not expected here", p.rest(12))
		}
		all = append(all, entry{command, operator})
	}
}

var functionHead = regexp.MustCompile(`^(?:function[ \t]+)?([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\(\)`)

func (p *parser) command() (node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	for p.peek() == '!' && p.keyword("!") != "" {
		p.at++
		p.blanks()
	}
	switch p.keyword("if", "for", "while", "until", "case", "{", "select") {
	case "if":
		return p.ifCommand()
	case "for":
		return p.forCommand()
	case "while", "until":
		p.at += len("while")
		return p.whileCommand()
	case "case":
		return p.caseCommand()
	case "{":
		p.at++
		body, err := p.list()
		if err != nil {
			return nil, err
		}
		return p.redirected(&group{body: body}, p.expect("}"))
	case "select":
		return nil, p.errorf("select asks a person")
	}
	if head := functionHead.FindStringSubmatch(p.text[p.at:]); head != nil {
		p.at += len(head[0])
		p.newlines()
		body, err := p.command()
		return &function{head[1], body}, err
	}
	if p.has("((") {
		// Arithmetic may assign to variables: a word that no one can read.
		opaque, err := p.arithmetic()
		if err != nil {
			return nil, err
		}
		return &simple{at: p.at, words: []word{{{text: "let", quoted: true}}, {opaque}}}, nil
	}
	if p.take("(") {
		body, err := p.list()
		if err != nil {
			return nil, err
		}
		if !p.take(")") {
			return nil, p.errorf(") is missing")
		}
		return p.redirected(&group{body: body, subshell: true}, nil)
	}
	return p.simple()
}
