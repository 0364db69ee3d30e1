package gobuild

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestCommitTime(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	if got, err := CommitTime(t.Context(), "."); err != nil || !got.Equal(time.Unix(1_700_000_000, 0)) {
		t.Errorf("got %v, %v", got, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := CommitTime(t.Context(), "."); err == nil || !strings.Contains(err.Error(), `SOURCE_DATE_EPOCH "yesterday"`) {
		t.Errorf("got %v, want one about SOURCE_DATE_EPOCH", err)
	}
}

// Without a compiler for another architecture it says which packages have one.
func TestMissingCompiler(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := compilerFor(runtime.GOARCH); err != nil {
		t.Errorf("this machine's architecture: %v", err)
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	if _, err := compilerFor(other); err == nil || !strings.Contains(err.Error(), "apt-get install gcc-") {
		t.Errorf("%s: %v, want one that names packages", other, err)
	}
	if _, err := compilerFor("riscv64"); err == nil {
		t.Error("riscv64 has a compiler")
	}
}
