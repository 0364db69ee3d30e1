package docs

import (
	"cmp"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// metricPrograms are who serves the metrics that are declared below a folder.
var metricPrograms = []struct{ folder, program string }{
	{"plugins", "ashlar-scheduler"}, {"dra", "ashlar-dra-driver"}, {"cmd/ashlar-webhook", "ashlar-webhook"},
}

// metricTable lists every metric that the source declares: with options that have a name and a help text, or with
// NewDesc.
func metricTable(t *testing.T) string {
	t.Helper()
	var rows [][]string
	for _, of := range metricPrograms {
		eachSource(t, of.folder, func(file string, syntax *ast.File) {
			names := packageStrings(t, filepath.Dir(file))
			ast.Inspect(syntax, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok {
					return true
				}
				if row := metricOf(call, names); row != nil {
					rows = append(rows, append([]string{of.program}, row...))
				}
				return true
			})
		})
	}
	if len(rows) < 15 {
		t.Fatalf("%d metrics found, want all that there are", len(rows))
	}
	slices.SortFunc(rows, func(a, b []string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return markdownTable([]string{"of", "metric", "kind", "labels", "what it says"}, rows)
}

// metricOf is a metric that a call makes: name, kind, labels and help; nil if it makes none.
func metricOf(call *ast.CallExpr, names map[string]string) []string {
	made := callName(call.Fun)
	made = made[strings.LastIndexByte(made, '.')+1:]
	kind, isNew := strings.CutPrefix(made, "New")
	if !isNew || len(call.Args) == 0 {
		return nil
	}
	if kind == "Desc" && len(call.Args) > 2 {
		return []string{"`" + textOfExpr(call.Args[0], names) + "`", "gauge", labelText(call.Args[2]), textOfExpr(call.Args[1], names)}
	}
	options := optionsOf(call.Args[0])
	if options == nil {
		return nil
	}
	fields := map[string]string{}
	for _, element := range options.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok {
				fields[key.Name] = textOfExpr(pair.Value, names)
			}
		}
	}
	if fields["Name"] == "" || fields["Help"] == "" {
		return nil
	}
	name := fields["Name"]
	for _, before := range []string{fields["Subsystem"], fields["Namespace"]} {
		if before != "" {
			name = before + "_" + name
		}
	}
	labels := ""
	if len(call.Args) > 1 {
		labels = labelText(call.Args[1])
	}
	return []string{"`" + name + "`", strings.ToLower(strings.TrimSuffix(kind, "Vec")), labels, fields["Help"]}
}

// optionsOf is a literal of options, behind an & or not.
func optionsOf(expr ast.Expr) *ast.CompositeLit {
	if address, ok := expr.(*ast.UnaryExpr); ok {
		expr = address.X
	}
	literal, _ := expr.(*ast.CompositeLit)
	return literal
}

// labelText lists the strings of a literal of labels.
func labelText(expr ast.Expr) string {
	var labels []string
	if literal, ok := expr.(*ast.CompositeLit); ok {
		for _, element := range literal.Elts {
			labels = append(labels, "`"+textOfExpr(element, nil)+"`")
		}
	}
	return strings.Join(labels, ", ")
}

// textOfExpr is the text of a string, of a constant of the package, or of several joined by +.
func textOfExpr(expr ast.Expr, names map[string]string) string {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(expr.Value); err == nil {
			return text
		}
	case *ast.Ident:
		return names[expr.Name]
	case *ast.BinaryExpr:
		if expr.Op == token.ADD {
			return textOfExpr(expr.X, names) + textOfExpr(expr.Y, names)
		}
	}
	return ""
}

// packageStrings are the string constants of the package in a folder, by name.
func packageStrings(t *testing.T, folder string) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, one := range listConstants(t, folder) {
		names[one.name] = one.value
	}
	return names
}
