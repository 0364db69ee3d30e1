package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What any program reads or writes of annotations under our prefix is no misspelling: those that the
// webhook writes, too.
func TestAllAnnotationsAreRead(t *testing.T) {
	found := 0
	for _, folder := range []string{"plugins", "topology", "dra"} {
		err := filepath.WalkDir(filepath.Join("..", "..", "..", "..", folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				spec, ok := node.(*ast.ValueSpec)
				if !ok || len(spec.Values) != 1 || !strings.HasSuffix(spec.Names[0].Name, "Annotation") {
					return true
				}
				literal, ok := spec.Values[0].(*ast.BasicLit)
				if !ok {
					return true
				}
				if key, err := strconv.Unquote(literal.Value); err == nil && strings.HasPrefix(key, ourPrefix) {
					found++
					if !slices.Contains(readAnnotations, key) {
						t.Errorf("%s: doctor says of %s that nothing reads it", path, key)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 15 {
		t.Fatalf("%d annotations found, want all that there are", found)
	}
}
