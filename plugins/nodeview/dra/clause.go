package dra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"
	resourceapi "k8s.io/api/resource/v1"
	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// selectorClause is one operand of the && at the top of a selector, with the device
// properties that it looks at.
type selectorClause struct {
	text       string
	properties []deviceProperty
}

// deviceProperty is an attribute or capacity of a device that an expression reads.
type deviceProperty struct {
	domain, name string
	capacity     bool
}

// clausesOf splits a selector that compiles; it returns nil otherwise. A
// selector without && is one clause.
func clausesOf(program dracel.CompilationResult) []selectorClause {
	if program.Error != nil || program.Environment == nil {
		return nil
	}
	checked, issues := program.Environment.Compile(program.Expression)
	if issues.Err() != nil {
		return nil
	}
	var clauses []selectorClause
	for _, operand := range splitConjunction(checked.NativeRep().Expr()) {
		text, err := parser.Unparse(operand, checked.NativeRep().SourceInfo())
		if err != nil {
			return nil
		}
		clauses = append(clauses, selectorClause{text: text, properties: propertiesOf(operand)})
	}
	return clauses
}

// splitConjunction flattens a && b && c.
func splitConjunction(expression ast.Expr) []ast.Expr {
	if expression.Kind() == ast.CallKind && expression.AsCall().FunctionName() == operators.LogicalAnd {
		var all []ast.Expr
		for _, operand := range expression.AsCall().Args() {
			all = append(all, splitConjunction(operand)...)
		}
		return all
	}
	return []ast.Expr{expression}
}

// propertiesOf finds device.attributes["domain"].name and device.capacity["domain"].name.
func propertiesOf(expression ast.Expr) []deviceProperty {
	var found []deviceProperty
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
		found = append(found, deviceProperty{domain: domain, name: e.AsSelect().FieldName(), capacity: field == "capacity"})
	}))
	return found
}

// candidateDevices are devices of which it is asked why none satisfies a selector.
type candidateDevices struct {
	// noun is what one of them is called: "GPU".
	noun string
	// pools have them, in what order does not matter, and devices are their indexes there.
	pools   []*Pool
	devices map[*Pool][]int
}

// gpusOf are the GPUs of pools.
func gpusOf(pools []*Pool) *candidateDevices {
	found := &candidateDevices{noun: "GPU", pools: pools, devices: map[*Pool][]int{}}
	for _, p := range pools {
		found.devices[p] = p.gpus.published
	}
	return found
}

// unmetCondition says which condition of a sub-request's selectors no candidate satisfies, and
// what they have instead. candidates are one pool for each make of node; "" if every
// condition holds on some of them. It is not decided if the context ended before.
func (s *Source) unmetCondition(ctx context.Context, candidates *candidateDevices, sub *subRequest) (unmet string, decided bool) {
	for at, selector := range sub.selectors {
		for _, clause := range clausesOf(s.expressions.GetOrCompile(selector)) {
			if ctx.Err() != nil {
				return "", false
			}
			if unmet = s.unmetClause(ctx, candidates, sub.selectors[:at], clause); unmet != "" {
				if at > sub.ofClass {
					none := "no " + candidates.noun
					unmet = strings.Replace(unmet, none+" satisfies", none+" that satisfies the selectors before it satisfies", 1)
				}
				return unmet, true
			}
		}
	}
	return "", true
}

// unmetClause looks at one clause on the devices that satisfy the earlier selectors:
// others are of another kind altogether.
func (s *Source) unmetClause(ctx context.Context, candidates *candidateDevices, earlier []string, clause selectorClause) string {
	var failed error
	values := map[deviceProperty]*propertyValues{}
	for _, pool := range candidates.pools {
		before := pool.matchSelectors(ctx, s.expressions, earlier)
		holds := pool.matchSelectors(ctx, s.expressions, append(slices.Clone(earlier), clause.text))
		failed = cmp.Or(failed, holds.err)
		for _, at := range candidates.devices[pool] {
			if !before.devices.Has(at) {
				continue
			}
			if holds.devices.Has(at) {
				return ""
			}
			for _, property := range clause.properties {
				if values[property] == nil {
					values[property] = &propertyValues{}
				}
				values[property].addValue(pool.deviceAt(at), property)
			}
		}
	}
	text := fmt.Sprintf("no %s satisfies %s", candidates.noun, clause.text)
	missing := false
	for _, property := range slices.SortedFunc(maps.Keys(values), compareProperties) {
		if len(values[property].texts) == 0 {
			text += fmt.Sprintf(" (%s)", absentProperty(candidates, property))
			missing = true
		} else {
			text += fmt.Sprintf(" (%s here: %s)", property.name, values[property])
		}
	}
	if failed != nil && !missing && (len(values) == 0 || typeError(failed)) {
		text += fmt.Sprintf(" (it cannot be evaluated: %v)", cmp.Or(errors.Unwrap(failed), failed))
		if typeError(failed) && len(clause.properties) > 0 {
			if form := workingForm(clause.text, clause.properties[0].domain); form != "" {
				return text + "; " + form
			}
		}
	}
	return text + clauseHint(clause.text)
}

