package main

import (
	"bytes"
	"testing"

	"github.com/ashlar-dev/ashlar/internal/buildinfo"
)

// The version needs neither a configuration nor a cluster.
func TestVersion(t *testing.T) {
	want := buildinfo.ReadInfo().Describe("ashlar-scheduler") + "\n"
	for _, arg := range []string{"--version", "version"} {
		var stdout bytes.Buffer
		command := newCommand()
		command.SetArgs([]string{arg})
		command.SetOut(&stdout)
		if err := command.Execute(); err != nil || stdout.String() != want {
			t.Errorf("%s printed %q, %v, want %q", arg, &stdout, err, want)
		}
	}
}
