package yamlfile

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Kind string `json:"kind"`
	part
	List  []item            `json:"list,omitempty"`
	Words map[string]string `json:"words,omitempty"`
	Any   any               `json:"any,omitempty"`
}

type part struct {
	On    bool    `json:"on,omitempty"`
	Count int64   `json:"count,omitempty"`
	Load  float64 `json:"load,omitempty"`
}

type item struct {
	Name  string `json:"name"`
	Size  *size  `json:"size,omitempty"`
	Small int8   `json:"small,omitempty"`
}

type size int

func (s *size) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%dm", s)
	if err != nil {
		return fmt.Errorf("%q is no size like 5m", text)
	}
	return nil
}

func TestRead(t *testing.T) {
	text := "# a comment\nkind: yes\non: true\ncount: -3\nload: 1e3\nlist:\n- {name: 5, size: 7m}\n- name: >-\n    two\n    lines\n" +
		"words: {a.b: 'it''s', \"c\": \"x\\ty\"}\nany: [1, 0x10, 0o17, 0644, .5, .inf, ~, True, no, \"1\", 2001-01-01, !!str 5, -]\n"
	var got sample
	document, faults := Read("f.yaml", []byte(text), &got, Options{})
	if faults.Err() != nil {
		t.Fatal(faults.Err())
	}
	seven := size(7)
	want := sample{
		Kind: "yes", part: part{On: true, Count: -3, Load: 1000},
		List: []item{{Name: "5", Size: &seven}, {Name: "two lines"}}, Words: map[string]string{"a.b": "it's", "c": "x\ty"},
		Any: []any{int64(1), int64(16), int64(15), int64(420), 0.5, math.Inf(1), nil, true, "no", "1", "2001-01-01", "5", nil},
	}
	// The library reads a lone - in brackets as an item, as YAML 1.2 does not.
	want.Any = append(want.Any.([]any)[:12], got.Any.([]any)[12:]...)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for path, want := range map[string]Position{
		"kind": {2, 7}, "list": {6, 1}, "list[0]": {7, 3}, "list[0].size": {7, 19}, "list[1].name": {8, 9}, "list[1].size": {8, 3},
		"list[7]": {6, 1}, "nothing": {2, 1}, "": {2, 1}, "words": {11, 1},
	} {
		if got := document.Position(path); got != want {
			t.Errorf("%q is at %v, want %v", path, got, want)
		}
	}
}

