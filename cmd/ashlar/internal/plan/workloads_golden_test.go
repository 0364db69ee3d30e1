package plan

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// keptLines say what was read of a pod, and what not. How much memory it takes is held elsewhere.
var keptLines = regexp.MustCompile(`^(?:\S+\.yaml:|asked: |note: |ashlar: |[A-Z]\w+: unknown|.*H100-SXM5-80GB: (?:fits|does not))`)

// Manifests of each kind are read into the pods that their operators make: go test
// ./cmd/ashlar/internal/plan -run Workloads -update writes what is printed now.
func TestWorkloadsAsTheyAre(t *testing.T) {
	files, err := filepath.Glob("testdata/workloads/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := describePlan(t, file)
			clitest.CompareGolden(t, strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".yaml")+".txt", got)
		})
	}
}

// describePlan is what plan says of the pods of a file on H100s, without amounts of memory.
func describePlan(t *testing.T, file string) string {
	t.Helper()
	stdout, stderr, err := clitest.RunCommand(t, NewCommand(), "plan", "-f", file, "--gpu", "H100-SXM5-80GB")
	var b strings.Builder
	text := stderr + stdout
	if err != nil {
		text += "\nashlar: " + strings.ReplaceAll(err.Error(), "\n", "\nashlar: ") + "\n"
	}
	for line := range strings.Lines(strings.ReplaceAll(text, filepath.Dir(file)+string(filepath.Separator), "")) {
		switch model, about, _ := strings.Cut(line, ": "); {
		case keptLines.MatchString(line):
			b.WriteString(line)
		case strings.Contains(about, " parameters, "):
			b.WriteString(model + "\n")
		}
	}
	return b.String()
}
