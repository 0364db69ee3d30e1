package deviceplacement

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"
	resourceapi "k8s.io/api/resource/v1"
	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// clause is one operand of the && at the top of a selector, with the device
// properties that it looks at.
type clause struct {
	text       string
	properties []property
}

// property is an attribute or capacity of a device that an expression reads.
type property struct {
	domain, name string
	capacity     bool
}

// clausesOf splits a selector that compiles; it returns nil otherwise. A
// selector without && is one clause.
func clausesOf(program dracel.CompilationResult) []clause {
	if program.Error != nil || program.Environment == nil {
		return nil
	}
	checked, issues := program.Environment.Compile(program.Expression)
	if issues.Err() != nil {
		return nil
	}
	var clauses []clause
	for _, operand := range conjuncts(checked.NativeRep().Expr()) {
		text, err := parser.Unparse(operand, checked.NativeRep().SourceInfo())
		if err != nil {
			return nil
		}
		clauses = append(clauses, clause{text: text, properties: propertiesOf(operand)})
	}
	return clauses
}

// conjuncts flattens a && b && c.
func conjuncts(expression ast.Expr) []ast.Expr {
	if expression.Kind() == ast.CallKind && expression.AsCall().FunctionName() == operators.LogicalAnd {
		var all []ast.Expr
		for _, operand := range expression.AsCall().Args() {
			all = append(all, conjuncts(operand)...)
		}
		return all
	}
	return []ast.Expr{expression}
}

// propertiesOf finds device.attributes["domain"].name and device.capacity["domain"].name.
func propertiesOf(expression ast.Expr) []property {
	var found []property
	ast.PostOrderVisit(expression, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind {
			return
		}
		operand := e.AsSelect().Operand()
		if operand.Kind() != ast.CallKind || operand.AsCall().FunctionName() != operators.Index {
			return
		}
		args := operand.AsCall().Args()
		if len(args) != 2 || args[0].Kind() != ast.SelectKind || args[1].Kind() != ast.LiteralKind {
			return
		}
		domain, isText := args[1].AsLiteral().Value().(string)
		field := args[0].AsSelect().FieldName()
		if !isText || field != "attributes" && field != "capacity" {
			return
		}
		found = append(found, property{domain: domain, name: e.AsSelect().FieldName(), capacity: field == "capacity"})
	}))
	return found
}

// unmet says which clause of a request's selectors no GPU satisfies, and what the
// GPUs have instead. candidates are one pool for each make of node; "" if every
// clause holds on some GPU.
func (p *Plugin) unmet(ctx context.Context, candidates []*pool, way *alternative) string {
	for at, selector := range way.selectors {
		for _, clause := range clausesOf(p.expressions.GetOrCompile(selector)) {
			if ctx.Err() != nil {
				return fmt.Sprintf("which of its conditions no GPU satisfies was not found within %s", p.patience)
			}
			met := false
			var failed error
			values := map[property]*observed{}
			for _, pool := range candidates {
				// Devices that fail an earlier selector are of another kind altogether.
				earlier := pool.match(ctx, p.expressions, way.selectors[:at])
				holds := pool.match(ctx, p.expressions, append(slices.Clone(way.selectors[:at]), clause.text))
				failed = cmp.Or(failed, holds.err)
				for i := range pool.devices {
					if !earlier.devices.Has(i) {
						continue
					}
					met = met || holds.devices.Has(i)
					for _, property := range clause.properties {
						if values[property] == nil {
							values[property] = &observed{}
						}
						values[property].add(pool, i, property)
					}
				}
			}
			if met {
				continue
			}
			text := "no GPU satisfies " + clause.text
			if len(values) == 0 && failed != nil {
				return fmt.Sprintf("%s (%v)", text, failed)
			}
			for _, property := range slices.SortedFunc(maps.Keys(values), func(a, b property) int { return cmp.Compare(a.name, b.name) }) {
				if len(values[property].texts) == 0 {
					text += fmt.Sprintf(" (no GPU has %s)", property.name)
				} else {
					text += fmt.Sprintf(" (%s here: %s)", property.name, values[property])
				}
			}
			return text
		}
	}
	return ""
}

// maxObserved is how many different values of an attribute are printed.
const maxObserved = 6

// observed collects the values of one property over many devices.
type observed struct {
	texts       map[string]bool
	least, most int64
}

func (o *observed) add(pool *pool, i int, property property) {
	if o.texts == nil {
		o.texts = map[string]bool{}
	}
	name := resourceapi.QualifiedName(property.domain + "/" + property.name)
	if !property.capacity {
		if value, found := pool.attribute(i, resourceapi.FullyQualifiedName(name)); found {
			o.texts[fmt.Sprint(value)] = true
		}
		return
	}
	capacity, found := pool.capacityOf(&pool.devices[i], name)
	if !found {
		return
	}
	value := capacity.Value.Value()
	text := capacity.Value.String()
	if property.name == deviceapi.Memory {
		text = topology.Bytes(value).String()
	}
	if len(o.texts) == 0 || value < o.least {
		o.least = value
	}
	o.most = max(o.most, value)
	o.texts[text] = true
}

func (o *observed) String() string {
	if o.most > 0 && len(o.texts) > 2 {
		return fmt.Sprintf("%s to %s", topology.Bytes(o.least), topology.Bytes(o.most))
	}
	values := slices.Sorted(maps.Keys(o.texts))
	if len(values) > maxObserved {
		values = append(values[:maxObserved], "...")
	}
	return strings.Join(values, ", ")
}