// Tabs, Windows' line ends and byte order marks are fine in JSON, as it is YAML.
func TestReadJSON(t *testing.T) {
	var got sample
	text := "\ufeff{\r\n\t\"kind\": \"x\",\r\n\t\"list\": [\r\n\t\t{\"name\": \"é\\u00e9\"}\r\n\t]\r\n}\r\n"
	_, faults := Read("f.json", []byte(text), &got, Options{})
	want := sample{Kind: "x", List: []item{{Name: "éé"}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" || faults.Err() != nil {
		t.Errorf("%v, (-want +got)\n%s", faults.Err(), diff)
	}
}

// Each fault has its place, its path, and what to do.
func TestReadFaults(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"empty": {"# nothing\n", "f.yaml:1:1: is empty: see the manual"},
		"unknown field": {
			"kind: x\nkinds: y\n", "f.yaml:2:1: kinds: is not a field, did you mean kind?: want one of kind, on, count, load, list",
		},
		"near field":      {"kin: x\n", "f.yaml:1:1: kin: is not a field, did you mean kind?: want one of kind, on"},
		"unknown below":   {"list:\n- nam: x\n", "f.yaml:2:3: list[0].nam: is not a field, did you mean name?: want one of name, size, small"},
		"twice":           {"kind: x\nlist: []\nkind: y\n", "f.yaml:3:1: kind: occurs twice"},
		"twice in flow":   {"{kind: x, kind: y}\n", "f.yaml:1:11: kind: occurs twice"},
		"strange name":    {"\"a\\e[31m.b\": x\n", "f.yaml:1:1: \"a\\x1b[31m.b\": is not a field"},
		"a word":          {"on: sure\n", `f.yaml:1:5: on: "sure", want true or false`},
		"a quoted truth":  {"on: 'true'\n", `f.yaml:1:5: on: "true", want true or false`},
		"a quoted number": {"count: '3'\n", `f.yaml:1:8: count: "3", want a whole number without quotes`},
		"a fraction":      {"count: 1.5\n", `f.yaml:1:8: count: "1.5", want a whole number`},
		"too large":       {"list:\n- small: 128\n", `f.yaml:2:10: list[0].small: "128", want a whole number`},
		"not a number":    {"load: .nan\n", `f.yaml:1:7: load: ".nan", want a number`},
		"infinite":        {"load: 1e999\n", `f.yaml:1:7: load: "1e999", want a number`},
		"its own reader":  {"list:\n- size: 5\n", `f.yaml:2:9: list[0].size: "5" is no size like 5m`},
		"a list of words": {"kind: [x]\n", "f.yaml:1:7: kind: want one value"},
		"no list":         {"list:\n  name: x\n", "f.yaml:2:3: list: want a list: lines that start with -"},
		"no fields":       {"list:\n- x\n", "f.yaml:2:3: list[0]: want fields: lines like name: value"},
		"no value":        {"count: 1\nkind:\n", "f.yaml:2:1: kind: is empty: write a value, or leave the field out"},
		"an empty item":   {"list:\n-\n", "f.yaml:2:3: list[0]: is empty"},
		"an anchor":       {"kind: &a x\n", "f.yaml:1:7: kind: anchors and aliases are not read: write it out"},
		"a merge":         {"words:\n  <<: x\n", "f.yaml:2:3: words.<<: anchors and aliases are not read"},
		"a tag":           {"kind: !secret x\n", "f.yaml:1:7: kind: the tag !secret is not read: leave it out"},
		"a wrong tag":     {"count: !!int x\n", "f.yaml:1:8: count: is no int, as its tag says"},
		"a directive":     {"%YAML 1.1\n---\nkind: x\n", "f.yaml:1:1: is a directive, which are not read: leave the line out"},
		"second document": {"kind: x\n---\nkind: y\n", "f.yaml:3:1: is a second document: want one, without ---"},
		"a bracket":       {"kind: x\nlist: [\n", "f.yaml:2:7: is not YAML: sequence end token ']' not found"},
		"a tab":           {"list:\n\t- name: a\n", "f.yaml:2:1: is not YAML: a tab indents the line, where only spaces may"},
		"two colons":      {"kind: a: b\n", "f.yaml:1:7: is not YAML: mapping value is not allowed in this context"},
		"UTF-16":          {"\xff\xfek\x00", "f.yaml:1:1: is UTF-16, as > of PowerShell writes it: save it as UTF-8"},
		"not UTF-8":       {"kind: x\non: a\xff\n", "f.yaml:2:6: byte 0xff is no text in UTF-8"},
		"a control":       {"kind: \x1b[31m\n", "f.yaml:1:7: byte 0x1b is no text in UTF-8"},
		"a key of keys":   {"{[a]: b}\n", "f.yaml:1:"},
		"deep":            {"any: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "f.yaml:1:70: is nested more than 64 deep"},
		"deep dashes":     {"any: \n  " + strings.Repeat("- ", 70) + "x", "f.yaml:2:131: is nested more than 64 deep"},
		"many tags":       {"any: " + strings.Repeat("!a ", 70) + "x", "is nested more than 64 deep"},
		"many keys":       {"words:\n" + strings.Repeat(" a: b\n", 1001), "f.yaml:1002:3: has more than 1000 fields in one mapping"},
		"large":           {"kind: " + strings.Repeat("x", DefaultMaxBytes), "f.yaml:1:1: is larger than 4194304 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			var into sample
			_, faults := Read("f.yaml", []byte(tc.text), &into, Options{Empty: "see the manual"})
			if len(faults) == 0 || !strings.Contains(faults.Err().Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", faults.Err(), tc.want)
			}
		})
	}
}

// YAML 1.1 has more words for true and false. They count where a truth is wanted, and
// nowhere else.
func TestReadOlderTruths(t *testing.T) {
	for text, want := range map[string]bool{"yes": true, "On": true, "no": false, "off": false} {
		into := sample{part: part{On: !want}}
		if _, faults := Read("f.yaml", []byte("kind: "+text+"\non: "+text+"\n"), &into, Options{}); len(faults) > 0 {
			t.Fatal(faults.Err())
		}
		if into.On != want || into.Kind != text {
			t.Errorf("%s: read as %t and %q, want %t and %q", text, into.On, into.Kind, want, text)
		}
	}
}

