package clustertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// RunStories runs the files of a folder, each of which tells a cluster and asks a command about it:
//
//	cluster      the objects, in YAML, in place of those told before
//	ask [ARGS]   prints what the command does, and the exit code
//
// -rewrite writes what is printed now: commit only lines that you can explain.
func RunStories(t *testing.T, folder string, command func() *cobra.Command) {
	datadriven.Walk(t, folder, func(t *testing.T, path string) {
		file := filepath.Join(t.TempDir(), "cluster.yaml")
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "cluster":
				if err := os.WriteFile(file, []byte(d.Input+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				return ""
			case "ask":
				args := []string{"--snapshot", file}
				for _, argument := range d.CmdArgs {
					args = append(args, argument.String())
				}
				out, _, err := clitest.RunCommand(t, command(), append([]string{command().Name()}, args...)...)
				code := 0
				if err != nil {
					out, code = out+"error: "+err.Error()+"\n", cli.ExitCode(err)
				}
				return strings.ReplaceAll(out, file, "cluster.yaml") + fmt.Sprintf("exit %d\n", code)
			}
			t.Fatalf("%s: unknown command %q, want cluster or ask", d.Pos, d.Cmd)
			return ""
		})
	})
}
