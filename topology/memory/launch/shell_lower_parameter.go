package launch

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// expansionOperators are the operators of ${NAME...} that can be worked out. "?" ends
// a script that lacks the variable: one that runs has it.
var expansionOperators = map[syntax.ParExpOperator]string{
	syntax.DefaultUnset: "-", syntax.DefaultUnsetOrNull: ":-", syntax.AssignUnset: "=", syntax.AssignUnsetOrNull: ":=",
	syntax.AlternateUnset: "+", syntax.AlternateUnsetOrNull: ":+", syntax.ErrorUnset: "", syntax.ErrorUnsetOrNull: "",
}

// lowerParameter lowers $NAME and ${NAME...}.
func (l *treeLowering) lowerParameter(p *syntax.ParamExp, in wordContext) (wordPart, error) {
	opaque := wordPart{quoted: in.quoted, opaque: l.sourceText(p), because: "the shell works it out"}
	if p.Param == nil || p.Flags != nil || p.Excl || p.Length || p.Width || p.IsSet || p.Slice != nil || p.Repl != nil || p.Names != 0 ||
		len(p.Modifiers) > 0 {
		return opaque, nil
	}
	found := wordPart{quoted: in.quoted, name: p.Param.Value}
	switch {
	case strings.Contains("#?$!-", found.name):
		opaque.because = "the shell counts it"
		return opaque, nil
	case p.Index != nil:
		index, isWord := p.Index.(*syntax.Word)
		if !isWord || index.Lit() != "@" && index.Lit() != "*" {
			return opaque, l.collectCalculated(p.Index)
		}
		found.name += "[@]"
	}
	if p.Exp == nil {
		return found, nil
	}
	operator, known := expansionOperators[p.Exp.Op]
	several := p.Index != nil || found.name == "@" || found.name == "*"
	switch {
	case !known || several && operator != "":
		return opaque, nil
	case operator == "" || p.Exp.Word == nil:
		found.operator = operator
		return found, nil
	}
	found.operator = operator
	var err error
	found.operand, err = l.lowerParts(nil, p.Exp.Word.Parts, in)
	return found, err
}
