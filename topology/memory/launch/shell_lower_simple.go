package launch

import (
	"errors"

	"mvdan.cc/sh/v3/syntax"
)

// declarationCommands are commands whose arguments are assignments.
var declarationCommands = []string{"export", "declare", "typeset", "local", "readonly"}

func (l *treeLowering) lowerSimple(at syntax.Pos, assigns []*syntax.Assign, args []*syntax.Word) (*simpleCommand, error) {
	s := &simpleCommand{line: at.Line()}
	for _, a := range assigns {
		one, err := l.lowerAssignment(a)
		if err != nil {
			return nil, err
		}
		s.assigns = append(s.assigns, one)
	}
	if len(args) > 0 && args[0].Lit() == "else" { // the parser lets it pass
		return nil, errors.New("`else` can only be used in an `if`")
	}
	for _, arg := range args {
		w, err := l.lowerWord(arg)
		if err != nil {
			return nil, err
		}
		s.words = append(s.words, w)
	}
	s.calculates = l.calculates
	return s, nil
}

func (l *treeLowering) lowerDeclaration(c *syntax.DeclClause) (*simpleCommand, error) {
	var assigns []*syntax.Assign
	words := []shellWord{{{text: c.Variant.Value}}}
	for _, a := range c.Args {
		switch {
		case !a.Naked:
			assigns = append(assigns, a)
		case a.Value != nil:
			w, err := l.lowerWord(a.Value)
			if err != nil {
				return nil, err
			}
			words = append(words, w)
		default:
			words = append(words, shellWord{{text: a.Name.Value}})
		}
	}
	s, err := l.lowerSimple(c.Pos(), assigns, nil)
	if err != nil {
		return nil, err
	}
	s.words = words
	return s, nil
}

func (l *treeLowering) lowerAssignment(a *syntax.Assign) (variableAssignment, error) {
	one := variableAssignment{name: a.Name.Value, appends: a.Append}
	var err error
	switch {
	case a.Index != nil:
		if err := l.collectCalculated(a.Index); err != nil {
			return one, err
		}
		one.value = shellWord{{opaque: l.sourceText(a), because: "element of an array"}}
	case a.Array != nil:
		one.isArray = true
		for _, element := range a.Array.Elems {
			if element.Index != nil { // which element it is may be calculated
				one.array = []shellWord{{{opaque: l.sourceText(a), because: "elements of an array"}}}
				break
			}
			if element.Value == nil {
				continue
			}
			w, err := l.lowerWord(element.Value)
			if err != nil {
				return one, err
			}
			one.array = append(one.array, w)
		}
	case a.Value != nil:
		one.value, err = l.lowerWord(a.Value)
	}
	return one, err
}

// lowerTest lowers [[ ... ]] to the words that it was written with.
func (l *treeLowering) lowerTest(c *syntax.TestClause) (*simpleCommand, error) {
	s := &simpleCommand{line: c.Pos().Line(), words: []shellWord{{{text: "[["}}}}
	if err := l.lowerCondition(s, c.X); err != nil {
		return nil, err
	}
	s.words = append(s.words, shellWord{{text: "]]"}})
	s.calculates = l.calculates
	return s, nil
}

func (l *treeLowering) lowerCondition(s *simpleCommand, x syntax.TestExpr) error {
	if err := l.goDeeper(); err != nil {
		return err
	}
	defer func() { l.depth-- }()
	add := func(text string) { s.words = append(s.words, shellWord{{text: text}}) }
	switch x := x.(type) {
	case *syntax.UnaryTest:
		add(x.Op.String())
		return l.lowerCondition(s, x.X)
	case *syntax.BinaryTest:
		if err := l.lowerCondition(s, x.X); err != nil {
			return err
		}
		add(x.Op.String())
		return l.lowerCondition(s, x.Y)
	case *syntax.ParenTest:
		add("(")
		if err := l.lowerCondition(s, x.X); err != nil {
			return err
		}
		add(")")
	case *syntax.Word:
		w, err := l.lowerPattern(x)
		if err != nil {
			return err
		}
		s.words = append(s.words, w)
	}
	return nil
}
