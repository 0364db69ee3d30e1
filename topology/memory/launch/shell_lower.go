package launch

import (
	"errors"

	"mvdan.cc/sh/v3/syntax"
)

// maxNesting bounds how deep commands and words lie in one another.
const maxNesting = 64

// treeLowering turns the parser's tree into the commands of this package.
type treeLowering struct {
	text  string // that was parsed, with marks
	marks unknownMarks
	depth int
	line  uint // of the command that is being lowered
	// calculates are variables that arithmetic of the present command assigns to.
	calculates []string
}

// sourceText is a stretch of the script as it was written, with unknown text.
func (l *treeLowering) sourceText(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	to = min(to, len(l.text))
	return l.marks.decode.Replace(l.text[min(from, to):to])
}

func (l *treeLowering) goDeeper() error {
	if l.depth++; l.depth > maxNesting {
		return errTooDeep
	}
	return nil
}

func (l *treeLowering) lowerList(statements []*syntax.Stmt) (commandList, error) {
	if err := l.goDeeper(); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	var all commandList
	for _, s := range statements {
		var err error
		if all, err = l.lowerStatement(all, s); err != nil {
			return nil, err
		}
		if s.Background {
			all[len(all)-1].operator = "&"
		}
	}
	return all, nil
}

// operatorLink is the right side of a binary operator.
type operatorLink struct {
	operator string
	right    *syntax.Stmt
	// negates says that the result of the operator is negated: "! a | b".
	negates bool
}

// lowerStatement appends a statement's commands. The parser nests a && b && c to the left,
// as deep as there are operators: no recursion may follow it there.
func (l *treeLowering) lowerStatement(all commandList, s *syntax.Stmt) (commandList, error) {
	var chain []operatorLink
	var functions []*syntax.FuncDecl
	for {
		if binary, isBinary := s.Cmd.(*syntax.BinaryCmd); isBinary {
			chain = append(chain, operatorLink{binaryOperators[binary.Op], binary.Y, s.Negated})
			s = binary.X
			continue
		}
		// The parser counts what follows a function's body to the body, a shell does not.
		declared, isFunction := s.Cmd.(*syntax.FuncDecl)
		if !isFunction {
			break
		}
		functions = append(functions, declared)
		s = declared.Body
	}
	command, err := l.lowerCommand(s)
	if err != nil {
		return nil, err
	}
	negated := s.Negated
	for i := len(functions) - 1; i >= 0; i-- {
		if len(functions) > maxNesting {
			return nil, errTooDeep
		}
		if functions[i].Name == nil {
			return nil, errors.New("a function has no name")
		}
		command, negated = &functionCommand{functions[i].Name.Value, command}, false
	}
	all = append(all, listEntry{command: command, operator: ";", negated: negated})
	for i := len(chain) - 1; i >= 0; i-- {
		all[len(all)-1].operator = chain[i].operator
		if all, err = l.lowerRight(all, chain[i].right); err != nil {
			return nil, err
		}
		all[len(all)-1].negated = all[len(all)-1].negated != chain[i].negates
	}
	return all, nil
}

var binaryOperators = map[syntax.BinCmdOperator]string{
	syntax.AndStmt: "&&", syntax.OrStmt: "||", syntax.Pipe: "|", syntax.PipeAll: "|",
}

// lowerRight appends the right side of an operator, one level deeper: a pipe right of &&.
func (l *treeLowering) lowerRight(all commandList, s *syntax.Stmt) (commandList, error) {
	if err := l.goDeeper(); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	return l.lowerStatement(all, s)
}

// lowerCommand lowers a statement that is no binary operator and no function.
func (l *treeLowering) lowerCommand(s *syntax.Stmt) (shellCommand, error) {
	l.line = s.Pos().Line()
	outer := l.calculates
	l.calculates = nil
	defer func() { l.calculates = outer }()
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		return l.lowerSimple(c.Pos(), c.Assigns, c.Args)
	case *syntax.DeclClause:
		return l.lowerDeclaration(c)
	case *syntax.TestClause:
		return l.lowerTest(c)
	case *syntax.ArithmCmd:
		return l.lowerArithmetic(c, c.X)
	case *syntax.LetClause:
		return l.lowerArithmetic(c, c.Exprs...)
	case *syntax.IfClause:
		return l.lowerIf(c)
	case *syntax.CaseClause:
		return l.lowerCase(c)
	case *syntax.WhileClause:
		return l.lowerLoop("", c.Cond, c.Do)
	case *syntax.ForClause:
		return l.lowerFor(c)
	case *syntax.Block:
		body, err := l.lowerList(c.Stmts)
		return &groupCommand{body: body}, err
	case *syntax.Subshell:
		body, err := l.lowerList(c.Stmts)
		return &groupCommand{body: body, subshell: true}, err
	case *syntax.TimeClause:
		return l.lowerTime(c)
	case *syntax.CoprocClause:
		body, err := l.lowerList([]*syntax.Stmt{c.Stmt})
		if err == nil {
			body[len(body)-1].operator = "&"
		}
		return &groupCommand{body: body, subshell: true}, err
	case nil: // redirections alone
		return &simpleCommand{line: s.Pos().Line()}, nil
	}
	return nil, errors.New("a command of a kind that is not known")
}
