package scenario

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The examples of README.md are one scenario, in which every command occurs.
func TestReadmeExamplesRun(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, block := range regexp.MustCompile("(?s)\n```scenario\n(.*?)\n```\n").FindAllSubmatch(text, -1) {
		examples.WriteString(string(block[1]) + "\n\n")
	}
	seen := map[string]bool{}
	environment := NewEnvironment()
	datadriven.RunTestFromString(t, examples.String(), func(t *testing.T, d *datadriven.TestData) string {
		seen[d.Cmd] = true
		output, err := environment.Execute(d)
		if err != nil {
			t.Fatal(err)
		}
		return output
	})
	for name := range commands {
		if !seen[name] {
			t.Errorf("README.md has no example of the command %q", name)
		}
	}
}
