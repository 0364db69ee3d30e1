package cli

import (
	"bytes"
	"os"
	"regexp"
	"testing"
)

// Beside a terminal it is told now and then how far the work is.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out)
	p.CountRun(4)
	p.lastTold = p.lastTold.Add(-lineInterval)
	p.started = p.started.Add(-lineInterval)
	p.CountRun(4)
	p.End()
	if got := out.String(); !regexp.MustCompile(`^2 of 4 runs, about 15s left\n$`).MatchString(got) {
		t.Errorf("told %q", got)
	}
	if file, err := os.CreateTemp(t.TempDir(), ""); err != nil || NewProgress(file).terminal {
		t.Errorf("a file is taken for a terminal, %v", err)
	}
}
