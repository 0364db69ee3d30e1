package launch

import (
	"errors"
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

func (l *treeLowering) lowerIf(c *syntax.IfClause) (shellCommand, error) {
	b := &branchCommand{}
	for ; c != nil; c = c.Else {
		if !c.ThenPos.IsValid() { // else
			body, err := l.lowerList(c.Then)
			if err != nil {
				return nil, err
			}
			b.arms, b.complete = append(b.arms, branchArm{body: body}), true
			break
		}
		condition, err := l.lowerList(c.Cond)
		if err != nil {
			return nil, err
		}
		body, err := l.lowerList(c.Then)
		if err != nil {
			return nil, err
		}
		b.arms = append(b.arms, branchArm{condition, body})
	}
	return b, nil
}

func (l *treeLowering) lowerCase(c *syntax.CaseClause) (shellCommand, error) {
	b := &branchCommand{}
	for _, item := range c.Items {
		if item.Op == syntax.Fallthrough {
			return nil, errors.New("a case that falls through with ;& is not followed")
		}
		body, err := l.lowerList(item.Stmts)
		if err != nil {
			return nil, err
		}
		b.arms = append(b.arms, branchArm{body: body})
		b.complete = b.complete || slices.ContainsFunc(item.Patterns, func(w *syntax.Word) bool { return w.Lit() == "*" })
	}
	return b, nil
}

// lowerLoop puts the condition of a loop before its body.
func (l *treeLowering) lowerLoop(variable string, condition, body []*syntax.Stmt) (shellCommand, error) {
	first, err := l.lowerList(condition)
	if err != nil {
		return nil, err
	}
	rest, err := l.lowerList(body)
	return &loopCommand{variable: variable, body: append(first, rest...)}, err
}

func (l *treeLowering) lowerFor(c *syntax.ForClause) (shellCommand, error) {
	if c.Select {
		return nil, errors.New("select asks a person")
	}
	switch head := c.Loop.(type) {
	case *syntax.WordIter:
		return l.lowerLoop(head.Name.Value, nil, c.Do)
	case *syntax.CStyleLoop:
		for _, x := range []syntax.ArithmExpr{head.Init, head.Cond, head.Post} {
			if err := l.collectCalculated(x); err != nil {
				return nil, err
			}
		}
		calculates := l.calculates
		n, err := l.lowerLoop("", nil, c.Do)
		if err != nil {
			return nil, err
		}
		loop := n.(*loopCommand)
		loop.body = append(commandList{{command: &simpleCommand{line: c.Pos().Line(), calculates: calculates}, operator: ";"}}, loop.body...)
		return loop, nil
	}
	return nil, errors.New("a loop of a kind that is not known")
}

// lowerTime lowers "time command". What is no keyword of some shells is a program there,
// with options, so that the word stays in front.
func (l *treeLowering) lowerTime(c *syntax.TimeClause) (shellCommand, error) {
	if c.Stmt == nil {
		return &simpleCommand{line: c.Pos().Line()}, nil
	}
	body, err := l.lowerList([]*syntax.Stmt{c.Stmt})
	if err != nil {
		return nil, err
	}
	if s, isSimple := body[0].command.(*simpleCommand); isSimple && len(s.words) > 0 {
		s.words = append([]shellWord{{{text: "time"}}}, s.words...)
	}
	if len(body) == 1 && !body[0].negated {
		return body[0].command, nil
	}
	return &groupCommand{body: body}, nil
}
