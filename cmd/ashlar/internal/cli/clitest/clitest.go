package clitest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// Updating reports whether tests are to rewrite what they would compare.
func Updating() bool { return *update }

// RootCommand is ashlar with the given commands alone.
func RootCommand(commands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use: "ashlar", SilenceUsage: true, SilenceErrors: true, Args: cli.OnlySubcommands, RunE: cli.ShowHelp,
	}
	root.AddCommand(commands...)
	cli.MarkUsageErrors(root)
	return root
}

// RunCommand calls ashlar, which has the one command, with arguments.
func RunCommand(t testing.TB, command *cobra.Command, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, problems bytes.Buffer
	root := RootCommand(command)
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&problems)
	err = root.Execute()
	return out.String(), problems.String(), err
}

// CompareGolden compares text with a file in testdata, or rewrites the file.
func CompareGolden(t testing.TB, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), after a change that is meant run the test with -update:\n%s", file, diff)
	}
}