func compareProperties(a, b deviceProperty) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.domain, b.domain))
}

// typeError reports whether an expression could not be evaluated because it compares what
// cannot be compared.
func typeError(err error) bool {
	return strings.Contains(err.Error(), "no such overload") || strings.Contains(err.Error(), "regular expression")
}

// absentProperty says that no candidate has a property, and which it may have been confused
// with: one of that name in another domain, of the other kind, or of a similar name.
func absentProperty(candidates *candidateDevices, property deviceProperty) string {
	attributes, capacities := map[string]bool{}, map[string]bool{}
	for _, pool := range candidates.pools {
		for _, at := range candidates.devices[pool] {
			pool.addAttributeNames(attributes, at)
			for name := range pool.Devices[at].Capacity {
				capacities[pool.qualifyName(name)] = true
			}
		}
	}
	same, other, kind, otherKind := attributes, capacities, "attribute", "a capacity"
	if property.capacity {
		same, other, kind, otherKind = capacities, attributes, "capacity", "an attribute"
	}
	what := property.domain + "/" + property.name
	if other[what] {
		return fmt.Sprintf("no %s has the %s %s, which is %s", candidates.noun, kind, property.name, otherKind)
	}
	if published := inOtherDomain(what, sortedNames(same)); published != "" {
		return fmt.Sprintf("no %s has %s; they publish %s", candidates.noun, what, published)
	}
	return fmt.Sprintf("no %s has %s", candidates.noun, property.name) + didYouMean(property.name, namesInDomain(property.domain, same))
}

// inOtherDomain is a name that differs from another in its domain alone, "" for none.
func inOtherDomain(what string, names []string) string {
	_, short, _ := strings.Cut(what, "/")
	for _, name := range names {
		if _, theirs, _ := strings.Cut(name, "/"); theirs == short && name != what {
			return name
		}
	}
	return ""
}

// namesInDomain are the names of a domain without it, sorted.
func namesInDomain(domain string, names map[string]bool) []string {
	var found []string
	for _, name := range sortedNames(names) {
		if theirs, short, _ := strings.Cut(name, "/"); theirs == domain {
			found = append(found, short)
		}
	}
	return found
}

// addAttributeNames adds the full names of the attributes of device i of the pool.
func (p *Pool) addAttributeNames(names map[string]bool, i int) {
	for name := range p.Devices[i].Attributes {
		names[p.qualifyName(name)] = true
	}
}

// qualifyName is a published name with its domain.
func (p *Pool) qualifyName(name resourceapi.QualifiedName) string {
	if strings.Contains(string(name), "/") {
		return string(name)
	}
	return p.Driver + "/" + string(name)
}

func sortedNames(names map[string]bool) []string { return slices.Sorted(maps.Keys(names)) }

// maxObserved is how many different values of an attribute are printed.
const maxObserved = 6

// propertyValues collects the values of one property over many devices.
type propertyValues struct {
	texts       map[string]bool
	least, most int64
}

// addValue adds that of a device.
func (o *propertyValues) addValue(device resourceslices.Device, property deviceProperty) {
	if o.texts == nil {
		o.texts = map[string]bool{}
	}
	name := resourceapi.QualifiedName(property.domain + "/" + property.name)
	if !property.capacity {
		if value, found := valueOf(device, resourceapi.FullyQualifiedName(name)); found {
			o.texts[fmt.Sprint(value)] = true
		}
		return
	}
	capacity, found := device.FindCapacity(name)
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

func (o *propertyValues) String() string {
	if o.most > 0 && len(o.texts) > 2 {
		return fmt.Sprintf("%s to %s", topology.Bytes(o.least), topology.Bytes(o.most))
	}
	values := slices.Sorted(maps.Keys(o.texts))
	if len(values) > maxObserved {
		values = append(values[:maxObserved], "...")
	}
	return strings.Join(values, ", ")
}
