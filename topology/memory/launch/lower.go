package launch

import (
	"errors"

	"mvdan.cc/sh/v3/syntax"
)

// maxNesting bounds how deep commands and words lie in one another.
const maxNesting = 64

// lowering turns the parser's tree into the commands of this package.
type lowering struct {
	text  string // that was parsed, with marks
	marks unknownMarks
	depth int
	line  uint // of the command that is being lowered
	// calculates are variables that arithmetic of the present command assigns to.
	calculates []string
}

// spelling is a stretch of the script as it was written, with unknown text.
func (l *lowering) spelling(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	to = min(to, len(l.text))
	return l.marks.decode.Replace(l.text[min(from, to):to])
}

func (l *lowering) deeper() error {
	if l.depth++; l.depth > maxNesting {
		return errTooDeep
	}
	return nil
}

func (l *lowering) list(statements []*syntax.Stmt) (commandList, error) {
	if err := l.deeper(); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	var all commandList
	for _, s := range statements {
		var err error
		if all, err = l.statement(all, s); err != nil {
			return nil, err
		}
		if s.Background {
			all[len(all)-1].operator = "&"
		}
	}
	return all, nil
}

// link is the right side of a binary operator.
type link struct {
	operator string
	right    *syntax.Stmt
	// negates says that the result of the operator is negated: "! a | b".
	negates bool
}

// statement appends a statement's commands. The parser nests a && b && c to the left,
// as deep as there are operators: no recursion may follow it there.
func (l *lowering) statement(all commandList, s *syntax.Stmt) (commandList, error) {
	var chain []link
	var functions []*syntax.FuncDecl
	for {
		if binary, isBinary := s.Cmd.(*syntax.BinaryCmd); isBinary {
			chain = append(chain, link{binaryOperators[binary.Op], binary.Y, s.Negated})
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
	command, err := l.command(s)
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
		if all, err = l.right(all, chain[i].right); err != nil {
			return nil, err
		}
		all[len(all)-1].negated = all[len(all)-1].negated != chain[i].negates
	}
	return all, nil
}

var binaryOperators = map[syntax.BinCmdOperator]string{
	syntax.AndStmt: "&&", syntax.OrStmt: "||", syntax.Pipe: "|", syntax.PipeAll: "|",
}

// right appends the right side of an operator, one level deeper: a pipe right of &&.
func (l *lowering) right(all commandList, s *syntax.Stmt) (commandList, error) {
	if err := l.deeper(); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	return l.statement(all, s)
}

// command lowers a statement that is no binary operator and no function.
func (l *lowering) command(s *syntax.Stmt) (shellCommand, error) {
	l.line = s.Pos().Line()
	outer := l.calculates
	l.calculates = nil
	defer func() { l.calculates = outer }()
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		return l.simple(c.Pos(), c.Assigns, c.Args)
	case *syntax.DeclClause:
		return l.declaration(c)
	case *syntax.TestClause:
		return l.test(c)
	case *syntax.ArithmCmd:
		return l.arithmetic(c, c.X)
	case *syntax.LetClause:
		return l.arithmetic(c, c.Exprs...)
	case *syntax.IfClause:
		return l.ifClause(c)
	case *syntax.CaseClause:
		return l.caseClause(c)
	case *syntax.WhileClause:
		return l.loop("", c.Cond, c.Do)
	case *syntax.ForClause:
		return l.forClause(c)
	case *syntax.Block:
		body, err := l.list(c.Stmts)
		return &groupCommand{body: body}, err
	case *syntax.Subshell:
		body, err := l.list(c.Stmts)
		return &groupCommand{body: body, subshell: true}, err
	case *syntax.TimeClause:
		return l.timed(c)
	case *syntax.CoprocClause:
		body, err := l.list([]*syntax.Stmt{c.Stmt})
		if err == nil {
			body[len(body)-1].operator = "&"
		}
		return &groupCommand{body: body, subshell: true}, err
	case nil: // redirections alone
		return &simpleCommand{line: s.Pos().Line()}, nil
	}
	return nil, errors.New("a command of a kind that is not known")
}
