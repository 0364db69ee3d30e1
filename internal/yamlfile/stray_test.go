package yamlfile

import (
	"strings"
	"testing"
)

// What the library would read past, or read as something else than it says, is refused.
func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a tab":                     {"cmd: sleep\t10\n", "m.yaml:1:6: " + tabInText},
		"a tab in brackets":         {"[sleep\t10]\n", "m.yaml:1:2: " + tabInText},
		"a tab in a name":           {"a\tb: 1\n", "m.yaml:1:1: " + tabInText},
		"a tab in an anchor":        {"a: &x\ty\nb: *x\n", "m.yaml:1:5: " + tabInText},
		"a name before a merge key": {"a<<: {b: 1}\n", "m.yaml:1:2: " + mergeInName},
		"the same, lines":           {"a: 1\nb c<<:\n  d: 1\n", "m.yaml:2:4: " + mergeInName},
		"the same in braces":        {"{a<<: {b: 1}}\n", "m.yaml:1:3: " + mergeInName},
		"a question":                {"? \"x\" y\n", "m.yaml:1:1: " + explicitKey},
		"a question without answer": {"? x\ny: 1\n", "m.yaml:1:1: " + explicitKey},
		"an indented answer":        {"? x\n  : y\n", "m.yaml:1:1: " + explicitKey},
		"an answer in the question": {"? a: b\n: c\n", "m.yaml:1:1: " + explicitKey},
		"a list as a question":      {"? [a]\n: b\n", "m.yaml:1:1: " + explicitKey},
		"a closing brace":           {"a: }\n", "m.yaml:1:4: " + strangeStart},
		"a comma":                   {", a\n", "m.yaml:1:1: " + strangeStart},
		"a percent sign":            {"a:\n  b: 1\n  %c: 1\n", "m.yaml:3:3: " + strangeStart},
		"a closing bracket":         {"a: ]\n", "m.yaml:1:4: " + noOpenBracket},
		"the other bracket":         {"{a: [b}]\n", "m.yaml:1:7: " + noOpenBracket},
		"one bracket too many":      {"[a]]\n", "m.yaml:1:4: " + noOpenBracket},
		"a brace in a text":         {"[a}b]\n", "m.yaml:1:2: " + bracketInText},
		"text after quotes":         {"a: \"x\" y\n", "m.yaml:1:8: " + followsValue},
		"quotes after quotes":       {"- 'x\n  y' 'z'\n", "m.yaml:2:6: " + followsValue},
		"text after brackets":       {"a: [1] b\n", "m.yaml:1:8: " + followsValue},
		"no comma":                  {"['a'\n\"b\"]\n", "m.yaml:2:1: " + missingComma},
		"no comma in braces":        {"{a: 'x' b: 1}\n", "m.yaml:1:9: " + missingComma},
		"a bracket left open":       {"a: [x\nb: y\nc: 'z'\n", "m.yaml:2:1: is not YAML: ',' or ']' must be specified"},
		"two commas":                {"[a,,b]\n", "m.yaml:1:4: " + missingItem},
		"a comma first":             {"{, a}\n", "m.yaml:1:2: " + missingItem},
		"no space":                  {"{a:b}\n", "m.yaml:1:4: " + noSpace},
		"a comment in a text":       {"a: b\n  - c # d\n", commentInText},
		"spaces before a block":     {"a: |\n     \n  x\n", "m.yaml:3:3: is not YAML: invalid number of indent is specified after space only"},
		"a space before a block":    {"a: |\n   \n  # x\n", wideStart},
		"a tab in double quotes":    {"a: \"x\ty\"\nb: 1\n", "m.yaml:1:4: " + tabInQuotes},
		"the same in brackets":      {"[\"x\ty\", 1]\n", "m.yaml:1:2: " + tabInQuotes},
		"a value that is not right": {"a:\nb\n", "m.yaml:2:1: is not YAML: non-map value is specified"},
	} {
		t.Run(name, func(t *testing.T) {
			documents, err := Parse("m.yaml", []byte(tc.text), Options{Aliases: true})
			if err == nil {
				t.Fatalf("reads %v", documents[0].Root.Value())
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}
