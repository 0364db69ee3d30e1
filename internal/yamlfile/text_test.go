package yamlfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parseOne is the value of the only document of a text.
func parseOne(t *testing.T, text string) any {
	t.Helper()
	documents, err := Parse("m.yaml", []byte(text), Options{Aliases: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) != 1 {
		t.Fatalf("%d documents, want 1", len(documents))
	}
	return documents[0].Root.Value()
}

// Block scalars are as YAML 1.2 has them, whether or not a line break ends the file.
func TestParseBlockScalars(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"folded":                    {">\n  f\n  g\n", "f g\n"},
		"folded, no line break":     {">\n  f\n  g", "f g"},
		"stripped, no line break":   {">-\n  f\n  g", "f g"},
		"kept, no line break":       {">+\n  f\n  g", "f g"},
		"literal, no line break":    {"|\n  x", "x"},
		"literal":                   {"|\n  x\n", "x\n"},
		"kept":                      {"|+\n  x\n\n", "x\n\n"},
		"kept, half a line":         {"|+\n  x\n\n  ", "x\n\n"},
		"spaces, no line break":     {"|\n  t ", "t "},
		"spaces":                    {"|\n  t \n", "t \n"},
		"spaces, stripped":          {"|-\n  t \n", "t "},
		"indentation at the end":    {"|\n  t \n  ", "t \n"},
		"a line of spaces":          {"|-\n  x\n   \n", "x\n "},
		"a line of spaces, no end":  {"|\n  x\n   ", "x\n "},
		"a comment in the header":   {"| # c\n  x", "x"},
		"a hash is text":            {"|\n  x # c", "x # c"},
		"a tab is text":             {"|\n  x\ty\n", "x\ty\n"},
		"nothing":                   {"|", ""},
		"nothing kept":              {"|+\n", ""},
		"empty lines":               {"|\n\n\n", ""},
		"empty lines kept":          {"|+\n\n\n", "\n\n"},
		"folded over empty lines":   {">\n  a\n\n\n  b\n", "a\n\nb\n"},
		"folded, an indented line":  {">\n  a\n   b\n  c\n", "a\n b\nc\n"},
		"folded, empty lines first": {">\n\n  a\n  b\n", "\na b\n"},
		"Windows' line ends":        {">\r\n  a\r\n  b\r\n", "a b\n"},
		"indentation in the header": {"|2\n    x\n  y\n", "  x\ny\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]any{"a": tc.want}
			if diff := cmp.Diff(want, parseOne(t, "a: "+tc.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !strings.HasSuffix(tc.text, "\n") || strings.Contains(tc.text, "+") {
				return
			}
			want["b"] = int64(1)
			if diff := cmp.Diff(want, parseOne(t, "a: "+tc.text+"b: 1\n")); diff != "" {
				t.Errorf("before a field: (-want +got)\n%s", diff)
			}
		})
	}
}

// Texts without quotes are folded over lines, and what is around them is as it was.
func TestParsePlainText(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want any
	}{
		"two lines":             {"a: x\n  y\n", map[string]any{"a": "x y"}},
		"an empty line":         {"a: x\n\n  y\n", map[string]any{"a": "x\ny"}},
		"a line of spaces":      {"a: x\n\n   \n  y\n", map[string]any{"a": "x\n\ny"}},
		"a dash":                {"a: x\n  - y\n  - z\n", map[string]any{"a": "x - y - z"}},
		"a number over lines":   {"a: 1\n  2\n", map[string]any{"a": "1 2"}},
		"tabs around":           {"a:\tx\t\nb:\ty\t# c\n", map[string]any{"a": "x", "b": "y"}},
		"a tab in quotes":       {"a: \"x\\ty\"\nb: ['x\ty']\n", map[string]any{"a": "x\ty", "b": []any{"x\ty"}}},
		"a tab before the line": {"a: x\n  \ty\n", map[string]any{"a": "x y"}},
		"brackets outside any":  {"a: x}, [y]\n", map[string]any{"a": "x}, [y]"}},
		"a URL in brackets":     {"{a: http://x:80/y}\n", map[string]any{"a": "http://x:80/y"}},
		"a hash in a word":      {"a: x#y\n", map[string]any{"a": "x#y"}},
		"JSON without spaces":   {"{\"a\":1,\"b\":[\"c\",null]}", map[string]any{"a": int64(1), "b": []any{"c", nil}}},
		"quotes over lines":     {"a: 'x\n  y'\nb: \"x\n  y\" # c\n", map[string]any{"a": "x y", "b": "x y"}},
		"a question":            {"? a\n: b\n? \"c\"\n: d\n", map[string]any{"a": "b", "c": "d"}},
		"a question in braces":  {"{? a : b, ? c : d}", map[string]any{"a": "b", "c": "d"}},
		"a merge key": {"x: &x {b: 1}\ny:\n  <<: *x\nz: {<<: *x}\n", map[string]any{
			"x": map[string]any{"b": int64(1)}, "y": map[string]any{"b": int64(1)}, "z": map[string]any{"b": int64(1)},
		}},
		"a merge key in quotes": {"a<: 1\n\"a<<\": {b: 1}\n", map[string]any{"a<": int64(1), "a<<": map[string]any{"b": int64(1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, parseOne(t, tc.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// An item, field, anchor or tag without a value takes none of what follows.
func TestParseNulls(t *testing.T) {
	one := int64(1)
	for name, tc := range map[string]struct {
		text string
		want any
	}{
		"a tagged null":             {"!!str ~\n", "~"},
		"a tagged word for null":    {"[!!str null, !!str Null]\n", []any{"null", "Null"}},
		"a null with its own tag":   {"[!!null ~, !!null null]\n", []any{nil, nil}},
		"a tag":                     {"a: !!str\nb: 1\n", map[string]any{"a": "", "b": one}},
		"a tag at the end":          {"a: !!str", map[string]any{"a": ""}},
		"tags in brackets":          {"[!!str , !!str ]\n", []any{"", ""}},
		"an anchor":                 {"a: &x\nb: 1\n", map[string]any{"a": nil, "b": one}},
		"an anchor at the end":      {"a: &x\n", map[string]any{"a": nil}},
		"an anchor, then a comment": {"a: &x # c\n# d\n", map[string]any{"a": nil}},
		"an anchor and a tag":       {"a: &x !!str\nb: !!str &y\nc: *x\n", map[string]any{"a": "", "b": "", "c": ""}},
		"an anchor on a line":       {"a:\n  &x\nb: 1\n", map[string]any{"a": nil, "b": one}},
		"an anchor above its value": {"a: &x\n  b: 1\nc: &y\n- 1\n", map[string]any{"a": map[string]any{"b": one}, "c": []any{one}}},
		"anchors in brackets":       {"{a: &x , b: [&y , &z]}\n", map[string]any{"a": nil, "b": []any{nil, nil}}},
		"anchors of items":          {"- &x\n- &y\n- *x\n", []any{nil, nil, nil}},
		"an item before a field":    {"a:\n- x\n-\nb: 1\n", map[string]any{"a": []any{"x", nil}, "b": one}},
		"an item, deeper":           {"- a:\n  -\n  b: 1\n", []any{map[string]any{"a": []any{nil}, "b": one}}},
		"items":                     {"-\n- - a\n  -\n- b\n", []any{nil, []any{"a", nil}, "b"}},
		"an item of the next line":  {"-\n  a: 1\n-\n  - b\n", []any{map[string]any{"a": one}, []any{"b"}}},
		"items of a field":          {"a:\n- 1\nb:\nc:\n  - 1\n", map[string]any{"a": []any{one}, "b": nil, "c": []any{one}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, parseOne(t, tc.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
