package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/whatif"
)

// asProgram has the test's program be ashlar, as far as the page needs it.
const asProgram = "ASHLAR_UI_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	command := &cobra.Command{Use: "ashlar", SilenceUsage: true, SilenceErrors: true}
	command.AddCommand(NewCommand(), whatif.NewCommand())
	if err := command.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ashlar:", err)
		os.Exit(cli.ExitCode(err))
	}
}

// startProgram starts ashlar ui in a process of its own, and returns where the page is.
func startProgram(t testing.TB, args ...string) (address string, process *os.Process) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, os.Args[0], append([]string{"ui", "--port", "0"}, args...)...)
	command.Env = append(os.Environ(), asProgram+"=1")
	var said strings.Builder
	command.Stderr = &said
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); command.Wait() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(errors.Join(err, errors.New(said.String())))
	}
	found := regexp.MustCompile(`^(http://127\.0\.0\.1:\d+)/ shows the GPUs of .*, read-only; Ctrl-C ends it\n$`).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("ui said %q", line)
	}
	return found[1], command.Process
}
