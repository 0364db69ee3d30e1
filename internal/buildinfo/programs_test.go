package buildinfo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every program of the repository says what it was built from.
func TestProgramsTellTheirVersion(t *testing.T) {
	programs, err := filepath.Glob("../../cmd/*")
	if err != nil || len(programs) < 3 {
		t.Fatalf("found the programs %v, %v, want at least 3", programs, err)
	}
	for _, program := range programs {
		sources, err := filepath.Glob(filepath.Join(program, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		for _, source := range sources {
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(source, "_test.go") {
				calls += strings.Count(string(text), "buildinfo.AddVersion(")
			}
		}
		if calls == 0 {
			t.Errorf("%s does not call buildinfo.AddVersion: it has neither --version nor the command version", filepath.Base(program))
		}
	}
}
