package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// messageFiles are the files whose texts a pod that waits is told.
var messageFiles = []string{
	"plugins/deviceplacement/node_reasons.go", "plugins/deviceplacement/explanation.go", "plugins/deviceplacement/explain.go",
	"plugins/deviceplacement/counted*.go", "plugins/deviceplacement/elsewhere.go", "plugins/deviceplacement/unserved.go",
	"plugins/deviceplacement/group_*.go", "plugins/deviceplacement/gang_room.go", "plugins/deviceplacement/p*filter.go",
	"plugins/deviceplacement/filter.go", "plugins/deviceplacement/reserve.go", "plugins/deviceplacement/prebind.go",
	"plugins/deviceplacement/guard.go", "plugins/deviceplacement/verdict.go", "plugins/deviceplacement/untold.go",
	"plugins/doubleallocation/guard*.go",
	"plugins/nodeview/dra/*.go", "plugins/nodeview/deviceplugin/*.go",
	"plugins/modelmemory/*.go", "plugins/gang/*.go", "plugins/gang/groupcycle/group.go",
	"plugins/preemption/*.go", "topology/placement/suggestion_words.go",
	"plugins/gpuchain/*.go", "topology/memory/estimate.go",
}

// codeMessage is a format of a text of the code.
type codeMessage struct {
	file, format string
}

// listMessages lists the texts of messageFiles that say something: at least two words. Texts of
// errors, of logs and of panics are none: a pod is not told them.
func listMessages(t *testing.T) []codeMessage {
	t.Helper()
	var all []codeMessage
	for _, pattern := range messageFiles {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "doc.go") {
				continue
			}
			relative, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, format := range formatsOf(t, file) {
				if !slices.ContainsFunc(all, func(m codeMessage) bool { return m.format == format }) {
					all = append(all, codeMessage{filepath.ToSlash(relative), format})
				}
			}
		}
	}
	return all
}

// silentCalls are calls whose texts no pod is told.
var silentCalls = []string{
	"fmt.Errorf",
	"errors.New",
	"panic",
	"fmt.Fprintf",
	".Info",
	".Error",
	".Warning",
	"strings.CutPrefix",
	"strings.CutSuffix",
	"strings.Contains",
	"strings.HasPrefix",
	"strings.HasSuffix",
	"strings.Replace",
	"regexp.MustCompile",
}

// untoldFormats are texts of messageFiles that a pod is not told: why a request is left to the
// in-tree code, which logs have.
var untoldFormats = []string{
	"extended resources of init containers", "too many combinations of alternatives", "a selector other than CEL", "an unknown constraint",
	"allocation mode %v",
	"idle plugin", "idle driver", "unhealthy unread", // names of checks
}

// formatsOf lists the texts of a file, those of a concatenation as one.
func formatsOf(t *testing.T, file string) []string {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var formats []string
	note := func(text string) {
		isCommand := strings.HasPrefix(text, "kubectl ") // it ends a message that says what is wrong
		if meansSomething(text) && !isCommand && !slices.Contains(untoldFormats, text) {
			formats = append(formats, text)
		}
	}
	ast.Inspect(syntax, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			name := callName(node.Fun)
			return !slices.ContainsFunc(silentCalls, func(silent string) bool {
				return name == silent || strings.HasPrefix(silent, ".") && strings.HasSuffix(name, silent)
			})
		case *ast.BinaryExpr:
			if text, ok := concatenation(node); ok {
				note(text)
				return false
			}
		case *ast.BasicLit:
			if text, ok := literalText(node); ok {
				note(text)
			}
		}
		return true
	})
	return formats
}

func callName(called ast.Expr) string {
	switch called := called.(type) {
	case *ast.Ident:
		return called.Name
	case *ast.SelectorExpr:
		if name, ok := called.X.(*ast.Ident); ok {
			return name.Name + "." + called.Sel.Name
		}
		return "." + called.Sel.Name
	}
	return ""
}

// concatenation is a sum of texts; what else is in it is a placeholder.
func concatenation(sum *ast.BinaryExpr) (string, bool) {
	if sum.Op != token.ADD {
		return "", false
	}
	text, isText := "", false
	for _, side := range []ast.Expr{sum.X, sum.Y} {
		switch side := side.(type) {
		case *ast.BinaryExpr:
			inner, ok := concatenation(side)
			text, isText = text+inner, isText || ok
			continue
		case *ast.BasicLit:
			if literal, ok := literalText(side); ok {
				text, isText = text+literal, true
				continue
			}
		}
		text += "%v"
	}
	return text, isText
}

func literalText(literal *ast.BasicLit) (string, bool) {
	if literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

var (
	placeholder = regexp.MustCompile(`%(?:\[\d+\])?[-+# 0]*\d*(?:\.\d+)?[a-zA-Z]`)
	plainWord   = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// meansSomething reports whether a text has enough words to be looked for.
func meansSomething(text string) bool {
	literal := placeholder.ReplaceAllString(text, "")
	words := plainWord.FindAllString(literal, -1)
	return len(words) >= 2 && len(strings.Join(words, "")) >= 8 && strings.Contains(literal, " ") && !strings.Contains(literal, "\n")
}

// pattern matches what the code can print of it.
func (m codeMessage) pattern() *regexp.Regexp {
	var expression strings.Builder
	text := strings.TrimSpace(m.format)
	last := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		expression.WriteString(regexp.QuoteMeta(text[last:at[0]]) + `.*?`)
		last = at[1]
	}
	expression.WriteString(regexp.QuoteMeta(strings.ReplaceAll(text[last:], "%%", "%")))
	return regexp.MustCompile(expression.String())
}