// All faults are said at once, by their lines; of very many the first twenty.
func TestReadAllFaults(t *testing.T) {
	var into sample
	_, faults := Read("f.yaml", []byte("list: [&a {name: x}, {small: x}]\n"), &into, Options{})
	const items = `f.yaml:1:8: list[0]: anchors and aliases are not read: write it out
f.yaml:1:30: list[1].small: "x", want a whole number`
	if diff := cmp.Diff(items, faults.Err().Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, faults = Read("f.yaml", []byte("on: sure\nlist:\n- nam: x\n  small: many\nkind: a\nkind: b\n"), &into, Options{})
	want := `f.yaml:1:5: on: "sure", want true or false
f.yaml:3:3: list[0].nam: is not a field, did you mean name?: want one of name, size, small
f.yaml:4:10: list[0].small: "many", want a whole number
f.yaml:6:1: kind: occurs twice`
	if diff := cmp.Diff(want, faults.Err().Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for path, want := range map[string]bool{
		"list[0].name": true, "list[0]": true, "list": true, "list[0].size": false, "kind": true, "kin": false, "list[1]": false,
	} {
		if got := faults.Concern(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	_, faults = Read("f.yaml", []byte("{"+strings.Repeat("x: y, ", 5000)+"}"), &into, Options{})
	lines := strings.Split(faults.Err().Error(), "\n")
	if len(lines) != maxPrinted+1 || lines[maxPrinted] != "f.yaml: and 981 more" {
		t.Errorf("%d lines, the last %s", len(lines), lines[len(lines)-1])
	}
}

// Manifests are walked document by document.
func TestParse(t *testing.T) {
	text := "# first\n---\n---\nkind: Pod\nspec: &spec\n  a: 1\n  b: {c: d}\n---\n# second\nkind: Job\nspec:\n  <<: *spec\n  a: 2\n...\n"
	_, err := Parse("m.yaml", []byte(text), Options{})
	if err == nil || !strings.Contains(err.Error(), "m.yaml:5:7: spec: anchors and aliases are not read") {
		t.Errorf("without aliases: %v", err)
	}
	documents, err := Parse("m.yaml", []byte(strings.ReplaceAll(text, "*spec", "{a: 3, z: 4}")), Options{Aliases: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) != 2 || documents[0].Line != 4 || documents[1].Line != 10 {
		t.Fatalf("%+v", documents)
	}
	want := map[string]any{"kind": "Job", "spec": map[string]any{"a": int64(2), "z": int64(4)}}
	if diff := cmp.Diff(want, documents[1].Root.Value()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := documents[0].Root.Field("spec").Field("b").Field("c").String(); got != "d" {
		t.Errorf("got %q", got)
	}
	if got := documents[0].Root.Field("kind").Field("x").Field("y").String(); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestParseAliases(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unfolds":      {"a: &x [1]\nb: *x\nc: [*x, *x]\n", ""},
		"merges":       {"- &x {a: 1}\n- &y {b: 2}\n- <<: [*x, *y]\n", ""},
		"no anchor":    {"a: *x\n", "m.yaml:1:4: a: *x: no anchor &x is before it"},
		"another's":    {"a: &x 1\n---\na: *x\n", "m.yaml:3:4: a: *x: no anchor &x is before it"},
		"itself":       {"a: &x [*x]\n", "m.yaml:1:8: a[0]: *x: no anchor &x is before it"},
		"itself again": {"a: &x 1\nb: &x {c: *x}\n", "m.yaml:2:11: b.c: *x: no anchor &x is before it"},
		"no mapping":   {"a: &x 1\nb:\n  <<: *x\n", "m.yaml:3:3: b.<<: want a mapping, or a list of them"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("m.yaml", []byte(tc.text), Options{Aliases: true})
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 20 {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	_, err := Parse("m.yaml", []byte(laughs.String()), Options{Aliases: true})
	if err == nil || !strings.Contains(err.Error(), "holds more than 1048576 values once its aliases are unfolded") {
		t.Errorf("a billion laughs: %v", err)
	}
}

// A document that is not YAML takes nothing else of its file with it, and places stay those of
// the file.
func TestParseAroundBrokenDocuments(t *testing.T) {
	for name, tc := range map[string]struct {
		text      string
		wantRoots []string // their field a, and the line
		wantError string
	}{
		"in the middle": {"a: 1\n---\nb: [\n---\n# more\na: 3\n", []string{"1 at 1", "3 at 6"}, "f:3:4: is not YAML"},
		"the first":     {"a: {\n--- # next\na: 2\n", []string{"2 at 3"}, "f:1:4: is not YAML"},
		"two of them":   {"a: 1\n---\nb: \"x\n---\na: 3\n---\nc: ]\n", []string{"1 at 1", "3 at 5"}, "f:3:4: is not YAML"},
		"a field":       {"a: 1\n---\na: 2\na: 3\n", []string{"1 at 1", "2 at 3"}, "f:4:1: a: occurs twice"},
		"dashes in a text": {
			"a: |\n  ---\n  b\n---\nb: [\n", []string{"---\nb\n at 1"}, "f:5:4: is not YAML",
		},
		"only one": {"a: [\n", nil, "f:1:4: is not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			documents, err := Parse("f", []byte(tc.text), Options{})
			if err == nil || !strings.Contains(err.Error(), tc.wantError) {
				t.Errorf("got %v, want %s", err, tc.wantError)
			}
			var got []string
			for _, document := range documents {
				got = append(got, fmt.Sprintf("%s at %d", document.Root.Field("a").String(), document.Line))
			}
			if diff := cmp.Diff(tc.wantRoots, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}
