package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// addVersion gives the command --version: that of the module, as the Go toolchain recorded it, with the
// commit.
func addVersion(command *cobra.Command) {
	command.Version = "unknown"
	info, known := debug.ReadBuildInfo()
	if !known {
		return
	}
	command.Version = info.Main.Version
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			command.Version += ", commit " + setting.Value
		}
	}
}
