package launch

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// lowerArithmetic lowers ((...)) and let to a command whose outcome is not known.
func (l *treeLowering) lowerArithmetic(n syntax.Node, expressions ...syntax.ArithmExpr) (*simpleCommand, error) {
	for _, x := range expressions {
		if err := l.collectCalculated(x); err != nil {
			return nil, err
		}
	}
	return &simpleCommand{
		line:       n.Pos().Line(),
		words:      []shellWord{{{text: "let", quoted: true}}, {{quoted: true, opaque: l.sourceText(n), because: "the shell calculates it"}}},
		calculates: l.calculates,
	}, nil
}

// assigningOperators are the operators that change their left side.
var assigningOperators = map[syntax.BinAritOperator]bool{
	syntax.Assgn: true, syntax.AddAssgn: true, syntax.SubAssgn: true, syntax.MulAssgn: true, syntax.QuoAssgn: true, syntax.RemAssgn: true,
	syntax.AndAssgn: true, syntax.OrAssgn: true, syntax.XorAssgn: true, syntax.ShlAssgn: true, syntax.ShrAssgn: true,
}

// collectCalculated collects the variables that an expression assigns to.
func (l *treeLowering) collectCalculated(x syntax.ArithmExpr) error {
	if err := l.goDeeper(); err != nil {
		return err
	}
	defer func() { l.depth-- }()
	// a + b + c nests to the left, as deep as there are operators.
	for {
		binary, isBinary := x.(*syntax.BinaryArithm)
		if !isBinary {
			break
		}
		if assigningOperators[binary.Op] {
			l.noteCalculated(binary.X)
		}
		if err := l.collectCalculated(binary.Y); err != nil {
			return err
		}
		x = binary.X
	}
	switch x := x.(type) {
	case *syntax.UnaryArithm:
		if x.Op == syntax.Inc || x.Op == syntax.Dec {
			l.noteCalculated(x.X)
		}
		return l.collectCalculated(x.X)
	case *syntax.ParenArithm:
		return l.collectCalculated(x.X)
	case *syntax.Word:
		for _, part := range x.Parts {
			quoted, isQuoted := part.(*syntax.DblQuoted)
			if !isQuoted {
				continue
			}
			for _, inner := range quoted.Parts { // let "n = 1"
				if text, isText := inner.(*syntax.Lit); isText {
					l.noteName(text.Value)
				}
			}
		}
	}
	return nil
}

// noteCalculated notes that an expression assigns to a variable or an array's element.
func (l *treeLowering) noteCalculated(x syntax.ArithmExpr) {
	w, isWord := x.(*syntax.Word)
	if !isWord || len(w.Parts) == 0 {
		return
	}
	switch part := w.Parts[0].(type) {
	case *syntax.Lit:
		l.noteName(part.Value)
	case *syntax.ParamExp:
		if part.Param != nil {
			l.noteName(part.Param.Value)
		}
	}
}

// noteName notes the name with which a text begins, if there is one.
func (l *treeLowering) noteName(text string) {
	text = strings.TrimLeft(text, " \t")
	end := 0
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	if end > 0 && (text[0] < '0' || text[0] > '9') {
		l.calculates = append(l.calculates, text[:end])
	}
}

// isVariableName reports whether a text is a variable's name.
func isVariableName(text string) bool {
	for i := range len(text) {
		if !isNameByte(text[i]) {
			return false
		}
	}
	return text != ""
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
