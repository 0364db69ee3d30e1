package dra

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	dracel "k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/utils/lru"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// compiledExpressions is how many compiled CEL expressions are kept.
const compiledExpressions = 256

// expressionCache keeps compiled expressions, and whether they read which device of its make
// one is.
type expressionCache struct {
	*dracel.Cache
	identity *lru.Cache // bool by expression
}

func newExpressionCache(features dracel.Features) *expressionCache {
	return &expressionCache{Cache: dracel.NewCache(compiledExpressions, features), identity: lru.New(compiledExpressions)}
}

// readIdentity reports whether one of some selectors may tell devices of one make apart.
func (c *expressionCache) readIdentity(selectors []string) bool {
	for _, selector := range selectors {
		reads, known := c.identity.Get(selector)
		if !known {
			program := c.GetOrCompile(selector)
			reads = readsIdentity(&program)
			c.identity.Add(selector, reads)
		}
		if reads == true {
			return true
		}
	}
	return false
}

// readsIdentity reports whether an expression may read what differs between devices of one
// make: their identity attributes, or attributes in a way that does not tell which. Such an
// expression has no answer that holds for a make.
func readsIdentity(program *dracel.CompilationResult) bool {
	if program.Error != nil {
		return false // it fails on every device
	}
	parsed, issues := program.Environment.Parse(program.Expression)
	if issues.Err() != nil {
		return true
	}
	return exprReadsIdentity(parsed.NativeRep().Expr())
}

// The fields of a device in an expression.
const (
	deviceVariable  = "device"
	attributesField = "attributes"
)

func exprReadsIdentity(e ast.Expr) bool {
	if name, found := attributeRead(e); found {
		return resourceslices.IsIdentity(name)
	}
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent() == deviceVariable // the whole device, whatever is done with it
	case ast.SelectKind:
		selected := e.AsSelect()
		if operand := selected.Operand(); operand.Kind() == ast.IdentKind && operand.AsIdent() == deviceVariable {
			return selected.FieldName() == attributesField // all attributes; the driver and capacities are of the make
		}
		return exprReadsIdentity(selected.Operand())
	case ast.CallKind:
		call := e.AsCall()
		return call.IsMemberFunction() && exprReadsIdentity(call.Target()) || anyReadsIdentity(call.Args())
	case ast.ListKind:
		return anyReadsIdentity(e.AsList().Elements())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			if pair := entry.AsMapEntry(); exprReadsIdentity(pair.Key()) || exprReadsIdentity(pair.Value()) {
				return true
			}
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			if exprReadsIdentity(field.AsStructField().Value()) {
				return true
			}
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return anyReadsIdentity([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	}
	return false
}

func anyReadsIdentity(all []ast.Expr) bool {
	for _, e := range all {
		if exprReadsIdentity(e) {
			return true
		}
	}
	return false
}

// attributeRead is the one attribute that an expression reads, without its domain: it is
// device.attributes["domain"].name, or the same with the name in brackets or behind has().
func attributeRead(e ast.Expr) (name string, found bool) {
	switch e.Kind() {
	case ast.SelectKind:
		selected := e.AsSelect()
		return selected.FieldName(), isDomain(selected.Operand())
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index && len(call.Args()) == 2 && isDomain(call.Args()[0]) {
			return literalText(call.Args()[1])
		}
	}
	return "", false
}

// isDomain reports whether an expression is device.attributes["domain"].
func isDomain(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	call := e.AsCall()
	if call.FunctionName() != operators.Index || len(call.Args()) != 2 {
		return false
	}
	_, literal := literalText(call.Args()[1])
	return literal && isAttributes(call.Args()[0])
}

// isAttributes reports whether an expression is device.attributes.
func isAttributes(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind {
		return false
	}
	selected := e.AsSelect()
	operand := selected.Operand()
	return selected.FieldName() == attributesField && operand.Kind() == ast.IdentKind && operand.AsIdent() == deviceVariable
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, isText := e.AsLiteral().Value().(string)
	return text, isText
}
