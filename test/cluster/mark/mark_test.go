package mark

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestEnd(t *testing.T) {
	cases := map[string]struct {
		script string
		grace  time.Duration
	}{
		"one that listens":              {"sleep 60", time.Minute},
		"one that does not":             {"trap '' TERM; while :; do sleep 1; done", 100 * time.Millisecond},
		"orphans of a dead parent":      {"sleep 60 & sleep 60 & exit 0", time.Minute},
		"no grace":                      {"trap '' TERM; sleep 60 & wait", 0},
		"one that has already finished": {"exit 0", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, other := New(), New()
			start(t, m, tc.script)
			stranger := start(t, other, "sleep 60")
			time.Sleep(50 * time.Millisecond) // lets the script set its trap

			if err := m.End(t.Context(), tc.grace); err != nil {
				t.Fatal(err)
			}
			if left, err := m.Processes(); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
			if left, err := other.Processes(); err != nil || !slices.Contains(left, stranger) {
				t.Errorf("a process with another mark is gone: %v, %v", left, err)
			}
			if err := other.End(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// start runs a shell script under a mark and returns its process id.
func start(t *testing.T, m Mark, script string) int {
	t.Helper()
	command := exec.Command("sh", "-c", script)
	command.Env = append(os.Environ(), m.Env())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go command.Wait()
	return command.Process.Pid
}
