package test

import (
	"flag"
	"fmt"
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

var updateNames = flag.Bool("update-names", false, "write testdata/one_word_names.txt anew, after a look at what changed in it")

// oneWordNames lists the names of one word that are there, a line each: folder, kind,
// name. An exported name may have one word if the package completes it (mig.Profile); a
// method if its type does (Snapshot.Fork). A new one is a decision that somebody made
// by adding its line.
const oneWordNames = "testdata/one_word_names.txt"

// Names at package level say what they are of: two words, unless package or type
// complete one.
func TestNamesHaveTwoWords(t *testing.T) {
	text, err := os.ReadFile(oneWordNames)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(text)), "\n")
	got := namesOfOneWord(t)
	if *updateNames {
		if err := os.WriteFile(oneWordNames, []byte(strings.Join(got, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names of one word (-%s +found): give a new one a second word that says what it is of, or, "+
			"where its package or type completes it, add its line by `go test ./test -run NamesHaveTwoWords -update-names`:\n%s",
			oneWordNames, diff)
	}
}

// namesOfOneWord lists the functions, types and methods of one word outside tests.
func namesOfOneWord(t *testing.T) []string {
	t.Helper()
	var found []string
	eachGoFile(t, func(file string, syntax *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		add := func(kind, name string) {
			if wordsOf(name) == 1 {
				found = append(found, fmt.Sprintf("%s %s %s", path.Dir(file), kind, name))
			}
		}
		for _, decl := range syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				switch {
				case decl.Recv != nil && wordsOf(decl.Name.Name) == 1:
					found = append(found, fmt.Sprintf("%s method %s.%s", path.Dir(file), receiverType(decl.Recv.List[0].Type), decl.Name.Name))
				case decl.Recv == nil && decl.Name.Name != "main" && decl.Name.Name != "init":
					add("func", decl.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						add("type", spec.Name.Name)
					}
				}
			}
		}
	})
	slices.Sort(found)
	return slices.Compact(found)
}

func receiverType(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.StarExpr:
		return receiverType(expression.X)
	case *ast.IndexExpr:
		return receiverType(expression.X)
	case *ast.IndexListExpr:
		return receiverType(expression.X)
	case *ast.Ident:
		return expression.Name
	}
	return "?"
}

// wordsOf counts the words of a name in camel case: "NewMIGTable" has three.
func wordsOf(name string) int {
	letters := []rune(name)
	words := 0
	for i, letter := range letters {
		startsWord := i == 0 || unicode.IsUpper(letter) &&
			(!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if startsWord {
			words++
		}
	}
	return words
}

func TestWordsOf(t *testing.T) {
	for name, want := range map[string]int{
		"take": 1, "GPU": 1, "Profile": 1, "takeDevice": 2, "NewMIGTable": 3, "GPUState": 2, "allOf": 2, "at100": 1, "MIG": 1, "readJSON": 2,
	} {
		if got := wordsOf(name); got != want {
			t.Errorf("%s has %d words, want %d", name, got, want)
		}
	}
}
