package yamlfile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const hostileBytes = 512 << 10

// What is made to keep the parser busy or to exhaust the stack is read, or refused, in
// seconds.
func TestHostileSizes(t *testing.T) {
	if testing.Short() {
		t.Skip("reads large texts")
	}
	fill := func(unit string) string { return strings.Repeat(unit, hostileBytes/len(unit)) }
	var distinct strings.Builder
	for i := 0; distinct.Len() < hostileBytes-20; i++ {
		fmt.Fprintf(&distinct, "k%d: v\n", i)
	}
	for name, text := range map[string]string{
		"brackets":          fill("["),
		"braces":            fill("{a: "),
		"pairs in brackets": fill("[a, "),
		"dashes":            fill("- "),
		"lone dashes":       fill("-"),
		"items":             fill("- a\n"),
		"one field":         fill("a: 1\n"),
		"fields":            distinct.String(),
		"colons":            fill("a: "),
		"questions":         fill("? "),
		"question lines":    fill("?\n"),
		"tags":              fill("!a "),
		"tag lines":         fill("!a\n"),
		"anchors":           fill("&a "),
		"anchor lines":      fill("&a\n"),
		"aliases":           fill("*a "),
		"documents":         fill("---\n"),
		"flow list":         "[" + strings.TrimSuffix(fill("a,")[2:], ","),
		"flow fields":       "{" + fill("a: 1, ")[6:] + "}",
		"spaces":            fill(" "),
		"lines":             fill("\n"),
		"comments":          fill("# c\n"),
		"quotes":            fill("'a' "),
		"words":             "a: " + fill("x ")[4:],
		"literal":           "a: |\n" + fill("  x\n")[8:],
		"returns":           fill("a: b\r\n"),
		"quoted":            "a: \"" + fill("x\n ")[6:] + "\"",
		"groups of fields":  fill("- a: 1\n" + strings.Repeat("  a: 1\n", 990)),
		"tagged keys":       fill("&a x: 1\n&aa x: 1\n"),
		"flow in block":     fill("a: {b: [c]}\n- "),
		"flow keys":         fill("{a}: b\n"),
		"flow tags":         "[" + fill("!a\n")[1:],
		"flow colons":       "[" + fill("a: ")[3:],
		"percent":           fill("%a\n"),
		"merges":            fill("<<: a\n"),
		"closing brackets":  fill("]"),
		"commas":            "[" + fill(",")[1:],
		"empty lists":       "[" + fill("[],")[1:],
		"tabs in quotes":    "\"" + fill("\t")[2:] + "\"",
		"tabs":              fill("\t"),
		"reserved":          fill("@"),
		"keys moving":       fill("a: 1\n a: 1\n"),
		"indents":           indents(hostileBytes),
		"item indents":      strings.ReplaceAll(indents(hostileBytes), "a:", "-"),
	} {
		start := time.Now()
		_, _ = Parse("h.yaml", []byte(text[:min(len(text), hostileBytes)]), Options{Aliases: true})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		} else {
			t.Logf("%s took %s", name, took)
		}
	}
}

// Tokens are counted before the library makes them, and never too few.
func TestTokenBound(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int // at most as many as are said
	}{
		"fields":           {"a: 1\nb: x y\n", 6},
		"items":            {"- a\n-\n- b\n", 5},
		"flow":             {"[a, {b: c}, []]\n", 12},
		"JSON":             {"{\"a\": [1, \"b\"]}\n", 9},
		"quotes":           {"a: \"x\"\nb: 'y z'\n", 6},
		"anchors":          {"a: &x !!str y\nb: *x\n", 10},
		"block scalars":    {"a: |\n  b\n", 4},
		"documents":        {"--- a\n...\n---\n", 4},
		"comments":         {"a: b # c\n", 4},
		"a directive":      {"%a b c\n", 4},
		"dashes in a word": {"a-b-c: --d\n", 3},
	} {
		t.Run(name, func(t *testing.T) {
			got, made := countTokens(tc.text), len(lexText(tc.text))
			if got < made || made > tc.want || tc.want > made {
				t.Errorf("%d said, %d made, want %d", got, made, tc.want)
			}
		})
	}
	if got := maxTokens(1 << 30); got != 1<<20 {
		t.Errorf("a large file may have %d tokens", got)
	}
	for _, unit := range []string{"]", "[,", "- 1\n", "[],", "a: 1\n", "\"\","} {
		_, err := Parse("h.yaml", []byte(strings.Repeat(unit, DefaultMaxBytes/len(unit))), Options{})
		const want = "h.yaml:1:1: has more than 524288 words and punctuation marks: divide it into several files"
		if err == nil || err.Error() != want {
			t.Errorf("%q: got  %v\nwant %s", unit, err, want)
		}
	}
}

// indents is as many nested fields as fit.
func indents(size int) string {
	var text strings.Builder
	for i := 0; text.Len()+i+3 < size; i++ {
		text.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return text.String()
}

// No text makes the reader panic or hang, and what it reads can be written as JSON and
// read again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "a: 1\n", "- a\n- b: c\n", "{a: [b, {c: d}]}", "a: &x 1\nb: *x\n", "a: |\n  x\n", "? a\n: b\n", "---\na: 1\n---\nb: 2\n...\n",
		"<<: {a: b}\n", "!!str 5",
		"a: 'x''y'\nb: \"\\n\"\n", "%YAML 1.2\n---\na\n", "- - - a\n", "a:\n  b:\n    - c\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if invalidByte(text) < 0 {
			tokens := lexText(string(text))
			made := len(tokens)
			if tokens.InvalidToken() != nil {
				made--
			}
			if said := countTokens(string(text)); said < made {
				t.Fatalf("%d tokens said, %d made", said, made)
			}
		}
		documents, err := Parse("f.yaml", text, Options{Aliases: true, MaxBytes: 1 << 16})
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Fatal("an error says nothing")
		}
		for _, document := range documents {
			var into any
			if faults := document.Decode(&into); len(faults) > 0 && document.Root.Kind != KindNull {
				t.Fatal(faults)
			}
			if written, err := json.Marshal(into); err == nil {
				if again, err := Parse("f.json", written, Options{}); err != nil || len(again) != 1 {
					t.Fatalf("%s: %v", written, err)
				}
			}
		}
		var into sample
		_, _ = Read("f.yaml", text, &into, Options{MaxBytes: 1 << 16})
	})
}
