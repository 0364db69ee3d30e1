package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/internal/buildinfo"
)

// run calls ashlar with the given arguments.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, problems bytes.Buffer
	command := newCommand()
	command.SetArgs(args)
	command.SetOut(&out)
	command.SetErr(&problems)
	err = command.Execute()
	return out.String(), problems.String(), err
}

func TestUnknownCommand(t *testing.T) {
	out, _, err := run(t, "topolgy")
	const want = `unknown command "topolgy": the nearest is topology`
	if err == nil || cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), want) || out != "" {
		t.Errorf("got %v, want %s; printed %q", err, want, out)
	}
}

// Help is no error, and every command says what it is for.
func TestHelp(t *testing.T) {
	out, _, err := run(t)
	if err != nil || !strings.Contains(out, "Usage:") {
		t.Errorf("ashlar printed %q, %v", out, err)
	}
	for _, command := range newCommand().Commands() {
		if command.Short == "" || !strings.Contains(out, command.Short) {
			t.Errorf("ashlar does not say what %s is for:\n%s", command.Name(), out)
		}
	}
}

func TestVersion(t *testing.T) {
	want := buildinfo.ReadInfo().Describe("ashlar") + "\n"
	for _, arg := range []string{"--version", "version"} {
		if got, _, err := run(t, arg); err != nil || got != want {
			t.Errorf("%s printed %q, %v, want %q", arg, got, err, want)
		}
	}
	if _, _, err := run(t, "version", "now"); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("version now: %v, want a mistake on the command line", err)
	}
}
