package defrag

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// snapshotOf is a folder with two nodes of one A30 each and the pods of a file of testdata.
func snapshotOf(t *testing.T, pods string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"nodes.json", pods} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestDefragGolden(t *testing.T) {
	const whole = "testdata/whole.yaml"
	for name, tc := range map[string]struct {
		pods string
		args []string
		exit int
	}{
		"allowed.txt":           {"allowed.yaml", []string{"--for", "-f", whole}, 0},
		"allowed.json":          {"allowed.yaml", []string{"--for", "-f", whole, "-o", "json"}, 0},
		"allowed-gain.txt":      {"allowed.yaml", nil, 0},
		"class.txt":             {"class.yaml", []string{"-f", whole}, 0},
		"class-open.txt":        {"class.yaml", []string{"-f", whole, "--cordon=false"}, cli.ExitNothingFits},
		"forbidden.txt":         {"forbidden.yaml", []string{"--for", "-f", whole}, cli.ExitNothingFits},
		"forbidden-gain.txt":    {"forbidden.yaml", nil, 0},
		"alone.txt":             {"alone.yaml", []string{"--for", "-f", whole}, cli.ExitNothingFits},
		"full.txt":              {"full.yaml", []string{"--for", "-f", whole}, cli.ExitNothingFits},
		"full-gain.yaml":        {"full.yaml", []string{"-o", "yaml"}, 0},
		"other-scheduler.txt":   {"allowed.yaml", []string{"-f", whole, "--scheduler", "another"}, cli.ExitNothingFits},
		"two-copies.txt":        {"allowed.yaml", []string{"-f", whole, "--copies", "2"}, cli.ExitNothingFits},
		"evict-of-snapshot.txt": {"allowed.yaml", []string{"-f", whole, "--evict"}, cli.ExitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"defrag", "--snapshot", snapshotOf(t, tc.pods)}, tc.args...)
			out, _, err := clitest.RunCommand(t, NewCommand(), args...)
			exit := 0
			if err != nil {
				exit = cli.ExitCode(err)
				out += "error: " + err.Error() + "\n"
			}
			if exit != tc.exit {
				t.Errorf("exit code %d, want %d: %v", exit, tc.exit, err)
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

// A snapshot that was saved has what consent and budgets are read from.
func TestDefragOfSavedSnapshot(t *testing.T) {
	for _, pods := range []string{"allowed.yaml", "class.yaml", "forbidden.yaml"} {
		objects, err := dryrun.ReadObjectFiles(snapshotOf(t, pods), nil)
		if err != nil {
			t.Fatal(err)
		}
		saved := filepath.Join(t.TempDir(), "saved.json")
		var text strings.Builder
		if err := objects.SaveObjects(&text); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(saved, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		plan := func(snapshot string) string {
			out, _, _ := clitest.RunCommand(t, NewCommand(), "defrag", "--snapshot", snapshot, "-f", "testdata/whole.yaml")
			return out
		}
		if want, got := plan(snapshotOf(t, pods)), plan(saved); got != want {
			t.Errorf("%s: saved, the plan is\n%s\nwant\n%s", pods, got, want)
		}
	}
}

// Contradictions are told before anything is read.
func TestDefragUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"--for goes with -f":     {"--for"},
		"--copies 0: want":       {"-f", "x.yaml", "--copies", "0"},
		"--copies goes with -f":  {"--copies", "2"},
		"--max-moves 0: want":    {"--max-moves", "0"},
		"--max-moves 1000: want": {"--max-moves", "1000"},
		"--yes goes with":        {"--yes"},
		"--timeout 0s: want":     {"--timeout", "0s"},
		"--output \"csv\": want": {"-o", "csv"},
		"--policy":               {"--snapshot", "x", "--policy", "fastest"},
	} {
		_, _, err := clitest.RunCommand(t, NewCommand(), append([]string{"defrag"}, args...)...)
		if err == nil || cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want a mistake in the call with %q", args, err, want)
		}
	}
}

// The JSON of a plan names all that --evict needs.
func TestDefragJSON(t *testing.T) {
	out, _, err := clitest.RunCommand(t, NewCommand(),
		"defrag", "--snapshot", snapshotOf(t, "allowed.yaml"), "-f", "testdata/whole.yaml", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(out), &fields); err != nil {
		t.Fatal(err)
	}
	move := fields["moves"].([]any)[0].(map[string]any)
	for _, field := range []string{
		"namespace", "pod", "uid", "from", "to", "leaves", "takes", "priority", "runSeconds", "gpuHours", "budgets",
	} {
		if move[field] == nil {
			t.Errorf("a move has no %s: it has %v", field, slices.Sorted(maps.Keys(move)))
		}
	}
}
