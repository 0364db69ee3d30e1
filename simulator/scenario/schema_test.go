package scenario

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite schema.json")

// schema.json says what the types and their comments say.
func TestSchema(t *testing.T) {
	comments := commentsOf(t)
	definitions := map[string]any{}
	schemaOf(reflect.TypeFor[File](), comments, definitions)
	root := definitions["File"].(map[string]any)
	delete(definitions, "File")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "ashlar simulate scenario"
	root["$defs"] = definitions
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := got.String(), string(want); got != want {
		t.Fatalf("run the test with -update: got.String() = %q, want %q", got, want)
	}
}

// schemaOf describes a type, and adds those that it is made of to definitions.
func schemaOf(typ reflect.Type, comments map[string]string, definitions map[string]any) map[string]any {
	if typ.Kind() == reflect.Pointer {
		return schemaOf(typ.Elem(), comments, definitions)
	}
	if reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return map[string]any{"type": []string{"string", "number"}, "description": comments[typ.Name()]}
	}
	switch typ.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(typ.Elem(), comments, definitions)}
	}
	if _, known := definitions[typ.Name()]; !known {
		properties := map[string]any{}
		var required []string
		object := map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "description": comments[typ.Name()]}
		definitions[typ.Name()] = object
		for _, field := range reflect.VisibleFields(typ) {
			if field.Anonymous {
				continue // its fields are visible themselves
			}
			owner := typ
			if outer := field.Index[:len(field.Index)-1]; len(outer) > 0 {
				owner = typ.FieldByIndex(outer).Type
			}
			name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
			if rest != "omitempty" && rest != "omitzero" {
				required = append(required, name)
			}
			property := schemaOf(field.Type, comments, definitions)
			if text := comments[owner.Name()+"."+field.Name]; text != "" {
				property["description"] = text
			}
			properties[name] = property
		}
		if required != nil {
			object["required"] = required
		}
	}
	return map[string]any{"$ref": "#/$defs/" + typ.Name()}
}

// commentsOf reads the comments of the package's types and fields.
func commentsOf(t *testing.T) map[string]string {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	add := func(name string, groups ...*ast.CommentGroup) {
		for _, group := range groups {
			if group != nil {
				comments[name] = strings.Join(strings.Fields(group.Text()), " ")
			}
		}
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			declaration, ok := n.(*ast.GenDecl)
			if !ok || declaration.Tok != token.TYPE {
				return true
			}
			for _, spec := range declaration.Specs {
				named := spec.(*ast.TypeSpec)
				add(named.Name.Name, declaration.Doc)
				if object, ok := named.Type.(*ast.StructType); ok {
					for _, field := range object.Fields.List {
						for _, name := range field.Names {
							add(named.Name.Name+"."+name.Name, field.Comment, field.Doc)
						}
					}
				}
			}
			return false
		})
	}
	return comments
}
