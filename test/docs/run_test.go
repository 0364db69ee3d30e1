package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a command may take.
const patience = 60 * time.Second

// scratchShell runs commands in a directory of its own, in which the repository's files are.
type scratchShell struct {
	folder string
	env    []string
}

// newScratchShell finds programs in the folders of path first.
func newScratchShell(t testing.TB, kubeconfig string, path ...string) *scratchShell {
	t.Helper()
	s := &scratchShell{folder: t.TempDir()}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || entry.Name() == "bin" {
			continue
		}
		if err := os.Symlink(filepath.Join(root, entry.Name()), filepath.Join(s.folder, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "NO_COLOR=1", "COLUMNS=",
		"PATH="+strings.Join(append(path, os.Getenv("PATH")), string(os.PathListSeparator)))
	return s
}

// runScript runs a script by bash, which stops at the first command that fails. It returns all
// that it printed, and the exit code.
func (s *scratchShell) runScript(ctx context.Context, script string) (string, int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-eu", "-o", "pipefail", "-c", script)
	command.Dir, command.Env = s.folder, s.env
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return string(output), 0, fmt.Errorf("it took longer than %s", patience)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(output), exit.ExitCode(), nil
	}
	return string(output), 0, err
}

// shownCommand is a command of a transcript, with what it is said to print.
type shownCommand struct{ command, output string }

func splitTranscript(text string) []shownCommand {
	var all []shownCommand
	for line := range strings.Lines(text) {
		if command, found := strings.CutPrefix(line, "$ "); found {
			all = append(all, shownCommand{command: command})
		} else if last := &all[len(all)-1]; strings.HasSuffix(last.command, "\\\n") && last.output == "" {
			last.command += line
		} else {
			last.output += line
		}
	}
	return all
}

// runBlock runs the commands of a block. Its error names the place, the command, and what was
// printed instead.
func (s *scratchShell) runBlock(ctx context.Context, b *docBlock) error {
	commands := []shownCommand{{command: b.text}}
	if b.language == "console" {
		commands = splitTranscript(b.text)
	}
	for i, shown := range commands {
		want := 0
		if i == len(commands)-1 {
			want = b.exit
		}
		output, code, err := s.runScript(ctx, shown.command)
		failed := func(format string, args ...any) error {
			return fmt.Errorf("%s: %s\n%s\nit printed:\n%s", b.place(), fmt.Sprintf(format, args...),
				indent(strings.TrimSpace(shown.command)), indent(output))
		}
		switch {
		case err != nil:
			return failed("%v:", err)
		case code != want:
			return failed("exit code %d, want %d (exit=%d behind the backticks says otherwise):", code, want, code)
		case shown.output == "":
		default:
			if line := firstDifference(shown.output, output); line != "" {
				return failed("the page says that it prints %q, which it does not, or not there:", line)
			}
		}
	}
	return nil
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

// firstDifference is the first line that is shown and was not printed in its place, "" if all were.
func firstDifference(shown, printed string) string {
	lines := strings.Split(strings.TrimRight(printed, "\n"), "\n")
	at, anywhere := 0, false
	for want := range strings.SplitSeq(strings.TrimRight(shown, "\n"), "\n") {
		want = strings.TrimRight(want, " ")
		if want == "..." {
			anywhere = true
			continue
		}
		line := linePattern(want)
		for anywhere && at < len(lines) && !line.MatchString(lines[at]) {
			at++
		}
		if at >= len(lines) || !line.MatchString(lines[at]) {
			return want
		}
		at, anywhere = at+1, false
	}
	if at < len(lines) && !anywhere {
		return "nothing more than " + strings.TrimSpace(shown[strings.LastIndex(strings.TrimRight(shown, "\n"), "\n")+1:])
	}
	return ""
}

// linePattern is the pattern of a line in which "..." stands for any text.
func linePattern(line string) *regexp.Regexp {
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, `.*`) + `\s*$`)
}

func TestFirstDifference(t *testing.T) {
	for name, tc := range map[string]struct{ shown, printed, want string }{
		"the same":            {"a\nb\n", "a\nb\n", ""},
		"blanks at the end":   {"a\n", "a  \n", ""},
		"any lines":           {"a\n...\nd\n", "a\nb\nc\nd\n", ""},
		"no lines":            {"a\n...\nb\n", "a\nb\n", ""},
		"any end":             {"a\n...\n", "a\nb\n", ""},
		"any beginning":       {"...\nc\n", "a\nb\nc\n", ""},
		"any text":            {"took ... s\n", "took 12 s\n", ""},
		"another line":        {"a\nb\n", "a\nc\n", "b"},
		"a line too few":      {"a\nb\n", "a\n", "b"},
		"a line too many":     {"a\n", "a\nb\n", "nothing more than a"},
		"after any lines":     {"...\nx\n", "a\nb\n", "x"},
		"not behind the last": {"...\nb\n", "a\nb\nc\n", "nothing more than b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := firstDifference(tc.shown, tc.printed); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
