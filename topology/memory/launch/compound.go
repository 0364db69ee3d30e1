package launch

import (
	"strings"
)

// redirected skips the redirections behind a compound command.
func (p *parser) redirected(n node, err error) (node, error) {
	for err == nil {
		p.blanks()
		var found bool
		if found, err = p.redirection(); !found {
			break
		}
	}
	return n, err
}

func (p *parser) ifCommand() (node, error) {
	b := &branch{}
	p.at += len("if")
	for {
		condition, err := p.list()
		if err != nil {
			return nil, err
		}
		if err := p.expect("then"); err != nil {
			return nil, err
		}
		body, err := p.list()
		if err != nil {
			return nil, err
		}
		b.arms = append(b.arms, arm{condition, body})
		if p.keyword("elif") == "" {
			break
		}
		p.at += len("elif")
	}
	if p.keyword("else") != "" {
		p.at += len("else")
		body, err := p.list()
		if err != nil {
			return nil, err
		}
		b.arms, b.complete = append(b.arms, arm{body: body}), true
	}
	return p.redirected(b, p.expect("fi"))
}

func (p *parser) forCommand() (node, error) {
	p.at += len("for")
	p.blanks()
	l := &loop{}
	if p.has("((") {
		if _, err := p.arithmetic(); err != nil {
			return nil, err
		}
	} else {
		end := p.at
		for end < len(p.text) && isName(p.text[end]) {
			end++
		}
		l.variable, p.at = p.text[p.at:end], end
		p.newlines()
		if p.keyword("in") != "" {
			p.at += len("in")
			for p.blanks(); p.at < len(p.text) && p.peek() != ';' && p.peek() != '\n'; p.blanks() {
				if _, err := p.someWord(); err != nil {
					return nil, err
				}
			}
		}
	}
	p.blanks()
	p.take(";")
	return p.doDone(l)
}

func (p *parser) whileCommand() (node, error) {
	condition, err := p.list()
	if err != nil {
		return nil, err
	}
	return p.doDone(&loop{body: condition})
}

func (p *parser) doDone(l *loop) (node, error) {
	if err := p.expect("do"); err != nil {
		return nil, err
	}
	body, err := p.list()
	if err != nil {
		return nil, err
	}
	l.body = append(l.body, body...)
	return p.redirected(l, p.expect("done"))
}

func (p *parser) caseCommand() (node, error) {
	p.at += len("case")
	p.blanks()
	if _, err := p.word(); err != nil {
		return nil, err
	}
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	b := &branch{}
	for {
		p.newlines()
		if p.keyword("esac") != "" {
			return p.redirected(b, p.expect("esac"))
		}
		p.take("(")
		start := p.at
		for p.blanks(); p.at < len(p.text) && p.peek() != ')'; p.blanks() {
			if p.take("|") {
				continue
			}
			if _, err := p.someWord(); err != nil {
				return nil, err
			}
		}
		if strings.TrimSpace(p.text[start:p.at]) == "*" {
			b.complete = true
		}
		if !p.take(")") {
			return nil, p.errorf(") is missing after the patterns of a case")
		}
		body, err := p.list()
		if err != nil {
			return nil, err
		}
		b.arms = append(b.arms, arm{body: body})
		if p.take(";;&") || p.take(";;") {
			continue
		}
		if p.keyword("esac") == "" {
			return nil, p.errorf(";; is missing")
		}
	}
}

// arithmetic skips ((...)), which p is at.
func (p *parser) arithmetic() (part, error) {
	start := p.at
	p.at += 2
	for depth := 2; p.at < len(p.text); p.at++ {
		switch p.peek() {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.at++
				return part{opaque: "$" + p.text[start:p.at], because: "the shell calculates it"}, nil
			}
		}
	}
	return part{}, p.errorf(")) is missing")
}
