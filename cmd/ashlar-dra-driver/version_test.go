package main

import (
	"bytes"
	"testing"

	"github.com/ashlar-dev/ashlar/internal/buildinfo"
)

// The version needs no node, no cluster and no GPU.
func TestVersion(t *testing.T) {
	want := buildinfo.ReadInfo().Describe("ashlar-dra-driver") + "\n"
	for _, arg := range []string{"--version", "version"} {
		var stdout, stderr bytes.Buffer
		if code := runCommand(t.Context(), []string{arg}, &stdout, &stderr); code != exitOK || stdout.String() != want {
			t.Errorf("%s exited with %d, printed %q and %q, want %q", arg, code, &stdout, &stderr, want)
		}
	}
}
