package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

const referenceFile = "../../docs/cli.md"

// The page about the command line says of every command what it is for and what it prints, and of every
// exit code what it means, as the program has them.
func TestReference(t *testing.T) {
	written, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	got := string(written)
	for section, table := range map[string]string{"commands": commandTable(), "exit codes": exitTable()} {
		start := fmt.Sprintf("<!-- %s: written by go test ./cmd/ashlar -run Reference -update -->\n", section)
		before, rest, found := strings.Cut(got, start)
		_, after, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended {
			t.Fatalf("%s has no part %q", referenceFile, section)
		}
		got = before + start + table + "<!-- end -->" + after
	}
	if clitest.Updating() {
		if err := os.WriteFile(referenceFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(written), got); diff != "" {
		t.Errorf("%s is not what the commands are: rewrite it with -update (-want +got):\n%s", referenceFile, diff)
	}
}

func commandTable() string {
	var text strings.Builder
	text.WriteString("| command | what it does | formats |\n| --- | --- | --- |\n")
	var add func(*cobra.Command)
	add = func(command *cobra.Command) {
		if command.HasParent() && command.Runnable() {
			formats := strings.Join(cli.FormatsOf(command), ", ")
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", command.CommandPath(), command.Short, formats)
		}
		for _, sub := range command.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" {
				add(sub)
			}
		}
	}
	add(newCommand())
	return text.String()
}

func exitTable() string {
	var text strings.Builder
	text.WriteString("| code | meaning |\n| --- | --- |\n")
	for _, one := range cli.ExitMeanings() {
		fmt.Fprintf(&text, "| %d | %s |\n", one.Code, one.Meaning)
	}
	return text.String()
}

// Every help text ends with the exit codes, and as a plugin of kubectl it says kubectl.
func TestHelpOfEveryCommand(t *testing.T) {
	var ask func(path []string, command *cobra.Command)
	ask = func(path []string, command *cobra.Command) {
		root := newCommand()
		cli.WordAs(root, "kubectl ashlar")
		var out strings.Builder
		root.SetOut(&out)
		root.SetArgs(append(path, "--help"))
		if err := root.Execute(); err != nil {
			t.Errorf("%v: %v", path, err)
		}
		if !strings.Contains(out.String(), "Exit codes:\n  0 ") {
			t.Errorf("the help of %v lacks the exit codes:\n%s", path, out.String())
		}
		prose, _, _ := strings.Cut(out.String(), "\nFlags:\n") // defaults of flags are values
		rest := strings.ReplaceAll(prose, "kubectl ashlar", "")
		if rest == prose || cli.SayCalled(rest, "ashlar", "kubectl ashlar") != rest {
			t.Errorf("the help of %v does not say kubectl ashlar everywhere:\n%s", path, out.String())
		}
		for _, sub := range command.Commands() {
			ask(append(path[:len(path):len(path)], sub.Name()), sub)
		}
	}
	ask(nil, newCommand())
}
